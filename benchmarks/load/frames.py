"""WebSocket frames as a load generator needs them (RFC 6455, section 5.2). Pure."""

from typing import NamedTuple

TEXT, BINARY, PING, PONG = 1, 2, 9, 10
MASK = b"\0\0\0\0"  # a mask of zeros is a legal one and leaves the payload as it is


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole masked frame."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b%b" % (0x80 | opcode, 0x80 | size, MASK, payload)
    if size < 65536:
        return b"%c\xfe%b%b%b" % (0x80 | opcode, size.to_bytes(2, "big"), MASK, payload)
    return b"%c\xff%b%b%b" % (0x80 | opcode, size.to_bytes(8, "big"), MASK, payload)


def server_frame_bytes(payload: int) -> int:
    """The size of an unmasked frame on the wire."""
    return payload + (2 if payload < 126 else 4 if payload < 65536 else 10)


class Segment(NamedTuple):
    """A frame's payload, or the part of it that is in one chunk: chunk[start:end]."""

    start: int
    end: int
    opcode: int
    first: bool
    last: bool


class Splitter:
    """Where the payloads of a server's frames are in a stream that comes in chunks. Looks at headers only."""

    __slots__ = ("_fresh", "_held", "_left", "_opcode")

    def __init__(self) -> None:
        self._held = b""  # of a header that is not whole yet
        self._left = 0  # bytes of payload to come
        self._opcode = 0
        self._fresh = True

    def segments(self, chunk: bytearray | bytes, size: int) -> list[Segment]:
        """The parts in chunk[:size], in order; an empty payload gives one, too."""
        found: list[Segment] = []
        at = 0
        while True:
            if not self._left:
                after = self._header(chunk, at, size)
                if after is None:
                    return found
                at = after
            elif at >= size:
                return found
            end = min(size, at + self._left)
            self._left -= end - at
            if end > at or not self._left:
                found.append(Segment(at, end, self._opcode, self._fresh, not self._left))
                self._fresh = False
            at = end

    def _header(self, chunk: bytearray | bytes, at: int, size: int) -> int | None:
        """Reads a header; returns where its payload begins, or None if the chunk ends before."""
        held = len(self._held)
        head = self._held + bytes(chunk[at : min(size, at + 10)])
        need = 2
        if len(head) >= 2:
            length = head[1] & 0x7F
            need = 4 if length == 126 else 10 if length == 127 else 2
        if len(head) < need:
            self._held = head
            return None
        self._held = b""
        self._opcode = head[0] & 0x0F
        self._left = length if need == 2 else int.from_bytes(head[2:need], "big")
        self._fresh = True
        return at + need - held
