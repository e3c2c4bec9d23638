"""Server-side WebSocket frames, unmasked and therefore the same for every subscriber (RFC 6455, section 5.2). Pure."""

PING = b"\x89\x00"
HEARD = b"heard"
ASK = bytes((0x89, len(HEARD))) + HEARD  # a ping whose pong says that all before it was heard
CLOSE_OPCODE = 0x88
PONG_OPCODE = 0x8A


def text_frame(payload: bytes) -> bytes:
    """One unfragmented text frame."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65536:
        return b"".join((b"\x81\x7e", size.to_bytes(2, "big"), payload))
    return b"".join((b"\x81\x7f", size.to_bytes(8, "big"), payload))


def close_code(frame: bytes | bytearray | memoryview) -> int | None:
    """The code of a close frame; None for any other frame and for a close without code."""
    if len(frame) < 4 or frame[0] != CLOSE_OPCODE:
        return None
    return int.from_bytes(frame[2:4], "big")


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason is cut to what a control frame may hold."""
    body = code.to_bytes(2, "big") + reason.encode()[:123].decode(errors="ignore").encode()
    return bytes((CLOSE_OPCODE, len(body))) + body


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping with this payload, of at most 125 bytes."""
    return bytes((PONG_OPCODE, len(payload))) + payload
