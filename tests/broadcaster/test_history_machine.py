"""The history beside plain lists that evict exactly as is promised: by points, by age, by memory."""

import itertools
import math
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster.history import History, Record
from broadcaster.ring import NUMBER_BYTES, TEXT_BYTES, text_bytes
from ingest.samples import Series, Value
from tests.broadcaster.frame_parts import MACHINE

NUMBERS = st.one_of(st.none(), st.integers(-5, 5).map(float))
TEXTS = st.text("abé😀", min_size=1, max_size=9)
NAMES = ("a", "b", "c", "text")


@dataclass
class Kept:
    """One series as a list of (seq, time, value)."""

    text: bool
    held: list[tuple[int, float, Value]] = field(default_factory=list)
    appended: int = 0
    evicted_seq: int = 0
    updated: float = 0.0

    @property
    def bytes(self) -> int:
        texts = sum(text_bytes(str(value)) for _, _, value in self.held) if self.text else 0
        return len(self.held) * (TEXT_BYTES if self.text else NUMBER_BYTES) + texts

    def bytes_after(self, seq: int) -> int:
        held = [each for each in self.held if each[0] > seq]
        return Kept(self.text, held).bytes

    def evict(self, count: int) -> None:
        if count > 0:
            self.evicted_seq = self.held[count - 1][0]
            self.held = self.held[count:]

    def through(self, seq: int) -> int:
        return sum(at <= seq for at, _, _ in self.held)


class HistoryMachine(RuleBasedStateMachine):
    @initialize(
        points=st.sampled_from([0, 1, 4, 100]),
        age_s=st.sampled_from([2.0, 8.0, 1e6]),
        bytes_max=st.sampled_from([120, 600, 10**6]),
    )
    def begin(self, points: int, age_s: float, bytes_max: int) -> None:
        self.points, self.age_s, self.bytes_max = points, age_s, bytes_max
        self.history = History(points, age_s, bytes_max, 10)
        self.now = 1_000.0
        self.kept: dict[Record, Kept] = {}
        self.log: list[tuple[Record, int]] = []  # of all that were ever accepted, the series and the batch
        self.marks: list[tuple[float, int]] = []
        self.lost_seq = self.forgotten = 0

    @rule(
        columns=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 6), min_size=1),
        data=st.data(),
        after=st.sampled_from([0, 0.3, 1, 3]),
    )
    def flush(self, columns: dict[str, int], data: st.DataObject, after: float) -> None:
        self.now += after
        self.history.seq += 1
        self.mark()
        self.history.mark(self.now)
        for name, count in columns.items():
            record = self.record(name)
            values: list[Value] = [data.draw(TEXTS if name == "text" else NUMBERS) for _ in range(count)]
            times = [self.now - data.draw(st.integers(0, 2)) for _ in range(count)]
            self.history.append(record, times, values, self.now)
            mine = self.kept[record]
            mine.held += [(self.history.seq, time, value) for time, value in zip(times, values, strict=True)]
            mine.appended += count
            mine.updated = self.now
            self.log += [(record, self.history.seq)] * count
            mine.evict(len(mine.held) - self.points)

    def record(self, name: str) -> Record:
        record = self.history.records.get(Series(name))
        if record is None:
            record = self.history.add(Series(name), "event" if name == "text" else None)
            self.kept[record] = Kept(name == "text")
        return record

    def mark(self) -> None:
        """At most once a second, what was accepted up to now gets the same age."""
        seq = self.history.seq
        if seq > (self.marks[-1][1] if self.marks else 0) and (not self.marks or self.now - self.marks[-1][0] >= 1.0):
            self.marks.append((self.now, seq))

    @rule(after=st.sampled_from([0.0, 1.0, 5.0, 20.0]), looks=st.sampled_from([math.inf, 1, 3]))
    def sweep(self, after: float, looks: float) -> None:
        """At once, or in turns, which lead to the same."""
        self.now += after
        found = self.history.sweep(self.now, looks)
        while not self.history.swept:
            found += self.history.sweep(self.now, looks)
        self.mark()
        self.evict_through(max((seq for at, seq in self.marks if at < self.now - self.age_s), default=0))
        size = self.bytes
        if size > self.bytes_max:
            self.evict_through(self.seq_that_leaves(int(self.bytes_max * 0.9)))
        idle = [r for r, mine in self.kept.items() if not mine.held and mine.updated < self.now - self.age_s]
        assert set(found) == set(idle)
        assert len(found) == len(idle)
        for record in idle:
            self.lost_seq = max(self.lost_seq, self.kept.pop(record).evicted_seq)
        self.forgotten += len(idle)
        assert not self.history.over_budget

    def evict_through(self, seq: int) -> None:
        for mine in self.kept.values():
            mine.evict(mine.through(seq))

    def seq_that_leaves(self, most: int) -> int:
        """The lowest up to which all has to go, for no more bytes than so many to be held."""
        return next(
            seq for seq in itertools.count() if sum(mine.bytes_after(seq) for mine in self.kept.values()) <= most
        )

    @property
    def bytes(self) -> int:
        return sum(mine.bytes for mine in self.kept.values())

    @rule(names=st.sets(st.sampled_from(NAMES)), back=st.integers(0, 12))
    def resume(self, names: set[str], back: int) -> None:
        """It is granted only if nothing that came later of these series is gone, and always if nothing is."""
        seq = max(0, self.history.seq - back)
        records = [record for record in self.kept if record.series.metric in names]
        granted = self.history.holds_after(records, seq)
        later = {record: sum(of is record and at > seq for of, at in self.log) for record in records}
        whole = all(len(self.kept[record].held) - self.kept[record].through(seq) == later[record] for record in records)
        assert granted == (whole and self.lost_seq <= seq)

    @rule(name=st.sampled_from(NAMES), seq=st.integers(0, 60), age=st.integers(0, 20), length=st.integers(0, 20))
    def slices(self, name: str, seq: int, age: int, length: int) -> None:
        record = self.history.records.get(Series(name))
        if record is None:
            return
        ring, mine = record.ring, self.kept[record]
        first = mine.appended - len(mine.held)
        assert ring.index_after(seq) == first + mine.through(seq)
        since = next((at for at, (_, time, _) in enumerate(mine.held) if time >= self.now - age), len(mine.held))
        assert ring.index_since(self.now - age) == first + since
        start = ring.index_after(seq)
        times, values = ring.slice(start, start + length)
        expected = [(time, value) for _, time, value in mine.held[start - first : start - first + length]]
        assert list(zip(times, map(plain, values), strict=True)) == expected

    @invariant()
    def figures(self) -> None:
        if not hasattr(self, "history"):
            return
        assert list(self.history.records.values()) == list(self.kept)
        found = self.history.statistics()
        samples = sum(len(mine.held) for mine in self.kept.values())
        assert (found.series, found.samples, found.bytes) == (len(self.kept), samples, self.bytes)
        assert (found.evicted_samples, found.expired_series) == (len(self.log) - samples, self.forgotten)
        assert self.history.lost_seq == self.lost_seq
        for record, mine in self.kept.items():
            assert len(record.ring) == len(mine.held) <= self.points
            assert (record.ring.evicted_seq, record.ring.end_index) == (mine.evicted_seq, mine.appended)


def plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


TestHistory = HistoryMachine.TestCase
TestHistory.settings = MACHINE
