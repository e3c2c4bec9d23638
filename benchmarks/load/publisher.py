"""The publisher: one process, one connection, as fast as the plan says."""

import select
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.load.board import LEAVE, PUBLISH, PUBLISHED, STOP, Board, delivered
from benchmarks.load.dialect import Dialect, handshake
from benchmarks.load.frames import Splitter
from benchmarks.load.sealed import sealed

POOL = 131_072  # different messages when saturating; their values tell them apart
WINDOW_S = 0.25
WINDOW_MIN = 32
WINDOW_MAX = 100_000
GROWTH = 1.25
GIVE_UP_S = 2.0
AT_ONCE = 64
GREETING_S = 10.0
LATE_S = 0.002
STUCK_S = 3.0


@dataclass(frozen=True, slots=True)
class Paced:
    """`rate` messages a second, each with the time at which it is sent. With `messages`: these in turn instead."""

    rate: float
    messages: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Saturating:
    """So many that a quarter second of what the server delivers is always under way to `subscribers`."""

    subscribers: int


@dataclass(frozen=True, slots=True)
class Flooding:
    """These bytes again and again, as fast as the server reads; then `last`, whose answer is waited for."""

    block: bytes
    last: bytes
    answer: bytes
    seconds: float


Plan = Paced | Saturating | Flooding


class Publisher:
    def __init__(self, dialect: Dialect, port: int, board: Board, clock: float, authority: str = "") -> None:
        self.dialect = dialect
        self.board = board
        self.clock = clock
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if authority:
            self.sock = sealed(self.sock, authority)
        self._greet()
        self.sock.setblocking(False)
        self.received = b""

    def _greet(self) -> None:
        self.sock.settimeout(GREETING_S)
        self.sock.sendall(handshake(self.dialect.publish_path, self.dialect.protocol))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, data = data.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionRefusedError(head.decode("latin-1"))
        splitter, said = Splitter(), b""
        for step in self.dialect.publish:
            while step.wait not in said:
                data = data or self._receive()
                said += b"".join(data[part.start : part.end] for part in splitter.segments(data, len(data)))
                data = b""
            said = said.partition(step.wait)[2] if step.wait else said
            if step.send:
                self.sock.sendall(self.dialect.frame(step.send))

    def _receive(self) -> bytes:
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionResetError("the server closed the publisher's connection")
        return data

    def stopped(self) -> bool:
        return self.board[STOP] != PUBLISH

    def send(self, data: bytes | memoryview) -> bool:
        """Sends all of it; reads and forgets what the server says meanwhile. False: the server stopped reading."""
        left = memoryview(data)
        moved = time.monotonic()
        while True:
            try:
                left = left[self.sock.send(left) :]
                moved = time.monotonic()
            except BlockingIOError:
                if time.monotonic() - moved > STUCK_S:
                    return False
                readable, _, _ = select.select([self.sock], [self.sock], [], 0.1)
                if readable:
                    with suppress(BlockingIOError):  # over TLS: half a record
                        self.received = (self.received + self._receive())[-4096:]
            if not left:
                return True

    def paced(self, plan: Paced) -> None:
        due, number = time.monotonic(), 0
        while not self.stopped():
            now = time.monotonic()
            if now < due:
                time.sleep(min(due - now, 0.1))
                continue
            if plan.messages:
                self.send(plan.messages[number % len(plan.messages)])
            else:
                # Held up by a server that does not read, a sample is as old as if it had been sent when it was due.
                sent = now if now - due < LATE_S else due
                self.send(self.dialect.message(number, sent + self.clock))
            number += 1
            due += 1 / plan.rate
            self.board[PUBLISHED] = number

    def saturate(self, plan: Saturating) -> None:
        now = time.monotonic() + self.clock
        pool = memoryview(b"".join(self.dialect.message(number, now) for number in range(POOL)))
        size = len(pool) // POOL
        window = Window(plan.subscribers, self.dialect.window or WINDOW_MAX, time.monotonic())
        number = 0
        while not self.stopped():
            room = min(AT_ONCE, window.room(number, delivered(self.board), time.monotonic()))
            if room <= 0:
                time.sleep(0.0002)
                continue
            at = number % POOL
            count = min(room, POOL - at)
            if self.send(pool[at * size : (at + count) * size]):
                number += count
            self.board[PUBLISHED] = number

    def linger(self) -> None:
        """Stays until everything has been delivered: closing now might destroy what the server has not read yet."""
        self.sock.settimeout(0.1)
        while self.board[STOP] != LEAVE:
            try:
                self._receive()
            except TimeoutError:
                continue

    def flood(self, plan: Flooding) -> float:
        """Returns the seconds until everything was answered. PUBLISHED counts blocks."""
        began = time.monotonic()
        number = 0
        while time.monotonic() - began < plan.seconds:
            if not self.send(plan.block):
                raise TimeoutError("the server stopped reading")
            number += 1
        self.send(plan.last)
        self.board[PUBLISHED] = number
        self.sock.settimeout(GREETING_S)
        while plan.answer not in self.received:
            self.received = self.received[-4096:] + self._receive()
        return time.monotonic() - began


class Window:
    """How many more samples may be under way. Pure but for the time handed in, in seconds of a steady clock."""

    def __init__(self, subscribers: int, most: int, now: float) -> None:
        self._subscribers = subscribers
        self._most = most
        self._history: deque[tuple[float, float]] = deque([(now, 0.0)])
        self._moved = now
        self.lost = 0.0

    def room(self, published: int, deliveries: int, now: float) -> int:
        """`published` samples, each to reach all subscribers, of which so many `deliveries` were made.

        The window is somewhat more than was delivered in the last quarter second, so it grows until the server is
        busy all the time. What is not delivered for long is given up: a server that drops does not stop the run.
        """
        got = deliveries / self._subscribers
        history = self._history
        if got > history[-1][1]:
            self._moved = now
        elif now - self._moved > GIVE_UP_S and published > got:
            self.lost = published - got
            self._moved = now
        if now - history[-1][0] > 0.005:
            history.append((now, got))
            while len(history) > 2 and now - history[1][0] > WINDOW_S:
                history.popleft()
        window = min(self._most, max(WINDOW_MIN, GROWTH * (got - history[0][1])))
        return int(window - (published - got - self.lost))


def run_publisher(
    dialect: Dialect,
    port: int,
    board: Board,
    clock: float,
    plan: Plan,
    answer: Connection | None,
    authority: str = "",
) -> None:
    """The process; `answer` is told what `flood` returns."""
    publisher = Publisher(dialect, port, board, clock, authority)
    match plan:
        case Paced():
            publisher.paced(plan)
        case Saturating():
            publisher.saturate(plan)
        case Flooding():
            seconds = publisher.flood(plan)
            if answer is not None:
                answer.send(seconds)
    publisher.linger()
