"""What a subscriber may have missed: a ring of samples a series, and the epoch and seq they are counted by. Pure."""

import itertools
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from broadcaster.ring import Ring
from ingest.samples import Kind, Series, Value


class Record:
    """All that is known of one series: its identity, its description and its ring."""

    __slots__ = ("help", "key", "kind", "ring", "series", "unit", "updated")

    def __init__(self, key: int, series: Series, kind: Kind) -> None:
        self.key = key
        self.series = series
        self.kind: Kind = kind
        self.unit: str | None = None
        self.help: str | None = None
        self.ring = Ring(text=kind == "event")
        self.updated = 0.0

    def descriptor(self) -> dict[str, Any]:
        tags = dict(self.series.tags)
        description = {"unit": self.unit, "kind": self.kind, "help": self.help}
        return {"key": self.key, "metric": self.series.metric, "tags": tags, **description}

    def describe(self, kind: Kind | None, unit: str | None, help: str | None) -> bool:
        """Takes over what an entry says of its series; True if that changed the description."""
        before = (self.kind, self.unit, self.help)
        self.kind, self.unit, self.help = kind or self.kind, unit or self.unit, help or self.help
        return before != (self.kind, self.unit, self.help)


@dataclass(frozen=True, slots=True)
class HistoryStatistics:
    """How full the history is, and what it let go since the start."""

    series: int
    samples: int
    bytes: int
    evicted_samples: int
    expired_series: int


class History:
    """The rings of all series, bounded in points a series, age and bytes."""

    def __init__(self, points: int, age_s: float, bytes_max: int, series_max: int) -> None:
        self.bound(points, age_s, bytes_max, series_max)
        self.epoch = uuid.uuid4().hex[:16]
        self.seq = 0
        self.records: dict[Series, Record] = {}
        self._keys = itertools.count(1)
        self._marks: deque[tuple[float, int]] = deque()  # (time of receipt, seq), at most one a second
        self._marked_seq = 0
        self._bytes = 0
        self._samples = 0
        self._evicted = 0
        self._expired = 0
        self._event_series = 0
        self.lost_seq = 0  # the newest batch of a series that is forgotten altogether
        self.before_eviction: set[Callable[[Record], None]] = set()  # each is told of the series
        self.breaks: tuple[tuple[int, int], ...] = ()  # (last, base): numbers between were another life's, now lost

    def bound(self, points: int, age_s: float, bytes_max: int, series_max: int) -> None:
        """From now on; what is over the new bounds goes when something comes, or with the next sweep."""
        self._points = points
        self._age_s = age_s
        self._bytes_max = bytes_max
        self._series_max = series_max

    def kind_of(self, series: Series) -> Kind | None:
        record = self.records.get(series)
        return record.kind if record else None

    def event_series(self) -> int:
        """How many series of events there ever were."""
        return self._event_series

    @property
    def full(self) -> bool:
        return len(self.records) >= self._series_max

    def add(self, series: Series, kind: Kind | None) -> Record:
        return self.revive(next(self._keys), series, kind)

    def revive(self, key: int, series: Series, kind: Kind | None) -> Record:
        """A series that has its key already."""
        record = self.records[series] = Record(key, series, kind or "gauge")
        self._event_series += kind == "event"
        return record

    def go_on(self, epoch: str, seq: int, next_key: int) -> None:
        """From here on, as it was stored."""
        self.epoch, self.seq, self._keys = epoch, seq, itertools.count(next_key)

    def append(self, record: Record, times: Sequence[float], values: Sequence[Value], now: float) -> None:
        """Puts samples of the batch `seq` into the ring of their series."""
        ring, count = record.ring, len(times)
        before = ring.text_bytes
        ring.append(self.seq, times, values)
        self._samples += count
        record.updated = now
        if (over := ring.held - self._points) > 0:
            evicted = self._evict(record, over)
            count -= evicted
        self._bytes += count * ring.sample_bytes + ring.text_bytes - before

    def _evict(self, record: Record, count: int) -> int:
        if self.before_eviction:
            for told in self.before_eviction:
                told(record)
        evicted = record.ring.evict(count)
        self._samples -= evicted
        self._evicted += evicted
        return evicted

    def mark(self, now: float) -> None:
        """Notes which seq was reached when, for eviction by age."""
        if self.seq > self._marked_seq and (not self._marks or now - self._marks[-1][0] >= 1.0):
            self._marks.append((now, self.seq))
            self._marked_seq = self.seq

    def sweep(self, now: float) -> list[Record]:
        """Evicts by age and by memory; returns the records of series that are forgotten altogether."""
        self.mark(now)  # what came after the last mark, should nothing follow it
        cut = 0
        while self._marks and self._marks[0][0] < now - self._age_s:
            cut = self._marks.popleft()[1]
        if cut:
            self._evict_through(cut)
        if self._bytes > self._bytes_max:
            self._evict_through(self._seq_that_frees(self._bytes - int(self._bytes_max * 0.9)))
        idle = [r for r in self.records.values() if not len(r.ring) and r.updated < now - self._age_s]
        for record in idle:
            del self.records[record.series]
            self.lost_seq = max(self.lost_seq, record.ring.evicted_seq)
        self._expired += len(idle)
        return idle

    @property
    def over_budget(self) -> bool:
        return self._bytes > self._bytes_max

    def _evict_through(self, seq: int) -> None:
        for record in self.records.values():
            ring = record.ring
            if len(ring) and ring.first_seq <= seq:
                before = ring.bytes
                self._evict(record, ring.index_after(seq) - ring.first_index)
                self._bytes += ring.bytes - before

    def _seq_that_frees(self, wanted_bytes: int) -> int:
        """The lowest seq whose eviction frees so many bytes, by bisection over all rings."""
        low, high = 0, self.seq
        while low < high:
            middle = (low + high) // 2
            if self._bytes_through(middle) >= wanted_bytes:
                high = middle
            else:
                low = middle + 1
        return low

    def _bytes_through(self, seq: int) -> int:
        total = 0
        for record in self.records.values():
            ring = record.ring
            if held := len(ring):
                total += ring.bytes * (ring.index_after(seq) - ring.first_index) // held
        return total

    def holds_after(self, records: Sequence[Record], seq: int) -> bool:
        """True if every sample of these series that came after the batch `seq` is still held."""
        if any(last < seq < base for last, base in self.breaks):
            return False
        return self.lost_seq <= seq and all(record.ring.evicted_seq <= seq for record in records)

    def statistics(self) -> HistoryStatistics:
        return HistoryStatistics(len(self.records), self._samples, self._bytes, self._evicted, self._expired)
