"""This machine's metrics, read with psutil."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import trio

from ingest.producer import Producer

TOP_PROCESSES = 5
NAME_CHARACTERS = 64  # of a process name
BASELINE_S = 0.1  # what the first reading of CPU use is taken over; at once it would be 0 % or 100 %


@dataclass(frozen=True, slots=True)
class Reading:
    metric: str
    value: float
    unit: str
    tags: dict[str, str] = field(default_factory=dict)


class Rates:
    """Counters to rates a second. A counter that went backwards (wrapped, reset, device replaced) begins anew. Pure."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[float, float]] = {}

    def rate(self, metric: str, which: str, count: float, now: float) -> float | None:
        """`now` is in seconds of a monotonic clock. None: there is nothing to compare with yet."""
        before = self._last.get((metric, which))
        self._last[metric, which] = (count, now)
        if before is None or count < before[0] or now <= before[1]:
            return None
        return (count - before[0]) / (now - before[1])


class HostReader:
    """Calls of psutil may block: use `read` in a worker thread, one at a time."""

    def __init__(self, top_processes: int = TOP_PROCESSES) -> None:
        self._rates = Rates()
        self._top_processes = top_processes
        self._processes: dict[int, psutil.Process] = {}
        self._cores = [_spent(times) for times in psutil.cpu_times(percpu=True)]

    def read(self, now: float) -> list[Reading]:
        readings = [*self._cpu(), *self._memory(), *self._disks(now), *self._networks(now), *self._load()]
        return [*readings, *self._top()]

    def _cpu(self) -> Iterator[Reading]:
        """psutil.cpu_percent remembers by thread; readings are taken in any, and in a new one it says 0 %."""
        before, self._cores = self._cores, [_spent(times) for times in psutil.cpu_times(percpu=True)]
        for core, ((busy_before, all_before), (busy, all_)) in enumerate(zip(before, self._cores, strict=False)):
            if all_ > all_before:
                percent = 100 * (busy - busy_before) / (all_ - all_before)
                yield Reading("host.cpu.percent", min(100.0, max(0.0, percent)), "%", {"core": str(core)})

    def _memory(self) -> Iterator[Reading]:
        memory = psutil.virtual_memory()
        yield Reading("host.memory.used", memory.total - memory.available, "B")
        yield Reading("host.swap.used", psutil.swap_memory().used, "B")

    def _disks(self, now: float) -> Iterator[Reading]:
        counters = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        for device, counter in counters.items():
            if device.startswith(("loop", "ram")) or not (counter.read_bytes or counter.write_bytes):
                continue
            yield from self._rate("host.disk.read", "device", device, counter.read_bytes, now)
            yield from self._rate("host.disk.write", "device", device, counter.write_bytes, now)

    def _networks(self, now: float) -> Iterator[Reading]:
        for interface, counter in psutil.net_io_counters(pernic=True, nowrap=False).items():
            yield from self._rate("host.net.received", "interface", interface, counter.bytes_recv, now)
            yield from self._rate("host.net.sent", "interface", interface, counter.bytes_sent, now)

    def _rate(self, metric: str, tag: str, which: str, count: float, now: float) -> Iterator[Reading]:
        rate = self._rates.rate(metric, which, count, now)
        if rate is not None:
            yield Reading(metric, rate, "B/s", {tag: which})

    def _load(self) -> Iterator[Reading]:
        for window, load in zip(("1m", "5m", "15m"), psutil.getloadavg(), strict=True):
            yield Reading("host.load", load, "", {"window": window})

    def _top(self) -> list[Reading]:
        """The processes that used most CPU since the last reading; new ones are measured from now on."""
        known = self._processes
        self._processes = {process.pid: known.get(process.pid, process) for process in psutil.process_iter()}
        used = [each for process in self._processes.values() if (each := _process(process)) is not None]
        used.sort(key=lambda reading: reading.value, reverse=True)
        return [reading for reading in used[: self._top_processes] if reading.value > 0]


def _spent(times: Any) -> tuple[float, float]:
    """Seconds that a core was busy, and all of them. Time of guests is part of `user` and `nice` already."""
    spent = times._asdict()
    everything = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
    return everything - spent["idle"] - spent.get("iowait", 0.0), everything


def _process(process: psutil.Process) -> Reading | None:
    try:
        with process.oneshot():
            percent, name = process.cpu_percent(), process.name()
    except psutil.Error:  # it has ended, or is not ours to look at
        return None
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return Reading(
        "host.process.cpu", percent, "%", {"name": printable[:NAME_CHARACTERS] or "?", "pid": str(process.pid)}
    )


async def host(
    producer: Producer, interval_s: float = 1.0, *, name: str | None = None, top_processes: int = TOP_PROCESSES
) -> None:
    """Send this machine's metrics every `interval_s` seconds until cancelled.

    Args:
        name: the tag `host` of every series; if None, this machine's name.
    """
    name = name or socket.gethostname() or "localhost"
    reader = await trio.to_thread.run_sync(HostReader, top_processes)
    await trio.sleep(BASELINE_S)
    due = trio.current_time()
    await _send(producer, reader, name)
    while True:
        # A reading that came late is not caught up with: over too short a time, CPU use is 0 % or 100 %.
        due = max(due + interval_s, trio.current_time() + interval_s / 2)
        await trio.sleep_until(due)
        await _send(producer, reader, name)


async def _send(producer: Producer, reader: HostReader, name: str) -> None:
    for reading in await trio.to_thread.run_sync(reader.read, trio.current_time(), abandon_on_cancel=True):
        tags: dict[str, Any] = {**reading.tags, "host": name}
        await producer.send(reading.metric, reading.value, unit=reading.unit, **tags)
