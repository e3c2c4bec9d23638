"""The history beside naive lists."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster import history as history_module
from broadcaster.history import FORGET_LOOKS, History, Record
from broadcaster.ring import NUMBER_BYTES, Ring
from ingest.samples import Series, Value
from tests.broadcaster.frame_parts import MACHINE

NUMBERS = st.floats(-1e9, 1e9) | st.none()


def history(points: int = 100, age_s: float = 10.0, bytes_max: int = 10**6, series_max: int = 10) -> History:
    return History(points, age_s, bytes_max, series_max)


def accept(history: History, record: Record, values: list[Value], now: float = 0.0) -> None:
    """A batch of one series."""
    history.seq += 1
    history.append(record, [now] * len(values), values, now)
    history.mark(now)


class HistoryMachine(RuleBasedStateMachine):
    """Per series, what may be held at most and must be held at least; and the counts."""

    @initialize(
        points=st.integers(0, 8), age_s=st.sampled_from([2.0, 8.0, 1e6]), samples=st.sampled_from([5, 20, 1000])
    )
    def begin(self, points: int, age_s: float, samples: int) -> None:
        self.points, self.age_s, self.bytes_max = points, age_s, samples * NUMBER_BYTES
        self.history = History(points, age_s, self.bytes_max, 10)
        self.now = 1000.0
        self.accepted: dict[Record, list[tuple[float, float]]] = {}  # (now, value) by record
        self.total = 0

    @rule(metrics=st.dictionaries(st.integers(0, 3), st.integers(1, 5), min_size=1), after=st.sampled_from([0, 0.3, 3]))
    def flush(self, metrics: dict[int, int], after: float) -> None:
        self.now += after
        history = self.history
        history.seq += 1
        history.mark(self.now)
        for metric, count in metrics.items():
            series = Series(f"m{metric}")
            record = history.records.get(series) or history.add(series, None)
            values = [float(self.total + n) for n in range(count)]
            history.append(record, [self.now] * count, values, self.now)
            self.accepted.setdefault(record, []).extend((self.now, value) for value in values)
            self.total += count

    @rule(after=st.sampled_from([0.0, 1.0, 5.0]))
    def sweep(self, after: float) -> None:
        self.now += after
        before = {record: len(record.ring) for record in self.history.records.values()}
        over = self.history.over_budget
        forgotten = self.history.sweep(self.now)
        assert not self.history.over_budget
        for record in forgotten:
            assert not len(record.ring) and record.updated < self.now - self.age_s
            assert self.history.lost_seq >= record.ring.evicted_seq
        young = [r for r in before if all(now >= self.now - self.age_s for now, _ in self.held(r, before[r]))]
        assert over or all(len(record.ring) == before[record] for record in young)

    @rule()
    def everything_ages(self) -> None:
        """Twice, since what came less than a second before a mark goes with the next."""
        for _ in range(2):
            self.now += self.age_s + 1.1
            self.history.sweep(self.now)
        assert self.history.statistics().samples == 0
        assert not self.history.records

    def held(self, record: Record, count: int) -> list[tuple[float, float]]:
        return self.accepted[record][len(self.accepted[record]) - count :]

    @invariant()
    def figures(self) -> None:
        if not hasattr(self, "history"):
            return
        records = self.history.records.values()
        statistics = self.history.statistics()
        assert statistics.series == len(records)
        assert statistics.samples == sum(len(record.ring) for record in records)
        assert statistics.bytes == sum(record.ring.bytes for record in records)
        assert statistics.evicted_samples == self.total - statistics.samples
        for record in records:
            ring = record.ring
            assert len(ring) <= self.points
            held = self.held(record, len(ring)) if len(ring) else []
            assert ring.slice(ring.first_index, ring.end_index)[1] == [value for _, value in held]


TestHistory = HistoryMachine.TestCase
TestHistory.settings = MACHINE


def test_the_columns_of_many_series_keep_to_the_bound() -> None:
    """All together, with the evicted ones that are not given back yet."""
    kept = history(points=10**6, age_s=1e6, bytes_max=40_000 * NUMBER_BYTES)
    records = [kept.add(Series(f"m{number}"), None) for number in range(10)]
    most = 0
    for _ in range(1_000):
        kept.seq += 1
        for record in records:
            kept.append(record, [0.0] * 10, [1.0] * 10, 0.0)
        if kept.over_budget:
            kept.sweep(0.0)
        most = max(most, sum(record.ring.end_index - record.ring.base for record in records))
    assert 39_000 <= most <= 40_000 * 8 / 7 + 10


def test_eviction_by_memory_takes_the_oldest_batches_of_all_series() -> None:
    kept = history(bytes_max=10 * NUMBER_BYTES)
    a, b = kept.add(Series("a"), None), kept.add(Series("b"), None)
    for number in range(6):
        accept(kept, a, [float(number)])
        accept(kept, b, [float(number)])
    assert kept.over_budget
    kept.sweep(0.0)
    assert (a.ring.slice(0, 9)[1], b.ring.slice(0, 9)[1]) == ([2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0])


def test_what_came_last_ages_too() -> None:
    kept = history(age_s=10.0)
    record = kept.add(Series("a"), None)
    accept(kept, record, [1.0], now=100.0)
    accept(kept, record, [2.0], now=100.5)  # within a second of the last mark
    for now in (101.5, 111.0, 112.0):
        kept.sweep(now)
    assert not len(record.ring)


def test_resume_is_possible_while_every_later_batch_is_held() -> None:
    kept = history(points=3)
    record, other = kept.add(Series("a"), None), kept.add(Series("b"), None)
    for number in range(5):
        accept(kept, record, [float(number)])
    assert [kept.holds_after([record], seq) for seq in range(6)] == [False, False, True, True, True, True]
    assert kept.holds_after([other], 0)


def test_no_resume_from_before_a_forgotten_series() -> None:
    kept = history(age_s=5.0)
    accept(kept, kept.add(Series("a"), None), [1.0], now=100.0)
    other = kept.add(Series("b"), None)
    accept(kept, other, [1.0], now=110.0)
    assert kept.holds_after([other], 0)
    assert [record.series.metric for record in kept.sweep(110.0)] == ["a"]
    assert [kept.holds_after([other], seq) for seq in (0, 1)] == [False, True]
    assert kept.statistics().expired_series == 1


def test_a_series_is_described_by_what_was_said_last() -> None:
    record = history().add(Series("a", (("k", "v"),)), "counter")
    assert record.describe(None, "B", None)
    assert not record.describe("counter", "B", None)
    assert record.describe(None, None, "bytes")
    described = {"key": 1, "metric": "a", "tags": {"k": "v"}, "unit": "B", "kind": "counter", "help": "bytes"}
    assert record.descriptor() == described


def test_keys_are_unique_and_kinds_known() -> None:
    kept = history(series_max=2)
    a = kept.add(Series("a"), "event")
    assert not kept.full
    b = kept.add(Series("b"), None)
    assert kept.full
    assert (a.key, b.key) == (1, 2)
    assert [kept.kind_of(Series(metric)) for metric in "abc"] == ["event", "gauge", None]


@pytest.mark.parametrize("points", [0, 1])
def test_few_points(points: int) -> None:
    kept = history(points=points)
    record = kept.add(Series("a"), None)
    accept(kept, record, [1.0, 2.0, 3.0])
    assert len(record.ring) == points
    assert kept.statistics().evicted_samples == 3 - points


def of_many(series: int, batches: int, points: int = 10**6, bytes_max: int = 10**6) -> History:
    """Each batch has a sample of each, which is its seq, all of them at 0.0."""
    kept = history(points=points, bytes_max=bytes_max, series_max=10**6)
    records = [kept.add(Series(f"m{number}"), None) for number in range(series)]
    for _ in range(batches):
        kept.seq += 1
        for record in records:
            kept.append(record, [0.0], [float(kept.seq)], 0.0)
    kept.mark(0.0)
    return kept


class Evictions:
    """How often rings were told to evict."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        evict = Ring.evict

        def counted(ring: Ring, count: int) -> int:
            self.count += 1
            return evict(ring, count)

        monkeypatch.setattr(Ring, "evict", counted)


