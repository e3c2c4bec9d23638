"""A WebSocket client that reads its socket when told, and not before."""

import socket
import ssl
from typing import Any, ClassVar

import orjson
import trio

from broadcaster.frame_reader import unmask
from broadcaster.frames import close_code
from tests.broadcaster.frame_parts import Message
from tests.papers import SealedTrioSocket

MASK = b"\x12\xab\x34\xcd"
REQUEST = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def client_frame(payload: bytes, first: int = 0x81) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + MASK + unmask(MASK, payload)


class RawClient:
    sealing: ClassVar[ssl.SSLContext | None] = None  # all of them connect over TLS, if set

    def __init__(self, sock: trio.socket.SocketType | SealedTrioSocket) -> None:
        self.sock = sock
        self._bytes = b""
        self.close_code: int | None = None
        self.pings = 0

    @classmethod
    async def connect(cls, port: int) -> "RawClient":
        plain = socket.socket()
        sock = trio.socket.from_stdlib_socket(plain)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await sock.connect(("127.0.0.1", port))
            if cls.sealing is None:
                return cls(sock)
            sealed = SealedTrioSocket(plain, cls.sealing)
            await sealed.shake()
        except OSError:
            sock.close()
            raise
        return cls(sealed)

    @staticmethod
    async def connect_plainly(port: int) -> trio.socket.SocketType:
        """A connection and nothing more, not even TLS."""
        sock = trio.socket.socket()
        await sock.connect(("127.0.0.1", port))
        return sock

    async def open(self, *headers: str, behind: bytes = b"") -> str:
        """The handshake; returns the head of the response. `behind` is sent along with it."""
        lines = b"".join(header.encode() + b"\r\n" for header in headers)
        await self.send(REQUEST + KEY + lines + b"\r\n" + behind)
        while b"\r\n\r\n" not in self._bytes:
            await self._more()
        head, _, self._bytes = self._bytes.partition(b"\r\n\r\n")
        return head.decode()

    async def send(self, data: bytes) -> None:
        while data:
            data = data[await self.sock.send(data) :]

    async def say(self, **message: Any) -> None:
        await self.send(client_frame(orjson.dumps(message)))

    async def receive(self, kind: str | None = None) -> Message:
        """The next message, or the next of this type."""
        while True:
            message: Message = orjson.loads(await self._payload())
            if kind in (None, message["type"]):
                return message

    async def receive_all(self) -> list[Message]:
        """Everything up to the close frame or the end of the connection."""
        found: list[Message] = []
        while True:
            try:
                found.append(await self.receive())
            except EOFError:
                return found

    async def _payload(self) -> bytes:
        while True:
            frame, head = await self._frame()
            if frame[0] == 0x81:
                return frame[head:]
            self.pings += frame[0] == 0x89
            if frame[0] == 0x88:
                self.close_code = close_code(frame)
                raise EOFError

    async def _frame(self) -> tuple[bytes, int]:
        await self._until(2)
        size, head = self._bytes[1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            await self._until(head)
            size = int.from_bytes(self._bytes[2:head], "big")
        await self._until(head + size)
        frame, self._bytes = self._bytes[: head + size], self._bytes[head + size :]
        return frame, head

    async def _until(self, size: int) -> None:
        while len(self._bytes) < size:
            await self._more()

    async def _more(self) -> None:
        data = await self.sock.recv(65_536)
        if not data:
            raise EOFError
        self._bytes += data
