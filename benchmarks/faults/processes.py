"""The real processes of one repetition: a broadcaster, producers, a subscriber, and what they wrote down."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import trio

from benchmarks.faults.accounting import Account, Claim, claim_of, recovery_s
from benchmarks.faults.forks import Forked, Forks
from benchmarks.faults.network import Network, network
from tests.e2e.ports import free_ports

ROOT = Path(__file__).parents[2]
READY_S = 60.0
SETTLE_S = 30.0
RECOVER_S = 90.0  # clients that failed five times wait for up to 30 s
NEVER = 10**9
AFTER_S = 0.1  # what came twice would come now
LOOK_S = 0.01
QUIET = {"TELEMETRY_INTERVAL_S": "0", "LOG_LEVEL": "warning", "DRAIN_S": "1", "PING_INTERVAL_S": "0.5"}


Process = subprocess.Popen[bytes] | Forked
NOTHING: Mapping[str, str] = MappingProxyType({})


class Timeout(Exception):
    """What was waited for did not come; the text says what."""


async def until(condition: Callable[[], bool], what: str, bound_s: float = READY_S) -> None:
    end = trio.current_time() + bound_s
    while not condition():
        if trio.current_time() > end:
            raise Timeout(what)
        await trio.sleep(LOOK_S)


class Lines:
    """A file of JSON lines that somebody is writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0
        self._all: list[dict[str, Any]] = []

    def new(self) -> list[dict[str, Any]]:
        """Whole lines that have come since this was asked last."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        fresh = [orjson.loads(line) for line in whole.splitlines()]
        self._all += fresh
        return fresh

    def all(self) -> list[dict[str, Any]]:
        self.new()
        return self._all


@dataclass(slots=True)
class Sender:
    process: Process
    lines: Lines
    killed: bool = False

    @property
    def now(self) -> dict[str, Any]:
        lines = self.lines.all()
        return lines[-1] if lines else {"sent": 0, "acked": 0, "state": "connecting"}

    @property
    def claim(self) -> Claim:
        return claim_of(self.lines.all(), killed=self.killed)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.killed = True


@dataclass(slots=True)
class Stage:
    """Where a fault is played."""

    folder: Path
    dice: random.Random
    seconds: float
    settings: dict[str, str]
    net: Network | None
    stack: ExitStack
    forks: Forks | None = None  # where processes come from; None: each is started anew
    environment: dict[str, str] = field(default_factory=dict)  # of the broadcaster
    through: str | None = None  # clients connect here instead
    rate: float = 400.0
    overflow: str = "drop_oldest"
    inside: bool = False  # producers are where the broadcaster is, before the network
    awaited: str | None = None  # the producer that recovery is about; None: any
    healed_at: float = 0.0  # by the monotonic clock that all processes share
    recovered_s: float | None = None  # where somebody else than the subscriber tells
    facts: dict[str, float] = field(default_factory=dict)  # of this scenario, for the report
    wrong: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=lambda: free_ports(2))  # WebSocket, HTTP
    broadcaster: Process | None = None
    receiver: Process | None = None
    senders: dict[str, Sender] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    record: Lines = field(init=False)

    def __post_init__(self) -> None:
        self.record = Lines(self.folder / "received.jsonl")

    @property
    def host(self) -> str:
        return self.net.address if self.net else "127.0.0.1"

    @property
    def url(self) -> str:
        return self.through or f"ws://{self.host}:{self.ports[0]}"

    @property
    def http_url(self) -> str:
        return f"http://{self.host}:{self.ports[1]}"

    # Processes.

    def _spawn(
        self,
        module: str,
        arguments: list[str],
        log: str,
        environment: Mapping[str, str] = NOTHING,
        *,
        inside: bool = False,
    ) -> Process:
        """`inside`: of the network, if there is one."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_")}
        namespace = self.net.name if self.net and inside else None
        if self.forks is not None and "LD_PRELOAD" not in environment:
            forked = self.forks.start(module, arguments, {**kept, **environment}, self.folder / log, namespace)
            self.stack.callback(forked.close)
            self.stack.callback(_end, forked)
            return forked
        prefix = self.net.prefix if self.net and inside else []
        command = [*prefix, sys.executable, "-m", module, *arguments]
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(command, env={**kept, **environment}, cwd=ROOT, stdout=output, stderr=output)
        self.stack.callback(_end, process)
        return process

    async def start_broadcaster(self) -> None:
        """Always on the same ports. Returns when it accepts connections."""
        addresses = [f"{self.host}:{port}" for port in self.ports]
        command = ["serve", "--bind", addresses[0], "--http-bind", addresses[1]]
        settings = {f"STREAMGAUGE_BROADCASTER_{name.upper()}": value for name, value in (QUIET | self.settings).items()}
        settings |= self.environment
        process = self._spawn("dashboard.__main__", command, "broadcaster.log", settings, inside=True)
        self.broadcaster = process

        def accepts() -> bool:
            if process.poll() is not None:
                raise Timeout(f"the broadcaster ended: {self.log('broadcaster.log')}")
            return reachable(self.host, self.ports[0]) and reachable(self.host, self.ports[1])

        await until(accepts, "no broadcaster")

    def kill_broadcaster(self) -> None:
        assert self.broadcaster is not None
        self.broadcaster.kill()
        self.broadcaster.wait()

    def start_receiver(self, *options: str) -> None:
        command = [self.url, str(self.record.path)]
        command += ["--overflow", self.overflow, "--seed", str(self.dice.randrange(2**31)), *options]
        self.receiver = self._spawn("benchmarks.faults.receiver", command, "receiver.log")

    def kill_receiver(self) -> None:
        assert self.receiver is not None
        self.receiver.kill()
        self.receiver.wait()

    def start_sender(self) -> Sender:
        name = f"p{len(self.senders)}"
        path = self.folder / f"{name}.jsonl"
        command = [self.url, name, str(path), "--rate", str(self.rate), "--seed", str(self.dice.randrange(2**31))]
        process = self._spawn("benchmarks.faults.sender", command, f"{name}.log", inside=self.inside)
        self.senders[name] = sender = Sender(process, Lines(path))
        return sender

    async def start_dashboard(self, points_max: int) -> str:
        """The URL of its page, which keeps so many samples of a series."""
        (port,) = free_ports(1)
        command = ["dashboard", "--bind", f"127.0.0.1:{port}", "--broadcaster", self.url]
        kept = {"STREAMGAUGE_DASHBOARD_POINTS_MAX": str(points_max)}
        self._spawn("dashboard.__main__", [*command, "--broadcaster-http", self.http_url], "dashboard.log", kept)
        await until(lambda: reachable("127.0.0.1", port), "no dashboard")
        return f"http://127.0.0.1:{port}/"

    def log(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace")[-400:] if path.exists() else ""

    # The course of a repetition.

    async def begin(self, senders: int = 1) -> None:
        """Returns when samples of every producer arrive."""
        await self.start_broadcaster()
        self.start_receiver()
        for _ in range(senders):
            self.start_sender()
        await until(lambda: self._heard() >= set(self.senders), f"nothing arrives: {self.logs()}")

    def _heard(self) -> set[str]:
        lines = [line for line in self.record.all() if line["is"] == "samples"]
        return {producer for line in lines for producer, _, _ in line["of"]}

    async def moment(self) -> None:
        """A random one, while all is well."""
        await trio.sleep(self.dice.uniform(0.1, 0.6) * self.seconds / 2)

    async def lasting(self) -> None:
        """As long as a fault lasts."""
        await trio.sleep(self.dice.uniform(0.1, 1.0) * self.seconds / 2)

    def healed(self) -> None:
        """The fault is over."""
        self.healed_at = time.monotonic()

    async def settle(self) -> None:
        """Producers end, and everything that they sent arrives, or time runs out."""
        await until(lambda: self.recovery_s() is not None, "no recovery", RECOVER_S)
        living = [sender for sender in self.senders.values() if not sender.killed]
        for sender in living:
            sender.process.send_signal(signal.SIGTERM)
        await until(lambda: all(s.process.poll() is not None for s in living), "a producer does not end", SETTLE_S)
        for sender in living:
            if not sender.now.get("end") or sender.now["acked"] < sender.now["sent"]:
                self.wrong.append(f"a producer ended with {sender.now}: {self.logs()}")
        await self._arrived()
        await trio.sleep(AFTER_S)

    async def _arrived(self) -> None:
        end = trio.current_time() + SETTLE_S
        while trio.current_time() < end:
            account = Account(self.record.all())
            if not account.verdict(self.claims).lost:
                return
            await trio.sleep(0.05)

    @property
    def claims(self) -> dict[str, Claim]:
        return {name: sender.claim for name, sender in self.senders.items()}

    def recovery_s(self) -> float | None:
        """Until the first sample that was sent after the fault."""
        if self.recovered_s is not None:
            return self.recovered_s
        sent_at: dict[str, int] = {}
        record = self.record.all()
        for name, sender in self.senders.items():
            if self.awaited not in (None, name):
                sent_at[name] = NEVER
                continue
            before = [line["sent"] for line in sender.lines.all() if line["t"] <= self.healed_at]
            sent_at[name] = max(before, default=0)
        return recovery_s(record, sent_at, self.healed_at)

    def logs(self) -> str:
        return " | ".join(text for path in sorted(self.folder.glob("*.log")) if (text := self.log(path.name).strip()))


def _end(process: Process) -> None:
    process.kill()
    process.wait()


def reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=0.2).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def open_stage(
    seed: int, seconds: float, settings: Mapping[str, str], *, namespace: bool = False, **options: Any
) -> AsyncIterator[Stage]:
    """Nothing runs yet; whatever was started is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="streamgauge-faults-") as folder, ExitStack() as stack:
        net = stack.enter_context(network()) if namespace else None
        apart = {"insecure": "true", "allowed_hosts": "*"} if namespace else {}
        yield Stage(Path(folder), random.Random(seed), seconds, {**apart, **settings}, net, stack, **options)
