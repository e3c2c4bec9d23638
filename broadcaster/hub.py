"""From publishers to subscribers: one synchronous pass that never waits for anybody.

Publishing only notes. Collecting gives what was noted the next seq, puts it into the history and encodes each series
once. Then each section of each audience is served: one message is joined, and every member is handed the same bytes.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from broadcaster import messages
from broadcaster.audience import Audience, Column, Member, Section, Wish
from broadcaster.delay_queue import DelayQueue
from broadcaster.history import History, Record
from broadcaster.search import Searches
from broadcaster.selection_index import SelectionIndex
from ingest.samples import Entry, SampleError, Value

FLUSH_SAMPLES = 10_000  # bounds a message to subscribers: about 50 bytes a sample
MEMBER_BYTES = (
    8_192  # take as long to be put together as one more member to be served, or a few times as long if merged
)
ROOM_LOOKS = 500  # for each batch, beside two for each of its series, should the history be full
EVENT_WEIGHT = 50  # characters of an event's text that count as one sample


class Inspector(Protocol):
    """Who sees every batch before anybody is delivered to. Neither waits nor raises, nor publishes meanwhile."""

    def appeared(self, record: Record, now: float) -> None:
        """A series that is new."""

    def forgotten(self, record: Record, now: float) -> None: ...

    def inspect(self, columns: Mapping[Record, tuple[Sequence[float], Sequence[Value]]], now: float) -> None: ...


class Recorder(Protocol):
    """Who stores every batch. Neither waits nor raises, nor publishes meanwhile."""

    def described(self, record: Record) -> None:
        """A series that is new, or described otherwise than before."""

    def forgotten(self, record: Record) -> None: ...

    def accepted(self, seq: int) -> None:
        """Something was, and goes into this batch."""

    def record(
        self, seq: int, columns: Mapping[Record, tuple[Sequence[float], Sequence[Value]]], now: float, *, partial: bool
    ) -> bool:
        """Takes a batch; `partial`: a message goes on in the next. True: nobody is to see it before `Hub.release`."""


class Hub:
    """All series, all audiences, and what waits for the next flush. Times are seconds of a steady clock."""

    def __init__(self, history: History, on_pending: Callable[[], None] = lambda: None) -> None:
        self.history = history
        self.on_pending = on_pending
        self.inspector: Inspector | None = None
        self.recorder: Recorder | None = None
        self._withheld: deque[dict[Record, tuple[list[Any], list[Any]]]] = deque()  # bounded by the recorder
        self.accepted_samples = 0
        self.batches = 0
        self.served = 0  # sections, each time
        self._audiences: dict[tuple[object, ...], Audience] = {}
        self._index: SelectionIndex[Audience] = SelectionIndex()
        self._watchers: dict[Record, list[Audience]] = {}
        self.searches = Searches(self._watchers.keys())
        self._pending: dict[Record, tuple[list[Any], list[Any]]] = {}
        self._weight = 0
        self._waiting: dict[Section, None] = {}  # to be served, in this order
        self._throttled: DelayQueue[Section] = DelayQueue()  # to be served when they are due

    @property
    def audiences(self) -> int:
        return len(self._audiences)

    @property
    def pending(self) -> int:
        """About how many samples were published and not collected."""
        return self._weight

    @property
    def waiting(self) -> int:
        """How many sections there are to be served."""
        return len(self._waiting)

    def publish(
        self, entries: Sequence[Entry], now: float, refusing: Callable[[float], SampleError | None] | None = None
    ) -> list[tuple[Entry, SampleError]]:
        """Takes entries, and their columns with them, for the next flush. `refusing` is asked about each new series.

        Returns those refused because there are too many series, or too many new ones.
        """
        refused: list[tuple[Entry, SampleError]] = []
        records, begun = self.history.records, False
        for entry in entries:
            record = records.get(entry.series)
            if record is None:
                problem = self._too_many() if self.history.full else refusing(now) if refusing is not None else None
                if problem is not None:
                    refused.append((entry, problem))
                    continue
                record = self._add(entry, now)
            if (entry.kind == "event") != (record.kind == "event") and _misfits(entry):
                refused.append((entry, _another_kind(record, entry)))
                continue
            record.updated = now  # so that no sweep forgets it before its samples are flushed
            if (entry.unit or entry.kind or entry.help) and record.describe(entry.kind, entry.unit, entry.help):
                self._redescribe(record)
            times, values = entry.times, entry.values
            weight = len(times)
            if not weight:
                continue
            self.accepted_samples += weight
            if record.kind == "event":
                weight += sum(map(len, values)) // EVENT_WEIGHT  # type: ignore[arg-type]  # texts only
            if self._weight and self._weight + weight > FLUSH_SAMPLES:
                self.collect(now, partial=begun)
                self.serve(now)
            self._weight += weight
            begun = True
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
            if self.recorder is not None:
                self.recorder.accepted(self.collected_seq + 1)
            self.on_pending()
        return refused

    def _too_many(self) -> SampleError:
        return SampleError("too_many_series", "metric", f"at most {len(self.history.records)} series at once")

    def _add(self, entry: Entry, now: float) -> Record:
        record = self.history.add(entry.series, entry.kind)
        record.describe(entry.kind, entry.unit, entry.help)
        self.adopt(record, now)
        return record

    def adopt(self, record: Record, now: float) -> None:
        """A series that is in the history from now on."""
        self._watchers[record] = []
        for audience in self._index.candidates(record.series):
            if audience.wants(record):
                self._watch(audience, record)
        self.searches.appeared(record)
        self._redescribe(record)
        if self.inspector is not None:
            self.inspector.appeared(record, now)

    def _watch(self, audience: Audience, record: Record) -> None:
        self._watchers[record].append(audience)
        audience.records[record] = None

    def _redescribe(self, record: Record) -> None:
        if self.recorder is not None:
            self.recorder.described(record)
        for audience in self._watchers[record]:
            for section in audience.sections:
                section.undescribed[record] = None

    def flush(self, now: float) -> None:
        """Delivers all that was published to all who want it."""
        self.collect(now)
        self.serve(now)

    def collect(self, now: float, *, partial: bool = False) -> None:
        """Gives what was published the next seq; its audiences wait to be served.

        `partial`: the rest of a message is still to be published.
        """
        pending, self._pending, self._weight = self._pending, {}, 0
        if not pending:
            return
        recorder = self.recorder
        if recorder is not None and recorder.record(self.collected_seq + 1, pending, now, partial=partial):
            self._withheld.append(pending)
        else:
            self._take_in(pending, now)

    @property
    def collected_seq(self) -> int:
        """The newest batch, be it withheld or not."""
        return self.history.seq + len(self._withheld)

    def release(self, batches: int, now: float) -> None:
        """So many of the batches that were withheld are taken in; their audiences wait to be served."""
        for _ in range(batches):
            self._take_in(self._withheld.popleft(), now)
        self.on_pending()

    def _take_in(self, pending: dict[Record, tuple[list[Any], list[Any]]], now: float) -> None:
        history = self.history
        history.seq += 1
        history.mark(now)
        self.batches += 1
        touched: dict[Audience, dict[Record, Column]] = {}
        for record, (times, values) in pending.items():
            history.append(record, times, values, now)
            if watchers := self._watchers[record]:
                column = times, values, messages.fragment(record.key, times, values)
                for audience in watchers:
                    columns = touched.get(audience)
                    if columns is None:
                        columns = touched[audience] = {}
                    columns[record] = column
        if self.inspector is not None:
            self.inspector.inspect(pending, now)
        for audience, columns in touched.items():
            audience.collect(history.seq, columns)
            for section in audience.sections:
                if audience.wish.max_rate is not None and now < section.due and not audience.full:
                    self._throttled.add(section)
                else:
                    self._waiting[section] = None
        if history.over_budget:
            history.make_room(ROOM_LOOKS + 2 * len(pending))

    def serve(self, now: float, members: float = math.inf) -> int:
        """Delivers to the sections that wait, until about so many members were served. Returns how many sections."""
        served = 0
        while self._waiting and members > 0:
            members -= self._emit(next(iter(self._waiting)), now)
            served += 1
        return served

    def flush_due(self, now: float, members: float = math.inf) -> float | None:
        """Delivers to throttled sections whose time has come, as `serve` does; returns when the next one's will."""
        for section in self._throttled.pop_due(now):
            members -= self._emit(section, now)
            if members <= 0:
                break
        return self._throttled.next_due()

    def _emit(self, section: Section, now: float) -> int:
        """Returns what it took, in members: so many were served, or were as many bytes put together."""
        self.served += 1
        self._waiting.pop(section, None)
        self._throttled.discard(section)
        max_rate = section.audience.wish.max_rate
        if max_rate is not None:
            section.due = now + 1 / max_rate
        return max(len(section.members), section.emit(self.history.epoch, self.history.seq) // MEMBER_BYTES)

    def sweep(self, now: float, looks: float = math.inf) -> bool:
        """Evicts old history and forgets series that were silent for long. False: so many looks were not enough."""
        for record in self.history.sweep(now, looks, self._is_awaited):
            for audience in self._watchers.pop(record):
                del audience.records[record]
            self.searches.forgotten(record)
            if self.inspector is not None:
                self.inspector.forgotten(record, now)
            if self.recorder is not None:
                self.recorder.forgotten(record)
        return self.history.swept

    def _is_awaited(self, record: Record) -> bool:
        return record in self._pending or any(record in columns for columns in self._withheld)

    def join(self, member: Member, wish: Wish, records: Iterable[Record] | None = None) -> tuple[Section, int]:
        """Makes the member one of the audience of its wish. Returns its section, and the seq where its chain begins.

        `records`: those of the wish, if they were looked up already.
        """
        audience = self._audiences.get(wish.key)
        if audience is None:
            audience = self._audiences[wish.key] = Audience(wish)
            self._index.add(audience, wish.selection)
            audience.records.update(dict.fromkeys(self.select(wish) if records is None else records))
            watchers = self._watchers
            for record in audience.records:
                watchers[record].append(audience)
        section = audience.vacant(self.history.seq)
        return section, section.join(member, self.history.seq)

    def leave(self, member: Member, section: Section) -> int:
        """Delivers to the member what was collected for it. Returns the seq where its chain ends."""
        audience, end = section.audience, section.leave(member)
        if audience.collected_after(end):
            member.deliver(audience.batch(self.history.epoch, end, self.history.seq), section.preface())
            end = self.history.seq
        if not (section.members or section.joining):
            self._close(section)
        return end

    def catch_up(self, section: Section, now: float) -> None:
        """Delivers what was collected for the section, however short the time since the last batch."""
        if section.behind:
            self._emit(section, now)

    def _close(self, section: Section) -> None:
        audience = section.audience
        audience.sections.remove(section)
        audience.trim()
        self._waiting.pop(section, None)
        self._throttled.discard(section)
        if not audience.sections:
            del self._audiences[audience.wish.key]
            self._index.discard(audience)
            for record in audience.records:
                if record in self._watchers:
                    self._watchers[record].remove(audience)

    def select(self, wish: Wish) -> list[Record]:
        """Of all series."""
        return wish.select(self.history.records.values())

    def records(self, wish: Wish) -> Collection[Record] | None:
        """What an audience of this wish has; None: there is no such audience."""
        audience = self._audiences.get(wish.key)
        return None if audience is None else audience.records


def _misfits(entry: Entry) -> bool:
    """Of an entry that is not said to be of the kind of its series, which may be new with the entry before it."""
    return entry.kind is not None or (bool(entry.values) and type(entry.values[0]) is not str)


def _another_kind(record: Record, entry: Entry) -> SampleError:
    problem = f"the series is of kind {record.kind}, got {entry.kind or 'numbers'}: use another metric name"
    return SampleError("bad_value", "kind", problem)
