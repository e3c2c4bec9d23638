"""What a subscriber may have missed: a ring of samples a series, and the epoch and seq they are counted by. Pure."""

import itertools
import math
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from broadcaster.agenda import NEVER, Agenda
from broadcaster.ring import Ring
from ingest.samples import Kind, Series, Value

KEPT = 0.9  # of the bytes allowed, once they are reached: then each series that is looked at gives many samples
STRIDES = 256  # how exactly is known which batch came with which byte, in parts of the bytes allowed
STRIDES_MAX = 1_024
FORGET_LOOKS = 4  # forgetting a series takes as long as looking at so many


class Record:
    """All that is known of one series: its identity, its description and its ring."""

    __slots__ = ("help", "idle", "key", "kind", "queued", "ring", "series", "unit", "updated")

    def __init__(self, key: int, series: Series, kind: Kind) -> None:
        self.key = key
        self.series = series
        self.kind: Kind = kind
        self.unit: str | None = None
        self.help: str | None = None
        self.ring = Ring(text=kind == "event")
        self.updated = 0.0
        self.queued = self.idle = False  # where the history looks for it: for old samples, and when it has none

    def descriptor(self) -> dict[str, Any]:
        series = self.series
        return {
            "key": self.key, "metric": series.metric, "tags": dict(series.tags),
            "unit": self.unit, "kind": self.kind, "help": self.help,
        }  # fmt: skip

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
        self._seq = 0  # of what was appended last
        self._appended = self._gone = 0  # bytes since the start
        self._strides: list[tuple[int, int]] = []  # batches, and how many bytes were appended up to them
        self._swept_bytes = 0  # were appended up to the batch that the last stride ended with
        self._oldest: Agenda[Record] = Agenda()  # of each series with samples the first batch, or one before it
        self._cut = 0  # what came up to this batch is to go
        self._freeing = False  # more than the bytes allowed were reached
        self._idle: list[tuple[float, int, Record]] = []  # a heap of those without samples, by when they were updated
        self._idle_count = itertools.count()
        self.swept = True
        self._samples = 0
        self._evicted = 0
        self._expired = 0
        self._event_series = 0
        self.lost_seq = 0  # the newest batch of a series that is forgotten altogether
        self._told: dict[Callable[[Record], None], int] = {}  # of samples that are to go, if they came after this batch
        self._told_after = NEVER  # the lowest, or below that
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
        self._rest(record)
        return record

    def _rest(self, record: Record) -> None:
        """It has no samples."""
        if not record.idle:
            record.idle = True
            heappush(self._idle, (record.updated, next(self._idle_count), record))

    def go_on(self, epoch: str, seq: int, next_key: int) -> None:
        """From here on, as it was stored."""
        self.epoch, self.seq, self._keys = epoch, seq, itertools.count(next_key)

    def append(self, record: Record, times: Sequence[float], values: Sequence[Value], now: float) -> None:
        """Puts samples of the batch `seq` into the ring of their series."""
        ring, seq = record.ring, self.seq
        if seq != self._seq:
            self._begin_batch(seq)
        if not record.queued:
            record.queued = True
            self._oldest.put(record, seq)
        self._appended += ring.append(seq, times, values)
        self._samples += len(times)
        record.updated = now
        if (over := ring.held - self._points) > 0:
            self._evict(record, over)
            if not ring.held:
                self._rest(record)

    def _begin_batch(self, seq: int) -> None:
        before, self._seq = self._seq, seq
        noted = self._strides[-1][1] if self._strides else self._swept_bytes
        if self._appended - noted >= self._bytes_max // STRIDES:
            self._strides.append((before, self._appended))
            if len(self._strides) > STRIDES_MAX:
                del self._strides[::2]

    def _evict(self, record: Record, count: int) -> None:
        ring = record.ring
        if self._told and ring.held and count > 0:
            self._tell(record, ring.seq_at(ring.first_index + min(count, ring.held) - 1))
        before = ring.text_bytes
        evicted = ring.evict(count)
        self._gone += evicted * ring.sample_bytes + before - ring.text_bytes
        self._samples -= evicted
        self._evicted += evicted

    def tell_before_eviction(self, told: Callable[[Record], None], after: int) -> None:
        """Calls it with each series of which samples are about to go that came after this batch."""
        self._told[told] = after
        self._told_after = min(self._told_after, after)

    def tell_no_more(self, told: Callable[[Record], None]) -> None:
        self._told.pop(told, None)

    def _tell(self, record: Record, seq: int) -> None:
        if seq > self._told_after:
            self._told_after = min(self._told.values())
            for told, after in self._told.items() if seq > self._told_after else ():
                if seq > after:
                    told(record)

    def mark(self, now: float) -> None:
        """Notes which seq was reached when, for eviction by age."""
        if self.seq > self._marked_seq and (not self._marks or now - self._marks[-1][0] >= 1.0):
            self._marks.append((now, self.seq))
            self._marked_seq = self.seq

    def sweep(
        self, now: float, looks: float = math.inf, awaited: Callable[[Record], bool] = lambda record: False
    ) -> list[Record]:
        """Evicts by age and by memory, the oldest first; returns the records of series that are forgotten altogether.

        Those are silent for long, have no samples, and are not `awaited` with some. It looks at so many series, and
        `swept` tells if these were enough.
        """
        self.mark(now)  # what came after the last mark, should nothing follow it
        while self._marks and self._marks[0][0] < now - self._age_s:
            self._cut = max(self._cut, self._marks.popleft()[1])
        while looks > 0 and self._has_more():
            self._evict_next()
            looks -= 1
        forgotten = list[Record]()
        while looks > 0 and self._idle and self._idle[0][0] < now - self._age_s:
            looks -= 1
            if (record := self._idle_for(now, awaited)) is not None:
                self._forget(record)
                forgotten.append(record)
                looks -= FORGET_LOOKS
        self.swept = looks > 0
        return forgotten

    def _idle_for(self, now: float, awaited: Callable[[Record], bool]) -> Record | None:
        """The next that is to be forgotten, if it is."""
        record = heappop(self._idle)[2]
        record.idle = False
        if record.ring.held or self.records.get(record.series) is not record:
            return None
        if awaited(record):
            record.updated = now
        if record.updated < now - self._age_s:
            return record
        self._rest(record)
        return None

    def _forget(self, record: Record) -> None:
        del self.records[record.series]
        self.lost_seq = max(self.lost_seq, record.ring.evicted_seq)
        self._expired += 1

    @property
    def _bytes(self) -> int:
        return self._appended - self._gone

    @property
    def over_budget(self) -> bool:
        return self._appended - self._gone > self._bytes_max

    def make_room(self, looks: int) -> None:
        """Evicts the oldest samples until the memory suffices, but looks at so many series at most."""
        self._freeing = True
        while looks > 0 and self.over_budget and self._has_more():
            self._evict_next()
            looks -= 1

    def _has_more(self) -> bool:
        """There is something to go."""
        kept = int(self._bytes_max * KEPT)
        while self._oldest.first > self._cut:
            self._freeing = self.over_budget or (self._freeing and self._bytes > kept)
            if not self._freeing:
                return False
            self._cut = self._seq_that_frees(self._bytes - kept)
        return True

    def _seq_that_frees(self, wanted_bytes: int) -> int:
        """A batch up to which there are so many bytes, or fewer if some are gone already. Then it is asked again."""
        strides, base = self._strides, self._swept_bytes
        while strides and (strides[0][0] <= self._cut or strides[0][1] - base < wanted_bytes):
            seq, appended = strides.pop(0)
            if seq <= self._cut:
                base = self._swept_bytes = appended
        cut, self._swept_bytes = strides.pop(0) if strides else (self.seq, self._appended)
        return cut

    def _evict_next(self) -> None:
        """Of the series with the oldest samples those that are to go."""
        record = self._oldest.pop()
        ring = record.ring
        if ring.held:
            self._evict(record, ring.index_after(self._cut) - ring.first_index)
        if ring.held:
            self._oldest.put(record, ring.first_seq)
        else:
            record.queued = False
            self._rest(record)

    def holds_after(self, records: Sequence[Record], seq: int) -> bool:
        """True if every sample of these series that came after the batch `seq` is still held."""
        if any(last < seq < base for last, base in self.breaks):
            return False
        return self.lost_seq <= seq and all(record.ring.evicted_seq <= seq for record in records)

    def statistics(self) -> HistoryStatistics:
        return HistoryStatistics(len(self.records), self._samples, self._bytes, self._evicted, self._expired)
