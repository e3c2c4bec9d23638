from collections.abc import Sequence
from typing import Any

import pytest

from broadcaster.alerts.instance import Change, Instance, Moment, Reason, State
from broadcaster.alerts.rules import Condition, Rule
from broadcaster.history import Record
from broadcaster.selection import Selector
from ingest.samples import Series, Value

AHEAD = 1_000_000.0  # of the wall clock over the steady one
Told = list[tuple[str, str, float]]


class World:
    """One alert on one series, and a clock to turn; times are those of the steady clock."""

    def __init__(self, **condition: Any) -> None:
        self.now = 100.0
        self.changes: list[Change] = []
        rule = Rule("a", Condition(Selector("a"), **condition))
        self.instance = Instance(rule, Record(1, Series("a"), "gauge"), self.now, self.changes)

    @property
    def moment(self) -> Moment:
        return Moment(self.now + AHEAD, self.now)

    def feed(self, *values: Value, times: Sequence[float] | None = None) -> Told:
        """Samples that arrive now, as a batch; `times` if they are older."""
        at = [self.now] * len(values) if times is None else times
        self.instance.feed([time + AHEAD for time in at], values, self.moment)
        return self.told()

    def wait(self, seconds: float) -> Told:
        """Time passes, and the timers do what they are for."""
        until = self.now + seconds
        while (due := self.instance.due) is not None and due <= until:
            self.now = max(due, self.now)
            self.instance.check(self.moment)
        self.now = until
        return self.told()

    def told(self) -> Told:
        told = [(change.state.value, change.reason.value, round(change.time - AHEAD, 6)) for change in self.changes]
        self.changes.clear()
        return told

    def is_(self, state: State) -> bool:
        return self.instance.state is state


def test_a_threshold_without_a_duration_fires_at_once_and_ends_at_once() -> None:
    world = World(above=90.0)
    assert world.feed(90.0) == []
    assert world.feed(90.1) == [("firing", "value", 100.0)]
    assert world.feed(95.0) == []
    assert world.feed(90.0) == [("ok", "value", 100.0)]


def test_below_and_a_band() -> None:
    world = World(below=1.0)
    assert world.feed(0.5, 1.0) == [("firing", "value", 100.0), ("ok", "value", 100.0)]
    band = World(below=1.0, above=2.0)
    assert band.feed(1.0, 2.0) == []
    assert [state for state, *_ in band.feed(0.0, 1.5, 3.0)] == ["firing", "ok", "firing"]


def test_one_bad_sample_in_a_batch_is_seen() -> None:
    world = World(above=90.0)
    times = [90.0 + at for at in range(10)]
    values = [1.0] * 4 + [99.0] + [1.0] * 5
    assert world.feed(*values, times=times) == [("firing", "value", 94.0), ("ok", "value", 95.0)]


def test_hysteresis_keeps_it_firing() -> None:
    world = World(above=90.0, clear=80.0)
    world.feed(91.0)
    assert world.feed(85.0) == []
    assert world.feed(89.0, 81.0) == []
    assert world.feed(80.0) == [("ok", "value", 100.0)]
    low = World(below=10.0, clear=20.0)
    low.feed(9.0)
    assert low.feed(15.0) == []
    assert low.feed(20.0) == [("ok", "value", 100.0)]


def test_a_duration_has_to_be_held() -> None:
    world = World(above=90.0, for_s=30.0)
    assert world.feed(95.0) == []
    assert world.is_(State.PENDING)
    world.wait(20)
    assert world.feed(80.0) == []
    assert world.is_(State.OK)
    world.feed(95.0)
    assert world.wait(29) == []
    assert world.wait(1) == [("firing", "value", 150.0)]


def test_a_value_holds_until_the_next_one() -> None:
    """So a series that comes once a minute fires after the 30 s that were asked for."""
    world = World(above=90.0, for_s=30.0)
    world.feed(95.0)
    assert world.wait(60) == [("firing", "value", 130.0)]
    assert world.feed(80.0) == [("ok", "value", 160.0)]


def test_what_comes_all_at_once_after_an_outage_gives_the_same() -> None:
    world = World(above=90.0, for_s=30.0)
    world.now = 200.0
    assert world.feed(95.0, 80.0, times=[100.0, 160.0]) == [("firing", "value", 130.0), ("ok", "value", 160.0)]


