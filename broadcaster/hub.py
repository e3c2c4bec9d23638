"""From publishers to subscribers: one synchronous pass that never waits for anybody.

Publishing only collects. A flush gives what was collected the next seq, puts it into the history, encodes each series
once, joins one message an audience and hands every member the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broadcaster import messages
from broadcaster.frames import text_frame
from broadcaster.history import History, Record
from broadcaster.selection import Selection, selects
from ingest.samples import Entry, SampleError, Value

FLUSH_SAMPLES = 10_000  # bounds a message to subscribers: about 50 bytes a sample
EVENT_WEIGHT = 50  # characters of an event's text that count as one sample


@dataclass(frozen=True, slots=True)
class Batch:
    """One `samples` message of an audience: the bytes are shared by its members."""

    seq: int
    prev: int
    samples: int
    frame: bytes
    newest: dict[Record, tuple[float, Value]]


class Member(Protocol):
    """Who is delivered to. Neither waits nor raises."""

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        """A batch, which may be dropped and then is announced. `preface`: a `series` message that goes before it."""


Deliver = Callable[[Batch, bytes | None], None]


class Inspector(Protocol):
    """Who sees every batch before anybody is delivered to. Neither waits nor raises, nor publishes meanwhile."""

    def appeared(self, record: Record, now: float) -> None:
        """A series that is new."""

    def forgotten(self, record: Record, now: float) -> None: ...

    def inspect(self, columns: Mapping[Record, tuple[Sequence[float], Sequence[Value]]], now: float) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What a connection wants: the union of its subscriptions, no oftener than `max_rate` batches a second."""

    selection: Selection
    max_rate: float | None
    allows: Callable[[str], bool] | None  # by metric; None: everything
    scope: object = None  # tells grants apart: connections of different grants share no audience

    @property
    def key(self) -> tuple[object, ...]:
        return self.selection, self.max_rate, self.scope

    def wants(self, record: Record) -> bool:
        series = record.series
        return (self.allows is None or self.allows(series.metric)) and selects(self.selection, series)


class Audience:
    """Members with the same wish, and what was collected for them since their last batch."""

    __slots__ = ("columns", "due", "last_seq", "members", "records", "undescribed", "wish")

    def __init__(self, wish: Wish, seq: int) -> None:
        self.wish = wish
        self.members: dict[Member, None] = {}
        self.records: dict[Record, None] = {}
        self.last_seq = seq  # the chain: `prev` of the next batch
        self.columns: dict[Record, tuple[Sequence[float], Sequence[Value], bytes | None]] = {}
        self.undescribed: dict[Record, None] = {}
        self.due = 0.0

    def add(self, record: Record, times: Sequence[float], values: Sequence[Value], fragment: bytes) -> None:
        waiting = self.columns.get(record)
        if waiting is None:
            self.columns[record] = times, values, fragment
        else:
            self.columns[record] = [*waiting[0], *times], [*waiting[1], *values], None

    def end(self, record: Record) -> int:
        """The index behind what the members were sent of the record, whether that is still held or not."""
        waiting = self.columns.get(record)
        return record.ring.end_index - (len(waiting[0]) if waiting else 0)

    def take(self, epoch: str, seq: int) -> tuple[Batch, bytes | None]:
        """The batch of what was collected, and its preface."""
        columns, self.columns = self.columns, {}
        described, self.undescribed = self.undescribed, {}
        fragments = [
            fragment or messages.fragment(record.key, times, values)
            for record, (times, values, fragment) in columns.items()
        ]
        newest = {record: (times[-1], values[-1]) for record, (times, values, _) in columns.items()}
        frame = text_frame(messages.samples(epoch, seq, self.last_seq, fragments))
        batch = Batch(seq, self.last_seq, sum(len(column[0]) for column in columns.values()), frame, newest)
        self.last_seq = seq
        preface = messages.series(record.descriptor() for record in described) if described else None
        return batch, preface


