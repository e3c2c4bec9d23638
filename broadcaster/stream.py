"""The seam under trio-websocket: a stream that also takes prepared frames, without waiting.

trio-websocket writes its handshake, pongs and close frames through `send_all`; the broadcaster writes prepared data
frames through `try_send`, straight to the socket. A frame that the socket took only in part is finished before anything
else is written, so frames never interleave.
"""

import fcntl
import re
import socket
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from broadcaster.frames import CLOSE_OPCODE, close_code
from broadcaster.latch import Latch
from broadcaster.time_slice import TimeSlice
from broadcaster.turnstile import Turnstile

LINGER_S = 1.0
LINGER_BYTES = 4 * 1_048_576
RECEIVE_BYTES = 65_536
HEAD_END = re.compile(rb"\n\r?\n")  # where h11, and so trio-websocket, takes a head to end
HEAD_BYTES = 16_384  # the most that h11 takes
TLS_RECORD = b"\x16"  # begins a handshake of TLS, whose sender shall not wait for an answer


class FrameStream(trio.abc.Stream):
    """A connected, non-blocking TCP socket as a stream with `try_send`; `over` is between the two for TLS."""

    __slots__ = (
        "_close_sent",
        "_early",
        "_ended",
        "_head_passed",
        "_head_seen",
        "_heard",
        "_lock",
        "_may_read",
        "_opened",
        "_reading",
        "_rest",
        "_slice",
        "_sock",
        "_stream",
        "_writers",
        "before_close",
        "before_open",
        "broken",
        "coming",
        "going",
        "head",
        "last_words",
        "on_end",
        "over_limit",
        "reader",
        "received_at",
        "received_bytes",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, over: trio.abc.Stream | None = None) -> None:
        self._sock = sock
        self._stream = over or trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        self._lock = trio.StrictFIFOLock()
        self._writers = 0  # tasks that have the lock or wait for it
        self._rest: memoryview | None = None
        self._reading = False
        self._ended = Latch()  # nothing more will be received
        self._opened = False
        self._may_read = Latch()
        self._heard = self._head_seen = self._head_passed = False  # enough for an answer; to its end; by trio-websocket
        self._early = b""  # what the peer sent right behind its handshake
        self.head = b""  # of the handshake, as far as it was received; trio-websocket refuses one of more than 16 KiB
        self._close_sent = False
        self.before_open: Callable[[bytes], bytes] = bytes  # what is sent instead of an answer to the handshake
        self.before_close: Callable[[int | None], bytes] = _nothing_before
        self.last_words: Callable[[], bytes] = bytes
        self.on_end: Callable[[], None] | None = None
        self.coming: Turnstile | None = None  # through which a whole handshake goes
        self.going: Turnstile | None = None  # and the end of what is received
        self.reader: Callable[[bytes], bytes] = bytes  # returns what trio-websocket shall see of what came
        self.broken = False
        self.received_at = trio.current_time()
        self.received_bytes = 0  # since it was opened
        self._slice = TimeSlice()
        self.over_limit = False  # the next receive waits: the peer sends more than it may

    def opened(self) -> None:
        """The handshake is done: what is written are frames, close frames preceded by what `before_close` gives."""
        self._opened = self._heard = self._head_seen = self._head_passed = True
        self.head = b""
        self._may_read.set()

    @property
    def busy(self) -> bool:
        """True while a frame is half written or somebody else writes: `try_send` would refuse."""
        return self._rest is not None or self._writers > 0

    @property
    def rest_bytes(self) -> int:
        """Of a frame that is half written."""
        return 0 if self._rest is None else len(self._rest)

    def try_send(self, data: bytes) -> bool:
        """Writes without waiting. False: nothing was written. True: it is taken; if `busy`, `drain` must follow."""
        if self._rest is not None or self._writers or self.broken:
            return False
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:  # the reader learns of it, too, and ends the connection
            self.broken = True
            return False
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
        return True

    async def drain(self) -> None:
        """Finishes a frame that was taken only in part. Raises trio.BrokenResourceError, trio.ClosedResourceError."""
        async with self._writing():
            await self._finish()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        self._writers += 1
        try:
            async with self._lock:
                yield
        finally:
            self._writers -= 1

    async def _finish(self) -> None:
        if self._rest is not None:
            await self._stream.send_all(self._rest)
            self._rest = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        async with self._writing():
            await self._finish()
            if self._opened and data and data[0] == CLOSE_OPCODE:
                self._close_sent = True
                data = self.before_close(close_code(data)) + bytes(data)
            elif not self._opened:
                data = self.before_open(bytes(data))
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._reading:  # a close is under way in another task, and reads to the end
            await self._ended.wait()
            return b""
        self._reading = True
        data: bytes | bytearray = b""
        try:
            data = await self._receive(max_bytes)
        finally:
            if not data:
                self._end()
            self._reading = False
        self.received_at = trio.current_time()
        return data

    def _end(self) -> None:
        self._ended.set()
        if self.on_end is not None:
            self.on_end()

    async def _receive(self, max_bytes: int | None) -> bytes | bytearray:
        """What trio-websocket shall see: the handshake, and then what the reader does not take."""
        if not self._head_passed:
            await self.hear_head()
            self._head_passed = True
            return b"" if self._ended.is_set() else self.head
        if self._head_seen:
            await self._may_read.wait()
            early, self._early = self._early, b""
            data: bytes | bytearray = early
            while True:
                self.received_bytes += len(data)
                if data and (rest := self._read(bytes(data))):
                    return rest
                if self.over_limit:
                    self.over_limit = False
                    await trio.sleep(self._slice.rest_s)
                data = await self._hear(self._slice.bytes)
                if not data:
                    return b""
                self.received_at = trio.current_time()
        return await self._hear(max_bytes)

    async def hear_head(self) -> None:
        """Waits until there is enough for trio-websocket to answer, and its turn has come.

        So a handshake that never ends costs no more than its bytes. At the end of what is received `on_end` is called.

        Raises:
            trio.BrokenResourceError: the connection is broken.
        """
        while not self._heard:
            data = await self._hear(RECEIVE_BYTES)
            if not data or (not self.head and data[:1] == TLS_RECORD):
                self._heard = True
                return self._end()
            begin = max(0, len(self.head) - 2)
            self.head += data
            if end := HEAD_END.search(self.head, begin):
                self._head_seen = True
                self.head, self._early = self.head[: end.end()], self.head[end.end() :]
            self._heard = self._head_seen or len(self.head) > HEAD_BYTES or self.head[:1] < b"!"
            if self._heard and self.coming is not None:
                await self.coming.passed()
        return None

    async def _hear(self, max_bytes: int | None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            await self._go()
            raise
        if not data:
            await self._go()
        return data

    async def _go(self) -> None:
        if self.going is not None:
            await self.going.passed()

    def _read(self, data: bytes) -> bytes:
        began = time.perf_counter()
        rest = self.reader(data)
        self._slice.took(len(data), time.perf_counter() - began, over=self.over_limit)
        return rest

    def forget(self) -> None:
        """Lets go of whoever wanted to be called."""
        self.before_close, self.last_words, self.reader, self.on_end = _nothing_before, bytes, bytes, None

    def unread(self) -> int | None:
        return held_back(self._sock)

    async def aclose(self) -> None:
        """Closes without losing what was just written.

        Closing while unread bytes wait would reset the connection and could destroy the last frames on their way, so
        the peer gets a moment to read and to close its side.
        """
        if self.on_end is not None:
            self.on_end()
        self._may_read.set()
        try:
            if self._opened and not self._close_sent and (words := self.last_words()):
                self._close_sent = True
                self.try_send(words)
            if self._rest is None and not self.broken:
                with trio.move_on_after(LINGER_S):
                    await self._linger()
        finally:
            self._ended.set()
            await self._stream.aclose()

    def _shut(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    async def _linger(self) -> None:
        try:
            self._shut()
            if self._reading:  # trio-websocket does, or another task closes, too
                await self._ended.wait()
            read = 0
            while not self._ended.is_set() and read < LINGER_BYTES:
                read += len(await self.receive_some(RECEIVE_BYTES))
            if not self._ended.is_set():  # it sends on and on: it may read, but nobody listens any more
                await trio.sleep(LINGER_S)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the peer is gone already: nothing is left to save


def held_back(sock: socket.socket) -> int | None:
    """How many bytes the system holds that the peer has not taken. None: the system does not say."""
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):  # or the socket is closed
        return None


def _nothing_before(code: int | None) -> bytes:
    return b""
