"""The broadcaster watches itself: its figures go through its own hub like anybody's samples."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import trio

from broadcaster.statistics import Figures
from ingest.samples import Entry, Kind, check_series

PROBE_S = 0.1


@dataclass(slots=True)
class LoopLag:
    """How late the event loop wakes a task that asked for a time: the worst of the last second."""

    _probes: deque[float] = field(default_factory=lambda: deque(maxlen=round(1 / PROBE_S)))

    @property
    def worst_s(self) -> float:
        return max(self._probes, default=0.0)

    async def measure(self) -> None:
        while True:
            due = trio.current_time() + PROBE_S
            await trio.sleep_until(due)
            self._probes.append(max(0.0, trio.current_time() - due))


@dataclass(slots=True)
class FlushTimes:
    """The newest flushes, for quantiles. Bounded: at full speed it holds some seconds."""

    _newest: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))

    def add(self, seconds: float) -> None:
        self._newest.append(seconds)

    def quantile(self, share: float) -> float:
        ordered = sorted(self._newest)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def entries(
    now: Figures, before: Figures, elapsed_s: float, flush_p50_s: float, flush_p99_s: float, time: float
) -> list[Entry]:
    """The broadcaster.* samples of one moment; rates are over `elapsed_s`, since `before`. `time` in Unix seconds."""

    def rate(name: str) -> float:
        return float(getattr(now, name) - getattr(before, name)) / elapsed_s

    def samples() -> Iterator[tuple[str, dict[str, str], float, str, Kind]]:
        for role in ("producer", "subscriber"):
            yield "broadcaster.connections", {"role": role}, now.connections.get(role, 0), "", "gauge"
        yield "broadcaster.samples_per_second", {"direction": "in"}, rate("accepted_samples"), "1/s", "gauge"
        yield "broadcaster.samples_per_second", {"direction": "out"}, rate("delivered_samples"), "1/s", "gauge"
        yield "broadcaster.batches_per_second", {"direction": "out"}, rate("delivered_batches"), "1/s", "gauge"
        yield "broadcaster.dropped_samples", {}, sum(now.dropped_samples.values()), "", "counter"
        yield "broadcaster.flush_time", {"quantile": "p50"}, flush_p50_s, "s", "gauge"
        yield "broadcaster.flush_time", {"quantile": "p99"}, flush_p99_s, "s", "gauge"
        yield "broadcaster.loop_lag", {}, now.loop_lag_s, "s", "gauge"
        yield "broadcaster.series", {}, now.series, "", "gauge"
        yield "broadcaster.audiences", {}, now.audiences, "", "gauge"
        yield "broadcaster.history_bytes", {}, now.history_bytes, "B", "gauge"
        yield "broadcaster.mailbox_bytes", {}, now.mailbox_bytes, "B", "gauge"
        yield "broadcaster.loop_stalls", {}, now.loop_stalls, "", "counter"
        for reason, count in now.refused.items():
            yield "broadcaster.refused", {"reason": reason}, count, "", "counter"
        for setting, used in now.used.items():
            if limit := now.limits.get(setting, 0):
                yield "broadcaster.used", {"setting": setting}, 100 * used / limit, "%", "gauge"
        yield "broadcaster.memory", {}, now.memory_bytes, "B", "gauge"
        if now.stored_batches or now.store_queue or now.store_failing:  # there is a data directory
            yield "broadcaster.store_failing", {}, now.store_failing, "", "gauge"
            yield "broadcaster.store_lost_batches", {}, now.store_lost_batches, "", "counter"

    return [
        Entry(check_series(metric, tags), (time,), (float(value),), kind, unit)
        for metric, tags, value, unit, kind in samples()
    ]


async def publish_telemetry(
    figures: Callable[[], Figures],
    flush_quantile: Callable[[float], float],
    publish: Callable[[Sequence[Entry]], object],
    clock: Callable[[], float],
    interval_s: float,
) -> None:
    """Publishes the figures every `interval_s` seconds. `clock` gives Unix seconds."""
    before, at = figures(), trio.current_time()
    while True:
        await trio.sleep_until(at + interval_s)
        now, elapsed_s = figures(), trio.current_time() - at
        publish(entries(now, before, elapsed_s, flush_quantile(0.5), flush_quantile(0.99), clock()))
        before, at = now, trio.current_time()
