"""The history beside naive lists."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster.history import History, Record
from broadcaster.ring import NUMBER_BYTES
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
