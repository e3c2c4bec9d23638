"""When it flushes; the time is the mock clock's, and how long a flush took is told by a stopwatch of our own."""

import math
from types import SimpleNamespace

import pytest
import trio
import trio.testing

from broadcaster import flusher as flusher_module
from broadcaster.audience import SECTION_MEMBERS
from broadcaster.flusher import BUSY_S, ENOUGH_SAMPLES, MUCH_SAMPLES, QUICK_S, STEP_MEMBERS, Flusher
from broadcaster.hub import Hub

REST_MAX_S = 0.05


class Recorder(Hub):
    """A hub that only notes what the flusher does. Serving a step takes `took` seconds of the stopwatch."""

    waiting = 0
    pending = 0
    served = 0
    brought = 1  # samples at a wake

    def __init__(self, took: float = 0.0, due: float | None = None, sections: int = 1) -> None:
        self.took, self.due, self.sections = took, due, sections
        self.done: list[tuple[str, float]] = []
        self.stopwatch = 0.0
        self.steps: list[float] = []  # members to be served in each
        self.published: list[int] = []  # samples that come while a step is served, one after the other

    def collect(self, now: float, *, partial: bool = False) -> None:
        if self.pending:
            self.done.append(("collect", now))
            self.waiting, self.pending = self.sections, 0

    def serve(self, now: float, members: float = math.inf) -> int:
        self.steps.append(members)
        self.done.append(("serve", now))
        served = min(1, self.waiting)
        self.waiting -= served
        self.served += served
        self.stopwatch += self.took
        self.pending += self.published.pop(0) if self.published else 0
        return served

    def flush_due(self, now: float, members: float = math.inf) -> float | None:
        due, self.due = self.due, None
        return due

    def times(self, what: str, began: float) -> list[float]:
        return [round(at - began, 6) for name, at in self.done if name == what]


async def run(hub: Recorder, monkeypatch: pytest.MonkeyPatch, wakes: list[float], rest_ratio: float = 1.0) -> Flusher:
    """Wakes at these times, and for a minute after."""
    monkeypatch.setattr(flusher_module, "time", SimpleNamespace(perf_counter=lambda: hub.stopwatch))
    flusher = Flusher(REST_MAX_S, rest_ratio)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        for at in wakes:
            await trio.sleep_until(at)
            hub.pending += hub.brought
            flusher.wake()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    return flusher


