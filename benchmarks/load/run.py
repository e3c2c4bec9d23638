"""One run: a server, fleets of subscribers and a publisher, each a process; what they did between two moments."""

import time
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import psutil

from benchmarks.load.board import (
    CONTEXT,
    FLEETS,
    LEAVE,
    PUBLISH,
    PUBLISHED,
    STOP,
    WAIT,
    delivered,
    new_board,
    received_bytes,
)
from benchmarks.load.dialect import Dialect
from benchmarks.load.fleet import FleetReport, FleetSpec, run_fleet
from benchmarks.load.publisher import Plan, run_publisher

ANSWER_S = 60.0
QUIET_S = 0.5
DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Counts since the start, by the same clock."""

    at: float
    published: int
    delivered: int
    bytes: int
    server_cpu_s: float
    fleet_cpu_s: float
    publisher_cpu_s: float


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between two moments, a second."""

    seconds: float
    published: float
    delivered: float
    bytes: float
    server_cpu: float  # 1 is one core
    fleet_cpu: float  # of the busiest fleet
    publisher_cpu: float


def between(before: Moment, after: Moment) -> Interval:
    seconds = after.at - before.at

    def rate(name: str) -> float:
        return float(getattr(after, name) - getattr(before, name)) / seconds

    return Interval(
        seconds,
        *(rate(name) for name in ("published", "delivered", "bytes", "server_cpu_s", "fleet_cpu_s", "publisher_cpu_s")),
    )


class FleetHandle:
    """A fleet's process, from its parent's side."""

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.process = process
        self.size = 0
        self._pipe = pipe

    def ask(self, name: str, argument: Any = None, wait_s: float = ANSWER_S) -> Any:
        """Raises TimeoutError if there is no answer, EOFError if the fleet has ended."""
        self._pipe.send((name, argument))
        if not self._pipe.poll(wait_s):
            raise TimeoutError(f"the load generator did not answer to {name!r} within {wait_s:g} s")
        return self._pipe.recv()

    def connect(self, count: int) -> float:
        """Returns the seconds it took until all were subscribed."""
        self.size += count
        seconds: float = self.ask("connect", count)
        return seconds

    def ages(self) -> list[float]:
        """How old samples were when probes got them, in seconds, since this was asked last."""
        ages: array[float] = array("d")
        ages.frombytes(self.ask("ages"))
        return ages.tolist()

    def report(self) -> FleetReport:
        report: FleetReport = self.ask("report")
        return report

    def stop(self) -> None:
        with suppress(BrokenPipeError):  # it has ended by itself
            self._pipe.send(("stop",))
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


class Run:
    """The load against one running server; `authority`: to believe over TLS, if it speaks that."""

    def __init__(self, dialect: Dialect, port: int, server: int, authority: str = "") -> None:
        self.dialect = dialect
        self.port = port
        self.authority = authority
        self.clock = time.time() - time.monotonic()
        self.board = new_board()
        self.server = psutil.Process(server)
        self.fleets: list[FleetHandle] = []
        self._publisher: SpawnProcess | None = None
        self._publisher_cpu_s = 0.0
        self.exit = ExitStack()

    def fleet(self, **options: Any) -> FleetHandle:
        """A new process of subscribers, without any yet."""
        assert len(self.fleets) < FLEETS
        dialect = options.pop("dialect", self.dialect)
        spec = FleetSpec(dialect, self.port, len(self.fleets), self.clock, authority=self.authority, **options)
        mine, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(target=run_fleet, args=(spec, self.board, theirs), daemon=True)
        process.start()
        theirs.close()
        handle = FleetHandle(process, mine)
        self.exit.callback(handle.stop)
        self.fleets.append(handle)
        return handle

    @contextmanager
    def publishing(self, plan: Plan, answer: Connection | None = None) -> Iterator[SpawnProcess]:
        """A publisher while the block lasts."""
        self.board[STOP] = PUBLISH
        process = CONTEXT.Process(
            target=run_publisher,
            args=(self.dialect, self.port, self.board, self.clock, plan, answer, self.authority),
            daemon=True,
        )
        process.start()
        self._publisher = process
        try:
            yield process
        finally:
            self.board[STOP] = WAIT
            self.exit.callback(self._end, process)

    def _end(self, process: SpawnProcess) -> None:
        self.board[STOP] = LEAVE
        process.join(2)
        if process.is_alive():
            process.kill()
            process.join()

    def moment(self) -> Moment:
        fleets = [_cpu_s(fleet.process.pid) for fleet in self.fleets]
        if self._publisher is not None:
            self._publisher_cpu_s = _cpu_s(self._publisher.pid)
        return Moment(
            time.monotonic(),
            self.board[PUBLISHED],
            delivered(self.board),
            received_bytes(self.board),
            _cpu_s(self.server.pid),
            max(fleets, default=0.0),
            self._publisher_cpu_s,
        )

    def measure(self, seconds: float) -> Interval:
        before = self.moment()
        time.sleep(seconds)
        return between(before, self.moment())

    def drain(self, expected: int, drain_s: float = DRAIN_S) -> int:
        """Waits until so many samples are delivered, or nothing comes any more; returns how many are missing."""
        until = moved = time.monotonic()
        until += drain_s
        seen = delivered(self.board)
        while seen < expected and (now := time.monotonic()) < until and now - moved < QUIET_S:
            time.sleep(0.02)
            if delivered(self.board) > seen:
                seen, moved = delivered(self.board), now
        return expected - delivered(self.board)

    def report(self) -> FleetReport:
        """Of all fleets together."""
        total = FleetReport()
        for fleet in self.fleets:
            one = fleet.report()
            total = replace(
                one, **{name: getattr(total, name) + getattr(one, name) for name in FleetReport.__dataclass_fields__}
            )
        return total

    def received(self) -> int:
        """Bytes, since the start."""
        return received_bytes(self.board)

    def memory(self) -> int:
        """Resident bytes of the server."""
        resident: int = self.server.memory_info().rss
        return resident


@contextmanager
def running(dialect: Dialect, port: int, server: int, authority: str = "") -> Iterator[Run]:
    run = Run(dialect, port, server, authority)
    with run.exit:
        yield run


def connect_mixed(run: Run, subscribers: int, probes: int, numbers: int) -> FleetHandle:
    """Subscribers of which some, spread evenly over the order of connecting, look into what they get."""
    looking = run.fleet(numbers=numbers)
    rest = subscribers - probes
    if not rest:
        looking.connect(probes)
        return looking
    bulk = run.fleet()
    for at in range(probes):
        bulk.connect(rest * (at + 1) // probes - rest * at // probes)
        looking.connect(1)
    return looking


def _cpu_s(pid: int | None) -> float:
    """Of all threads, in user mode and in the kernel."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