def firsts(kept: History) -> set[int]:
    return {record.ring.first_seq for record in kept.records.values()}


def test_a_sweep_of_many_series_looks_at_few_in_a_turn_and_at_none_if_nothing_is_to_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, evictions = of_many(1_000, 20), Evictions(monkeypatch)
    kept.sweep(5.0)
    assert (evictions.count, kept.swept) == (0, True)
    kept.bound(10**6, 10.0, 15_000 * NUMBER_BYTES, 10**6)
    turns = 1
    while kept.sweep(5.0, 50) or not kept.swept:
        turns += 1
        assert evictions.count <= 50 * turns
    assert evictions.count == 1_000
    assert firsts(kept) == {8}  # 13,000 are left, of 13,500 that may be
    turns = forgotten = 0
    while not kept.swept or not turns:
        forgotten += len(kept.sweep(20.0, 50))
        turns += 1
    assert (forgotten, len(kept.records)) == (1_000, 0)
    assert turns >= (1_000 + 1_000 * FORGET_LOOKS) / 50


def test_room_is_made_by_the_oldest_of_few_series_each_time() -> None:
    """And at the end all of them lost the same."""
    kept = of_many(100, 20, bytes_max=2_000 * NUMBER_BYTES)
    records = list(kept.records.values())
    for seq in range(21, 24):
        kept.seq += 1
        for record in records[:50]:
            kept.append(record, [0.0], [float(seq)], 0.0)
        assert kept.over_budget
        kept.make_room(1_000)
        assert not kept.over_budget
        assert firsts(kept) <= {1, 4}
    kept.sweep(0.0)
    assert firsts(kept) == {5}
    assert kept.statistics().bytes <= 1_800 * NUMBER_BYTES