async def test_it_flushes_at_once_and_only_when_something_came(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(), trio.current_time()
    flusher = await run(hub, monkeypatch, [began + 1, began + 5])
    assert hub.times("collect", began) == hub.times("serve", began) == [1, 5]
    assert sum(flusher.histogram.counts) == 2


@pytest.mark.parametrize(
    ("took", "ratio", "rest"),
    [(0.0009, 1.0, 0), (0.02, 1.0, 0.02), (0.02, 0.0, 0), (0.02, 2.0, 0.04), (1.0, 1.0, REST_MAX_S)],
)
async def test_after_a_step_it_rests_about_as_long_as_it_took(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, took: float, ratio: float, rest: float
) -> None:
    hub, began = Recorder(took), trio.current_time()
    await run(hub, monkeypatch, [began + 1, began + 1.0001, began + 1.0002], ratio)
    assert hub.times("serve", began) == ([1, 1 + rest] if rest else [1, 1.0001, 1.0002])


async def test_a_large_audience_is_served_in_steps_that_take_in_what_is_newest(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(took=0.01, sections=3), trio.current_time()
    hub.published = [0, MUCH_SAMPLES]
    flusher = await run(hub, monkeypatch, [began + 1])
    assert hub.times("collect", began) == [1, 1.02]
    assert hub.times("serve", began) == [1, 1, 1.02, 1.02, 1.02]
    assert set(hub.steps) == {SECTION_MEMBERS}
    assert sum(flusher.histogram.counts) == 5


async def test_it_rests_when_a_round_has_taken_so_long_and_a_shorter_round_is_none(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(took=0.0009, sections=5), trio.current_time()
    hub.published = [0, 0, 1, 0, 0]
    await run(hub, monkeypatch, [began + 1])
    assert hub.times("serve", began) == [1, 1, 1, *[1.0027] * 5]
    alone, began = Recorder(took=0.0009, sections=5), trio.current_time()
    await run(alone, monkeypatch, [began + 1])
    assert alone.times("serve", began) == [1] * 5, "nothing came that would make the next batch larger"
    short, began = Recorder(took=0.0009, sections=2), trio.current_time()
    short.published = [0, 1, 0, 1]
    await run(short, monkeypatch, [began + 1])
    assert short.times("serve", began) == [1] * 6


async def test_while_much_comes_all_sections_get_the_same_before_more_is_taken_in(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(took=0.01, sections=3), trio.current_time()
    hub.brought = MUCH_SAMPLES + 1
    hub.published = [MUCH_SAMPLES + 1, 1]
    await run(hub, monkeypatch, [began + 1])
    assert hub.times("collect", began) == [1, 1.03]
    assert hub.times("serve", began) == [1, 1, 1, 1.03, 1.03, 1.03]
    assert set(hub.steps) == {STEP_MEMBERS}


async def test_a_rest_ends_before_its_time_when_enough_has_come(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, began = Recorder(took=0.05), trio.current_time()
    hub.published = [ENOUGH_SAMPLES - 2, 0, 0]
    await run(hub, monkeypatch, [began + 1, began + 1.01, began + 1.02])
    assert hub.times("serve", began) == [1, 1.02]


async def test_messages_that_come_together_are_flushed_by_who_brought_them(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Recorder(took=QUICK_S / 2)
    monkeypatch.setattr(flusher_module, "time", SimpleNamespace(perf_counter=lambda: hub.stopwatch))
    flusher = Flusher(REST_MAX_S)

    def bring(samples: int) -> int:
        """Returns how many steps that took at once."""
        before = len(hub.done)
        flusher.hold()
        for _ in range(samples):
            hub.pending += 1
            flusher.wake()
        flusher.release()
        return [what for what, _ in hub.done[before:]].count("serve")

    assert bring(1) == 0, "it does not run yet"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        await trio.testing.wait_all_tasks_blocked()
        assert [bring(0), bring(1), bring(3)] == [0, 1, 1]
        assert bring(MUCH_SAMPLES + 1) == 0
        await trio.testing.wait_all_tasks_blocked()
        assert (hub.pending, bring(1)) == (0, 0), "it rests after so many"
        await trio.sleep(1)
        hub.took = 2 * QUICK_S
        assert [bring(1), bring(1)] == [1, 0], "steps take long, so others shall be served in between"
        await trio.sleep(1)
        assert hub.pending == 0
        nursery.cancel_scope.cancel()


async def test_who_brought_a_sample_serves_some_and_the_others_follow(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Recorder(sections=3)
    flusher = Flusher(REST_MAX_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        await trio.sleep(1)
        flusher.hold()
        hub.pending += 1
        flusher.wake()
        flusher.release()
        assert hub.waiting == 2
        await trio.testing.wait_all_tasks_blocked()
        assert hub.waiting == 0
        nursery.cancel_scope.cancel()


async def test_what_is_due_later_is_not_forgotten_by_who_brought_it(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Recorder()
    flusher, began = Flusher(REST_MAX_S), trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        await trio.sleep(1)
        hub.due = began + 5
        flusher.hold()
        hub.pending += 1
        flusher.wake()
        flusher.release()
        hub.due = began + 5  # as the hub says at every step until then
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert hub.times("serve", began) == [1, 1, 5]


async def test_a_throttled_audience_is_flushed_when_it_is_due(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = trio.current_time()
    hub = Recorder(due=began + 7)
    flusher = await run(hub, monkeypatch, [began + 1])
    assert hub.times("serve", began) == [1, 7]
    assert sum(flusher.histogram.counts) == 1, "nothing came, so the second is no flush to measure"


@pytest.mark.parametrize("sections", [0, 1])
async def test_it_is_busy_for_a_moment_after_somebody_was_served(
    autojump_clock: trio.testing.MockClock, sections: int
) -> None:
    hub = Recorder(sections=sections)
    flusher = Flusher(REST_MAX_S)
    assert not flusher.busy()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flusher.run, hub)
        await trio.sleep(1)
        hub.pending += 1
        flusher.wake()
        await trio.sleep(0.9 * BUSY_S)
        assert flusher.busy() == bool(sections), "what nobody wants takes no time"
        await trio.sleep(0.2 * BUSY_S)
        assert not flusher.busy()
        nursery.cancel_scope.cancel()
