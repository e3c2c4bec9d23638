"""RFC 6455 by hand: frames and opening handshakes over a plain socket, with every liberty a bad client takes."""

import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import trio

WAIT_S = 10.0  # no answer may take longer; a bound, not a delay
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Closed(Exception):
    """The server closed: `code` is None when it sent no close frame, -1 for a close frame without a code."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass
class Response:
    """An HTTP response head and the body that came with it."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True


def encode_frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    """One client frame (RFC 6455, 5.2)."""
    head = bytes([fin << 7 | rsv << 4 | opcode])
    length, mask_bit = len(payload), masked << 7
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", mask_bit | 126, length)
    else:
        head += struct.pack("!BQ", mask_bit | 127, length)
    return head + (_mask(os.urandom(4), payload) if masked else payload)


def _mask(key: bytes, payload: bytes) -> bytes:
    length = len(payload)
    repeated = int.from_bytes((key * (length // 4 + 1))[:length], "big")
    return key + (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")


def handshake_request(
    host: str,
    path: str = "/v1/stream",
    *,
    subprotocols: Sequence[str] = (),
    headers: Mapping[str, str | None] | None = None,
) -> tuple[bytes, str]:
    """The bytes of an opening handshake, and the accept value that must come back. A header of None is left out."""
    key = base64.b64encode(os.urandom(16)).decode()
    fields: dict[str, str | None] = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }
    if subprotocols:
        fields["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
    fields.update(headers or {})
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return "\r\n".join([*lines, "", ""]).encode(), base64.b64encode(digest).decode()


class Buffered:
    """Reads exact amounts from a socket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._data = bytearray()

    async def _more(self) -> bool:
        chunk = await self.stream.receive_some(1 << 18)
        self._data += chunk
        return bool(chunk)

    async def exactly(self, count: int) -> bytes:
        while len(self._data) < count:
            if not await self._more():
                raise Closed(None, f"end of stream, {len(self._data)} of {count} bytes")
        return self._take(count)

    async def through(self, mark: bytes) -> bytes:
        while (at := self._data.find(mark)) < 0:
            if not await self._more():
                raise Closed(None, "end of stream before the end of the head")
        return self._take(at + len(mark))

    async def rest(self) -> bytes:
        while await self._more():
            pass
        return self._take(len(self._data))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken


async def read_response(buffered: Buffered) -> Response:
    """A response head; the body too, unless the protocol is switched."""
    head = (await buffered.through(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    response = Response(int(first.split()[1]), headers)
    if response.status != 101:
        if "content-length" in headers:
            response.body = await buffered.exactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            response.body = await _read_chunks(buffered)
        else:
            response.body = await buffered.rest()
    return response


async def _read_chunks(buffered: Buffered) -> bytes:
    body = b""
    while size := int((await buffered.through(b"\r\n")).split(b";")[0], 16):
        body += await buffered.exactly(size)
        await buffered.through(b"\r\n")
    await buffered.through(b"\r\n")
    return body


async def open_socket(url: str, *, receive_buffer: int | None = None) -> trio.SocketStream:
    """A TCP connection to the host and port of the URL. A small receive buffer makes a slow reader fill up early."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        with trio.fail_after(WAIT_S):
            await sock.connect((parts.hostname, parts.port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def handshake(url: str, *, receive_buffer: int | None = None, **options: Any) -> tuple[Buffered, Response]:
    """Sends an opening handshake and returns the response, whatever it is. Options as of `handshake_request`."""
    stream = await open_socket(url, receive_buffer=receive_buffer)
    parts = urlsplit(url)
    options.setdefault("path", parts.path or "/")
    request, accept = handshake_request(parts.netloc, **options)
    buffered = Buffered(stream)
    with trio.fail_after(WAIT_S):
        await stream.send_all(request)
        response = await read_response(buffered)
    if response.status == 101:
        assert response.headers["sec-websocket-accept"] == accept
        assert response.headers["upgrade"].lower() == "websocket"
        assert "sec-websocket-extensions" not in response.headers
    return buffered, response
