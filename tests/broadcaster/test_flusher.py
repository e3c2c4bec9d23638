"""When it flushes; the time is the mock clock's, and how long a flush took is told by a stopwatch of our own."""

from types import SimpleNamespace

import pytest
import trio
import trio.testing

from broadcaster import flusher as flusher_module
from broadcaster.flusher import Flusher
from broadcaster.hub import Hub

REST_MAX_S = 0.05


class Recorder(Hub):
    """A hub that only notes when it is flushed. A flush takes `took` seconds of the stopwatch."""

    def __init__(self, took: float = 0.0, due: float | None = None) -> None:
        self.took, self.due = took, due
        self.flushed: list[float] = []
        self.stopwatch = 0.0

    def flush(self, now: float) -> None:
        self.flushed.append(now)
        self.stopwatch += self.took

    def flush_due(self, now: float) -> float | None:
        due, self.due = self.due, None
        return due


async def run(hub: Recorder, monkeypatch: pytest.MonkeyPatch, wakes: list[float]) -> Flusher:
    """Wakes at these times, and for a minute after."""
    monkeypatch.setattr(flusher_module, "time", SimpleNamespace(perf_counter=lambda: hub.stopwatch))
    flusher = Flusher(REST_MAX_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        for at in wakes:
            await trio.sleep_until(at)
            flusher.wake()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    return flusher


async def test_it_flushes_at_once_and_only_when_something_came(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(), trio.current_time()
    flusher = await run(hub, monkeypatch, [began + 1, began + 5])
    assert [round(at - began, 6) for at in hub.flushed] == [1, 5]
    assert sum(flusher.histogram.counts) == 2


@pytest.mark.parametrize(("took", "rest"), [(0.02, 0.02), (1.0, REST_MAX_S)])
async def test_after_a_flush_it_rests_about_as_long_as_it_took(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, took: float, rest: float
) -> None:
    hub, began = Recorder(took), trio.current_time()
    await run(hub, monkeypatch, [began + 1, began + 1.001, began + 1.002])
    assert [round(at - began, 6) for at in hub.flushed] == [1, 1 + rest]


async def test_a_throttled_audience_is_flushed_when_it_is_due(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = trio.current_time()
    hub = Recorder(due=began + 7)
    flusher = await run(hub, monkeypatch, [began + 1])
    assert [round(at - began, 6) for at in hub.flushed] == [1, 7]
    assert sum(flusher.histogram.counts) == 1, "nothing came, so the second is no flush to measure"
