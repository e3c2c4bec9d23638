"""Compressed bodies of requests, opened piece by piece within bounds. Pure."""

import zlib

from ingest.messages import MessageError

ACCEPTED = "gzip, deflate"
GZIP, ZLIB, RAW = 31, 15, -15  # as zlib calls the formats
RATIO_MAX = 200  # metrics as JSON get to about 20
RATIO_FROM = 65_536  # bytes of output


def inflater(encoding: str, most: int) -> "Inflater | None":
    """For a `Content-Encoding` header; None: there is nothing to open. Raises MessageError (bad_encoding)."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Inflater("gzip", most)
        case "deflate":
            return Inflater("deflate", most)
    raise MessageError("bad_encoding", f"Content-Encoding: expected one of {ACCEPTED}, got {encoding[:40]}")


class Inflater:
    """Gives at most `most` bytes, and at most RATIO_MAX for each that comes. Raises MessageError."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._begin = b""  # as long as it does not tell the format
        self._stream = zlib.decompressobj(GZIP) if name == "gzip" else None
        self._taken = self._given = 0

    def feed(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._stream is None:
            self._begin += data
            if len(self._begin) < 2:
                return b""
            data, self._stream = self._begin, zlib.decompressobj(_format(self._begin))
        if self._stream.eof:
            if data:
                raise MessageError("bad_message", f"body: something follows the {self._name} data")
            return b""
        room = self._most - self._given
        try:
            given = self._stream.decompress(data, room + 1)
        except zlib.error as error:
            raise MessageError("bad_message", f"body: not {self._name} data ({error})") from None
        if len(given) > room:
            raise MessageError("too_large", f"body: at most {self._most} bytes, got more when opened")
        self._given += len(given)
        if self._given > max(RATIO_FROM, RATIO_MAX * self._taken):
            raise MessageError("too_large", f"body: at most {RATIO_MAX} bytes for one of {self._name}, got more")
        if self._stream.unused_data:
            raise MessageError("bad_message", f"body: something follows the {self._name} data")
        return given

    def end(self) -> None:
        """Nothing more will come."""
        if self._stream is None or not self._stream.eof:
            raise MessageError("bad_message", f"body: the {self._name} data ends early")


def _format(begin: bytes) -> int:
    """`deflate` means the zlib format (RFC 9110, 8.4.1.2), but some send it without its header."""
    return ZLIB if begin[0] & 15 == 8 and (begin[0] << 8 | begin[1]) % 31 == 0 else RAW
