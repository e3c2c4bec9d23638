"""Whole messages straight out of what a client sends, past the machinery for everything else. Pure.

Nearly all that producers send are small, whole, masked data frames. Taken here, one costs less than a
microsecond; through trio-websocket it costs two task switches more. Pings and pongs are taken if there is somebody to
take them. Anything else stays trio-websocket's: from the first frame on that is a fragment, a close, too large or
wrong in any way, everything is passed on, in the order it came.
"""

from collections.abc import Callable
from struct import Struct

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A  # each with FIN: no fragments
MASKED = 0x80
CONTROL_BYTES_MAX = 125

HEAD = Struct(">H4s")  # opcode and length, mask; or the long form of a length, mask
HEAD_BYTES = HEAD.size
SHORT_TEXT = TEXT << 8 | MASKED  # the smallest head of a text frame
SHORT_MAX = 125
SMALL_MAX = 1023  # bytes of a payload that is unmasked by one multiplication
# Times a mask: the mask repeated over so many words of 4 bytes.
REPEAT = [int.from_bytes(b"\1\0\0\0" * words, "little") for words in range((SMALL_MAX + 3) // 4 + 1)]


class FrameReader:
    """Splits a stream of bytes; `on_messages` is called with the payloads of the messages taken together, in order.

    `on_controls` is called after it, with the payloads of the pings that came meanwhile, and of the pongs.
    """

    __slots__ = (
        "_bytes_max", "_held", "_needed", "_on_controls", "_on_messages", "_passing", "_pings", "_pongs", "_small_max",
    )  # fmt: skip

    def __init__(
        self,
        bytes_max: int,
        on_messages: Callable[[list[bytes]], None],
        on_controls: Callable[[list[bytes], list[bytes]], None] | None = None,
    ) -> None:
        self._bytes_max = bytes_max
        self._small_max = min(SMALL_MAX, bytes_max)
        self._on_messages = on_messages
        self._passing = False
        self._on_controls = on_controls
        self._pings: list[bytes] = []
        self._pongs: list[bytes] = []
        self._held = bytearray()  # the beginning of a frame
        self._needed = 0  # bytes of it before it is worth another look

    def feed(self, data: bytes | bytearray) -> bytes:
        """Takes what it can of the next bytes; returns what trio-websocket shall see of them."""
        if self._passing:
            return bytes(data)
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return b""
            data = self._held
        taken: list[bytes] = []
        others = self._split(bytes(data), taken)
        if taken:
            self._on_messages(taken)
        if self._on_controls is not None and (self._pings or self._pongs):
            pings, pongs, self._pings, self._pongs = self._pings, self._pongs, [], []
            self._on_controls(pings, pongs)
        return others

    def _split(self, buffer: bytes, taken: list[bytes]) -> bytes:
        others = bytearray()
        at = 0
        while True:
            at = self._take_texts(buffer, at, taken)
            mask, end = _bounds(buffer, at, self._bytes_max)
            if end > len(buffer):
                self._held, self._needed = bytearray(buffer[at:]), end - at
                return bytes(others)
            first = buffer[at]
            if first in (PING, PONG) and end > at:
                if self._on_controls is None:
                    others += buffer[at:end]
                else:
                    controls = self._pongs if first == PONG else self._pings
                    controls.append(unmask(buffer[mask : mask + 4], buffer[mask + 4 : end]))
            elif end == at or not _take(first, unmask(buffer[mask : mask + 4], buffer[mask + 4 : end]), taken):
                self._passing = True
                self._held = bytearray()
                return bytes(others) + buffer[at:]
            at = end

    def _take_texts(self, buffer: bytes, at: int, taken: list[bytes]) -> int:
        """The run of small good text frames that begins at `at`, with no call for any; returns where it ends."""
        size, longest, unpack, integer = len(buffer), self._small_max, HEAD.unpack_from, int.from_bytes
        while at + HEAD_BYTES <= size:
            head, mask = unpack(buffer, at)
            length = head - SHORT_TEXT
            start = at + HEAD_BYTES
            if length > SHORT_MAX:
                start += 2
                if length != SHORT_MAX + 1 or start > size:
                    return at
                length, mask = unpack(buffer, at + 2)
                if length <= SHORT_MAX:
                    return at
            at_end = start + length
            if not 0 <= length <= longest or at_end > size:
                return at
            masked = integer(buffer[start:at_end], "little") ^ integer(mask, "little") * REPEAT[(length + 3) // 4]
            payload = masked.to_bytes(length + 4, "little")[:length]
            if not payload.isascii() and not _is_utf8(payload):
                return at
            taken.append(payload)
            at = at_end
        return at


def _take(first: int, payload: bytes, taken: list[bytes]) -> bool:
    if first == TEXT and not payload.isascii() and not _is_utf8(payload):
        return False
    taken.append(payload)
    return True


def _bounds(buffer: bytes, at: int, bytes_max: int) -> tuple[int, int]:
    """Where the mask and the end of the frame at `at` are.

    An end of `at`: it is no frame for us. An end beyond the buffer: more has to come before it can be taken.
    """
    held = len(buffer) - at
    if held < 2:
        return at, at + 2
    first, length = buffer[at], buffer[at + 1] - MASKED
    if first in (TEXT, BINARY):
        mask = at + 2
        if length == 126:
            mask, least = at + 4, 126
        elif length == 127:
            mask, least = at + 10, 65_536
        else:
            return (mask, mask + 4 + length) if 0 <= length <= bytes_max else (at, at)
        if mask > len(buffer):
            return at, mask
        length = int.from_bytes(buffer[at + 2 : mask], "big")
        return (mask, mask + 4 + length) if least <= length <= bytes_max else (at, at)
    if first in (PING, PONG) and 0 <= length <= CONTROL_BYTES_MAX:
        return at + 2, at + 6 + length
    return at, at


def unmask(mask: bytes, payload: bytes) -> bytes:
    """The payload XOR the repeated mask of 4 bytes, in one operation on large integers."""
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
