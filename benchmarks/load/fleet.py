"""Subscribers: one process, one epoll, plain sockets, all read into one buffer.

Nothing is kept of what arrives but the counts; a fleet of probes looks at the contents as well.
"""

import re
import resource
import select
import socket
import time
from array import array
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.load.board import FLEETS, HEADER, Board
from benchmarks.load.counting import BatchCount, Count, Sizes
from benchmarks.load.dialect import Dialect, Step, handshake
from benchmarks.load.frames import Splitter
from benchmarks.load.probe import Probe
from benchmarks.load.sealed import RECORD_BYTES, Opened, Opener

BUFFER_BYTES = 262_144  # stays in the processor's cache
AT_ONCE = 64  # handshakes under way
SEQ = re.compile(rb'"seq":(\d+)')


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """`numbers`: of different samples; 0: no probing. `clock`: what to add to the monotonic clock for Unix seconds."""

    dialect: Dialect
    port: int
    slot: int
    clock: float
    numbers: int = 0
    selections: int = 1
    receive_bytes: int = 0  # of the sockets' own buffers; 0: as the kernel likes
    authority: str = ""  # to believe over TLS; "": no TLS


@dataclass(slots=True)
class FleetReport:
    """What every subscriber of a fleet got, one number a subscriber, and what was wrong."""

    samples: list[int] = field(default_factory=list)
    announced: list[int] = field(default_factory=list)  # samples that gaps named as dropped
    gaps: int = 0
    batches: int = 0
    conflated: int = 0
    errors: int = 0  # frames or batches that do not follow each other
    closed: int = 0
    probe_errors: int = 0  # contents that do not
    probed: int = 0


class Subscriber:
    """One connection: greeted step by step, then counted."""

    __slots__ = ("count", "greeting", "held", "index", "opened", "probe", "sock", "steps")

    def __init__(self, sock: socket.socket, index: int, steps: tuple[Step, ...]) -> None:
        self.sock = sock
        self.index = index
        self.steps = steps
        self.held = b""
        self.greeting: Splitter | None = None
        self.count: Count | None = None
        self.probe: Probe | None = None
        self.opened: Opened | None = None  # over TLS