class Hub:
    """All series, all audiences, and what waits for the next flush. Times are seconds of a steady clock."""

    def __init__(self, history: History, on_pending: Callable[[], None] = lambda: None) -> None:
        self.history = history
        self.on_pending = on_pending
        self.inspector: Inspector | None = None
        self.accepted_samples = 0
        self.batches = 0
        self._audiences: dict[tuple[object, ...], Audience] = {}
        self._watchers: dict[Record, list[Audience]] = {}
        self._pending: dict[Record, tuple[list[Any], list[Any]]] = {}
        self._weight = 0
        self._throttled: dict[Audience, None] = {}

    @property
    def audiences(self) -> int:
        return len(self._audiences)

    def publish(self, entries: Sequence[Entry], now: float) -> list[tuple[Entry, SampleError]]:
        """Takes entries, and their columns with them, for the next flush.

        Returns those refused because there are too many series.
        """
        refused: list[tuple[Entry, SampleError]] = []
        records = self.history.records
        for entry in entries:
            record = records.get(entry.series)
            if record is None:
                if self.history.full:
                    refused.append((entry, self._too_many()))
                    continue
                record = self._add(entry, now)
            record.updated = now  # so that no sweep forgets it before its samples are flushed
            if (entry.unit or entry.kind or entry.help) and record.describe(entry.kind, entry.unit, entry.help):
                self._redescribe(record)
            times, values = entry.times, entry.values
            weight = len(times)
            if not weight:
                continue
            self.accepted_samples += weight
            if record.kind == "event":
                weight += sum(map(len, values)) // EVENT_WEIGHT  # type: ignore[arg-type]
            if self._weight and self._weight + weight > FLUSH_SAMPLES:
                self.flush(now)
            self._weight += weight
            pending = self._pending.get(record)
            if pending is None:
                self._pending[record] = (
                    times if type(times) is list else list(times),
                    values if type(values) is list else list(values),
                )
            else:
                pending[0].extend(times)
                pending[1].extend(values)
        if self._pending:
            self.on_pending()
        return refused

    def _too_many(self) -> SampleError:
        return SampleError("too_many_series", "metric", f"at most {len(self.history.records)} series at once")

    def _add(self, entry: Entry, now: float) -> Record:
        record = self.history.add(entry.series, entry.kind)
        record.describe(entry.kind, entry.unit, entry.help)
        self._watchers[record] = []
        for audience in self._audiences.values():
            if audience.wish.wants(record):
                self._watch(audience, record)
        self._redescribe(record)
        if self.inspector is not None:
            self.inspector.appeared(record, now)
        return record

    def _watch(self, audience: Audience, record: Record) -> None:
        self._watchers[record].append(audience)
        audience.records[record] = None

    def _redescribe(self, record: Record) -> None:
        for audience in self._watchers[record]:
            audience.undescribed[record] = None

    def flush(self, now: float) -> None:
        """Gives what was collected the next seq and delivers it."""
        pending, self._pending, self._weight = self._pending, {}, 0
        if not pending:
            return
        history = self.history
        history.seq += 1
        history.mark(now)
        self.batches += 1
        touched: dict[Audience, None] = {}
        for record, (times, values) in pending.items():
            history.append(record, times, values, now)
            if watchers := self._watchers[record]:
                fragment = messages.fragment(record.key, times, values)
                for audience in watchers:
                    audience.add(record, times, values, fragment)
                    touched[audience] = None
        if self.inspector is not None:
            self.inspector.inspect(pending, now)
        for audience in touched:
            if audience.wish.max_rate is None or now >= audience.due:
                self._emit(audience, now)
            else:
                self._throttled[audience] = None
        if history.over_budget:
            self.sweep(now)

    def flush_due(self, now: float) -> float | None:
        """Delivers to throttled audiences whose time has come; returns when the next one's will."""
        for audience in [audience for audience in self._throttled if now >= audience.due]:
            self._emit(audience, now)
        return min((audience.due for audience in self._throttled), default=None)

    def _emit(self, audience: Audience, now: float) -> None:
        self._throttled.pop(audience, None)
        if audience.wish.max_rate is not None:
            audience.due = now + 1 / audience.wish.max_rate
        batch, preface = audience.take(self.history.epoch, self.history.seq)
        for member in list(audience.members):
            member.deliver(batch, preface)

    def sweep(self, now: float) -> None:
        """Evicts old history and forgets series that were silent for long."""
        for record in self.history.sweep(now):
            if record in self._pending:
                self.history.records[record.series] = record
            else:
                for audience in self._watchers.pop(record):
                    del audience.records[record]
                if self.inspector is not None:
                    self.inspector.forgotten(record, now)

    def join(self, member: Member, wish: Wish, now: float) -> Audience:
        """Makes the member one of the audience of its wish; its chain begins at the audience's `last_seq`."""
        audience = self._audiences.get(wish.key)
        if audience is None:
            audience = self._audiences[wish.key] = Audience(wish, self.history.seq)
            for record in self.select(wish):
                self._watch(audience, record)
        elif audience.columns:
            self._emit(audience, now)
        audience.members[member] = None
        return audience

    def leave(self, member: Member, audience: Audience, now: float) -> None:
        """The member's last batch of this audience is delivered before."""
        if audience.columns:
            self._emit(audience, now)
        audience.members.pop(member, None)
        if not audience.members and self._audiences.get(audience.wish.key) is audience:
            del self._audiences[audience.wish.key]
            self._throttled.pop(audience, None)
            for record in audience.records:
                if record in self._watchers:
                    self._watchers[record].remove(audience)

    def select(self, wish: Wish) -> list[Record]:
        return [record for record in self.history.records.values() if wish.wants(record)]
