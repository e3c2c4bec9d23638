"""TLS under the same seam: what `try_send` takes is encrypted and written without waiting, as plain bytes are.

OpenSSL works on memory here, not on the socket. All it wants to write goes through one buffer that all connections
of a listener share and that every call empties before anybody else can run: it stays in the processor's cache, and
ten thousand connections do not keep one each. What the socket does not take is kept by the connection, which encrypts
nothing more until that is gone; so a slow client costs at most `PIECE_BYTES` of ciphertext, and the frame stays shared.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import trio

from broadcaster.certificate import Certificate
from broadcaster.stream import LINGER_BYTES, LINGER_S, RECEIVE_BYTES, FrameStream
from broadcaster.turnstile import Turnstile

PIECE_BYTES = 131_072  # encrypted and written at once: eight records of TLS
RECORD_BYTES = 16_384
NOTHING = memoryview(b"")
NOT_TLS_BODY = b"this port speaks TLS: use wss://, not ws://\r\n"
NOT_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(NOT_TLS_BODY),
        NOT_TLS_BODY,
    )
)

T = TypeVar("T")


class TlsPipe(trio.abc.Stream):
    """The server's side of TLS over a connected, non-blocking socket; errors of TLS are trio.BrokenResourceError."""

    __slots__ = ("_ended", "_incoming", "_outgoing", "_received", "_sock", "_tls", "_waiting", "_wire", "_writing")

    def __init__(self, sock: socket.socket, certificate: Certificate) -> None:
        self._sock = sock
        self._outgoing = certificate.outgoing
        self._wire = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        self._incoming = ssl.MemoryBIO()
        self._tls = certificate.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._waiting = b""  # ciphertext that the socket has not taken yet
        self._writing = False  # a task waits for the socket
        self._received = b""  # plaintext beyond what was asked for
        self._ended = False

    async def shake_hands(self, coming: Turnstile | None = None) -> None:
        """Through `coming`, for it is work. Raises trio.BrokenResourceError; the peer has then been told why."""
        while True:
            try:
                self._call(self._tls.do_handshake)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._hear()
                if coming is not None:
                    await coming.passed()
            except OSError as error:
                if isinstance(error, ssl.SSLError):
                    await self._refuse(error)
                raise trio.BrokenResourceError(f"TLS: {error}") from error
            else:
                await self._flush()
                return

    async def _hear(self) -> None:
        data = await self._wire.receive_some(RECEIVE_BYTES)
        if not data:
            raise trio.BrokenResourceError("TLS: ended in the handshake")
        self._incoming.write(data)

    async def _refuse(self, error: ssl.SSLError) -> None:
        """Lets the peer read why: closing while unread bytes wait could destroy the alert on its way."""
        if error.reason == "HTTP_REQUEST":
            self._waiting = NOT_TLS
        with trio.move_on_after(LINGER_S), suppress(OSError):
            await self._flush()
            self._sock.shutdown(socket.SHUT_WR)
            read = 0
            while read < LINGER_BYTES and (data := await self._wire.receive_some(RECEIVE_BYTES)):
                read += len(data)

    # OpenSSL's output.

    def _call(self, function: Callable[[], T]) -> T:
        """Any call of OpenSSL but `write`: it may have something to say, too, such as an alert. Raises OSError."""
        try:
            return function()
        finally:
            if self._outgoing.pending:
                self._post()

    def _post(self) -> bool:
        """Writes what OpenSSL put out, without waiting; False if part of it has to wait."""
        data = self._outgoing.read()
        if self._waiting or self._writing:
            self._waiting += data
            return False
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent == len(data):
            return True
        self._waiting = data[sent:]
        return False

    async def _flush(self) -> None:
        """Writes what waits. One task at a time; whoever is cancelled in it has cut a record off."""
        if self._writing:
            raise trio.BrokenResourceError("TLS: a record was cut off")
        self._writing = True
        while self._waiting:
            data, self._waiting = self._waiting, b""
            await self._wire.send_all(data)
        self._writing = False

    # What a frame stream needs.

    def send(self, data: bytes | memoryview) -> memoryview | None:
        """Encrypts and writes without waiting. None: all is written.

        Otherwise `send_all` must follow, with the rest that this returns (which may be empty: ciphertext waits).

        Raises:
            OSError: the connection is broken.
        """
        write, left = self._tls.write, memoryview(data)
        while left:
            try:
                written = write(left[:PIECE_BYTES])
            except OSError:
                self._outgoing.read()  # it is everybody's
                raise
            left = left[written:]
            if not self._post():
                return left
        return None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        left: memoryview | None = memoryview(data)
        while True:
            await self._flush()
            if left is None:
                return
            try:
                left = self.send(left)
            except OSError as error:
                raise trio.BrokenResourceError(f"TLS: {error}") from error

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """b"" at the end, whether the peer announced it or was cut off: for a WebSocket its close frame decides."""
        most = max_bytes or RECEIVE_BYTES
        if self._received:
            await trio.lowlevel.checkpoint()  # others have their turn, too
        else:
            await trio.lowlevel.checkpoint_if_cancelled()
        while not (self._received or self._decrypt() or self._ended):
            data = await self._wire.receive_some(RECEIVE_BYTES)
            if not data:
                self._ended = True
            self._incoming.write(data)
        data, self._received = self._received[:most], self._received[most:]
        return data

    def _decrypt(self) -> bool:
        """Takes what is whole of what came; a record at most each time. Raises trio.BrokenResourceError."""
        parts: list[bytes] = []

        def read_records() -> None:
            while data := self._tls.read(RECORD_BYTES):
                parts.append(data)

        try:
            self._call(read_records)
            self._ended = True
        except ssl.SSLWantReadError:
            pass  # no record is whole any more
        except OSError as error:
            raise trio.BrokenResourceError(f"TLS: {error}") from error
        self._received += b"".join(parts)
        return bool(self._received)

    def say_end(self) -> None:
        """Announces the end of what is sent, if that can be done at once. Raises OSError."""
        with suppress(ssl.SSLError):  # SSLWantReadError: the peer's own end is not waited for
            self._call(self._tls.unwrap)

    async def aclose(self) -> None:
        await self._wire.aclose()


class TlsStream(FrameStream):
    """A FrameStream over TLS; `shake_hands` comes first."""

    __slots__ = ("_pipe",)

    def __init__(self, sock: socket.socket, certificate: Certificate) -> None:
        self._pipe = TlsPipe(sock, certificate)
        super().__init__(sock, self._pipe)

    async def shake_hands(self) -> None:
        await self._pipe.shake_hands(self.coming)

    def try_send(self, data: bytes) -> bool:
        if self._rest is not None or self._writers or self.broken:
            return False
        try:
            self._rest = self._pipe.send(data)
        except OSError:  # of the socket or of TLS; the reader learns of it, too, and ends the connection
            self.broken = True
            return False
        return True

    def _shut(self) -> None:
        self._pipe.say_end()
        super()._shut()