def test_a_breach_that_began_before_it_arrived_has_less_to_wait() -> None:
    world = World(above=90.0, for_s=30.0)
    world.feed(95.0, 96.0, times=[80.0, 100.0])
    assert world.wait(9.9) == []
    assert world.wait(0.1) == [("firing", "value", 110.0)]


def test_a_producer_whose_clock_is_behind_waits_no_longer() -> None:
    world = World(above=90.0, for_s=30.0)
    told = []
    for _ in range(3):
        told += world.feed(95.0, times=[world.now - 3600])
        told += world.wait(10)
    assert told == [("firing", "value", 130.0 - 3600)]


@pytest.mark.parametrize("skew_s", [3600.0, 1e9])
def test_a_producer_whose_clock_is_ahead_is_taken_by_ours(skew_s: float) -> None:
    world = World(above=90.0, for_s=30.0)
    assert world.feed(1.0, 95.0, times=[100.0, 100.0 + skew_s]) == []
    world.wait(10)
    assert world.feed(80.0) == []
    assert world.is_(State.OK)


def test_a_gap_breaks_what_is_pending_and_ends_nothing() -> None:
    world = World(above=90.0, for_s=30.0)
    world.feed(95.0)
    world.wait(10)
    world.feed(None)
    assert world.wait(60) == []
    world.feed(95.0)
    world.wait(30)
    assert world.feed(None) == []
    assert world.is_(State.FIRING)


def test_a_gap_does_not_hide_what_was_held_before() -> None:
    world = World(above=90.0, for_s=30.0)
    world.now = 200.0
    assert world.feed(95.0, None, times=[100.0, 140.0]) == [("firing", "value", 130.0)]


def test_silence() -> None:
    world = World(silent_for_s=15.0)
    assert world.wait(14.9) == []
    assert world.feed(1.0) == []
    assert world.wait(14.9) == []
    assert world.wait(0.1) == [("firing", "silent", 129.9)]
    assert world.wait(1000) == []
    assert world.feed(None) == []
    assert world.feed(1.0) == [("ok", "value", 1129.9)]
    assert world.wait(15) == [("firing", "silent", 1144.9)]


def test_silence_is_told_of_events_too() -> None:
    world = World(silent_for_s=15.0)
    world.feed("deployed")
    assert world.wait(15) == [("firing", "silent", 115.0)]
    assert world.feed("deployed") == [("ok", "value", 115.0)]


def test_a_value_that_ends_a_silence_is_judged() -> None:
    world = World(above=90.0, silent_for_s=15.0)
    world.wait(15)
    assert world.feed(95.0) == [("ok", "value", 115.0), ("firing", "value", 115.0)]


def test_a_rate_is_judged_like_a_value() -> None:
    world = World(above=10.0, for_s=2.0, rate=True)
    told = []
    for value in (0.0, 50.0, 100.0):
        told += world.feed(value) + world.wait(1)
    assert told == [("firing", "value", 103.0)]
    assert world.instance.value == 50.0
    assert world.feed(100.0) == [("ok", "value", 103.0)]


def test_a_sample_ends_a_silence_also_before_there_is_a_rate() -> None:
    world = World(above=10.0, silent_for_s=5.0, rate=True)
    world.wait(5)
    assert len(world.feed(1.0)) == 1 and world.is_(State.OK)
    assert world.wait(4.9) == []
    assert world.feed(None) == []
    assert world.wait(0.1) == [("firing", "silent", 110.0)]


def test_what_fires_stays_so_while_silent_and_is_silent_afterwards() -> None:
    world = World(above=90.0, silent_for_s=15.0)
    assert world.wait(14) == []
    assert world.feed(95.0) == [("firing", "value", 114.0)]
    assert world.wait(100) == []
    assert world.feed(1.0) == [("ok", "value", 214.0)]
    assert world.wait(15) == [("firing", "silent", 229.0)]


def test_the_end_of_a_rule_or_a_series() -> None:
    world = World(above=90.0)
    world.feed(95.0)
    world.instance.end(Reason.FORGOTTEN, world.moment)
    assert world.told() == [("ok", "forgotten", 100.0)]
    world.instance.end(Reason.RULE, world.moment)
    assert world.told() == []