class Fleet:
    def __init__(self, spec: FleetSpec, board: Board, pipe: Connection) -> None:
        self.spec = spec
        self.board = board
        self.pipe = pipe
        self.epoll = select.epoll()
        self.epoll.register(pipe.fileno(), select.EPOLLIN)
        self.subscribers: dict[int, Subscriber] = {}
        self.sizes: dict[int, Sizes] = {}
        self.opener = Opener(spec.authority, BUFFER_BYTES) if spec.authority else None
        self.buffer = bytearray(BUFFER_BYTES + (RECORD_BYTES if self.opener else 0))
        self.opened = self.ready = self.wanted = self.closed = 0
        self.began = 0.0
        self.stopped = False

    def run(self) -> None:
        delivered, received = HEADER + self.spec.slot, HEADER + FLEETS + self.spec.slot
        board, buffer, subscribers = self.board, self.buffer, self.subscribers
        while not self.stopped:
            for number, _ in self.epoll.poll(0.5):
                subscriber = subscribers.get(number)
                if subscriber is None:
                    self._command(*self.pipe.recv())
                    continue
                size = self._read(subscriber)
                if not size:
                    continue
                if subscriber.count is None:
                    self._greet(subscriber, bytes(buffer[:size]))
                    continue
                board[received] += size
                board[delivered] += subscriber.count.feed(buffer, size)
                if subscriber.probe is not None:
                    subscriber.probe.feed(buffer, size, time.monotonic() + self.spec.clock)

    def _read(self, subscriber: Subscriber) -> int:
        try:
            size = (subscriber.opened or subscriber.sock).recv_into(self.buffer)
        except BlockingIOError:
            return 0
        except ConnectionError:
            size = 0
        if size == 0:
            self.closed += 1
            self.epoll.unregister(subscriber.sock.fileno())
        return size or 0

    # Connecting.

    def _dial(self) -> None:
        while self.opened < self.wanted and self.opened - self.ready < AT_ONCE:
            index = self.opened
            sock = socket.socket()
            if self.spec.receive_bytes:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.spec.receive_bytes)
            sock.connect(("127.0.0.1", self.spec.port))
            dialect = self.spec.dialect
            subscriber = Subscriber(sock, index, dialect.steps_of(index % self.spec.selections))
            if self.opener is not None:
                subscriber.opened = Opened(self.opener, sock)
            sock.setblocking(False)
            (subscriber.opened or sock).send(handshake(dialect.subscribe_path, dialect.protocol))
            self.subscribers[sock.fileno()] = subscriber
            self.epoll.register(sock.fileno(), select.EPOLLIN)
            self.opened += 1
        if self.ready == self.wanted:
            self.pipe.send(time.monotonic() - self.began)

    def _greet(self, subscriber: Subscriber, data: bytes) -> None:
        if subscriber.greeting is None:
            head, end, data = (subscriber.held + data).partition(b"\r\n\r\n")
            if not end:
                subscriber.held = head
                return
            if b" 101 " not in head:
                raise ConnectionRefusedError(head.decode("latin-1"))
            subscriber.greeting, subscriber.held = Splitter(), b""
            self._step(subscriber, b"")
        for start, end_at, _, _, last in subscriber.greeting.segments(data, len(data)):
            subscriber.held += data[start:end_at]
            if last:
                payload, subscriber.held = subscriber.held, b""
                self._step(subscriber, payload)
                if not subscriber.steps:
                    self._live(subscriber, payload, data[end_at:])
                    return

    def _step(self, subscriber: Subscriber, payload: bytes) -> None:
        while subscriber.steps and subscriber.steps[0].wait in payload:
            step, *rest = subscriber.steps
            subscriber.steps = tuple(rest)
            if step.send:
                (subscriber.opened or subscriber.sock).send(self.spec.dialect.frame(step.send))
            if subscriber.steps and not subscriber.steps[0].wait:
                continue
            return

    def _live(self, subscriber: Subscriber, answer: bytes, early: bytes) -> None:
        dialect = self.spec.dialect
        if dialect.counting == "batches":
            sizes = self.sizes.setdefault(subscriber.index % self.spec.selections, Sizes())
            found = SEQ.search(answer)
            assert found is not None, answer
            subscriber.count = BatchCount(sizes, int(found[1]))
        else:
            subscriber.count = dialect.count()
        if self.spec.numbers:
            subscriber.probe = Probe(self.spec.numbers, batches=dialect.counting == "batches")
        self.board[HEADER + self.spec.slot] += subscriber.count.feed(early, len(early))
        self.ready += 1
        self._dial()

    # What the run asks.

    def _command(self, name: str, argument: Any = None) -> None:
        match name:
            case "connect":
                self.began = time.monotonic()
                self.wanted += argument
                self._dial()
            case "pause" | "resume":
                events = select.EPOLLIN if name == "resume" else 0
                for number in self.subscribers:
                    self.epoll.modify(number, events)
                self.pipe.send(None)
            case "ages":
                self.pipe.send(self._ages())
            case "report":
                self.pipe.send(self._report())
            case "stop":
                self.stopped = True

    def _ages(self) -> bytes:
        """Those since the last call, in seconds."""
        ages: array[float] = array("d")
        for subscriber in self.subscribers.values():
            if subscriber.probe is not None:
                ages.extend(subscriber.probe.ages)
                subscriber.probe.ages = array("d")
        return ages.tobytes()

    def _report(self) -> FleetReport:
        report = FleetReport(closed=self.closed)
        for subscriber in self.subscribers.values():
            count, probe = subscriber.count, subscriber.probe
            if count is None:
                continue
            report.samples.append(count.samples)
            report.errors += count.errors
            if isinstance(count, BatchCount):
                report.announced.append(count.announced)
                report.gaps += len(count.gaps)
                report.batches += count.batches
                report.conflated += count.conflated
            if probe is not None:
                report.probe_errors += probe.errors
                report.probed += probe.samples
        return report


def run_fleet(spec: FleetSpec, board: Board, pipe: Connection) -> None:
    """The process. It ends with `stop`, or when its parent does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        Fleet(spec, board, pipe).run()
    except (EOFError, KeyboardInterrupt):
        return