def test_to_make_room_no_more_series_are_looked_at_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, evictions = of_many(100, 2, bytes_max=100 * NUMBER_BYTES), Evictions(monkeypatch)
    kept.make_room(30)
    assert evictions.count == 30
    assert kept.over_budget
    kept.make_room(100)
    assert not kept.over_budget


def test_what_is_gone_by_points_frees_nothing_again() -> None:
    """Of the batches that came with most bytes nothing is left: more of the later ones have to go, and no more."""
    kept = history(points=10, bytes_max=60 * NUMBER_BYTES)
    fast, slow = kept.add(Series("fast"), None), kept.add(Series("slow"), None)
    for number in range(500):
        accept(kept, fast, [float(number)])
        if number % 10 == 0:
            accept(kept, slow, [float(number)])
    kept.bound(100, 1e6, 60 * NUMBER_BYTES, 10)
    for number in range(42):
        accept(kept, slow, [float(number)])
    assert kept.over_budget
    kept.sweep(0.0)
    assert (len(fast.ring), len(slow.ring)) == (10, 44)


def test_strides_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "STRIDES_MAX", 8)
    kept = of_many(1, 2_000, points=4, bytes_max=1_000)
    assert len(kept._strides) <= 8
    kept.bound(10**6, 1e6, 50, 10)
    kept.sweep(0.0)
    assert not kept.over_budget


def test_a_series_that_awaits_its_samples_is_not_forgotten() -> None:
    kept = history(age_s=10.0)
    a, b = kept.add(Series("a"), None), kept.add(Series("b"), None)
    assert kept.sweep(100.0, awaited=lambda record: record is a) == [b]
    assert kept.sweep(105.0) == []
    assert kept.sweep(111.0) == [a]


def test_who_still_needs_what_is_to_go_is_told_before_and_nobody_else() -> None:
    kept = history(points=2)
    record, heard = kept.add(Series("a"), None), list[tuple[str, int, int]]()

    def listener(name: str) -> Callable[[Record], None]:
        return lambda record: heard.append((name, record.ring.first_seq, kept.seq))

    early, late = listener("early"), listener("late")
    kept.tell_before_eviction(early, 1)
    kept.tell_before_eviction(late, 3)
    for number in range(6):
        accept(kept, record, [float(number)])
        if kept.seq == 5:
            kept.tell_no_more(early)
    assert heard == [("early", 2, 4), ("early", 3, 5), ("late", 4, 6)]
    kept.tell_no_more(late)
    accept(kept, record, [6.0])
    assert len(heard) == 3


def test_when_enough_goes_by_age_nothing_goes_by_memory() -> None:
    kept = history(age_s=10.0, bytes_max=20 * NUMBER_BYTES)
    record = kept.add(Series("a"), None)
    for now in (0.0, 8.0, 9.5):
        accept(kept, record, [1.0] * (2 if now == 0.0 else 10), now)
    assert kept.over_budget
    kept.sweep(11.0)
    assert len(record.ring) == 20
