"""What a producer holds: samples that wait, and messages that wait for their acknowledgement. Pure.

    put -> [ buffer, bounded in samples ] -> take -> [ window, bounded in messages ] -> resolve

A message in the window never changes: after a reconnect it is sent again under the same id, and the broadcaster, which
remembers the last id it applied, answers a repetition with `duplicate`. A message that the broadcaster refused for the
moment was not applied; it keeps its id and its place in the window, and goes out again before anything new does, so
that samples arrive in the order in which they were sent.

A duplicate is believed where the message may have been applied: it was under way when a connection ended. One that was
sent once was not; its id was used by somebody else, and its samples count as rejected (see `numbering`).

At any time: sent = buffered + unacknowledged + acknowledged + rejected + dropped.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from ingest.messages import encode_publish, raw_entry
from ingest.numbering import Numbering
from ingest.samples import Entry, Kind, Series, Value

NUMBER_BYTES = 26  # the longest float64 in JSON, and a comma
ENVELOPE_BYTES = 64  # {"type":"publish","id":...,"samples":[...]}
ARRAY_BYTES = 4  # the brackets of two columns


class Described:
    """A series as this producer describes it. `overhead` is the size in bytes of an entry without its samples."""

    __slots__ = ("kind", "overhead", "series", "unit")

    def __init__(self, series: Series, kind: Kind | None, unit: str | None) -> None:
        self.series = series
        self.kind = kind
        self.unit = unit
        self.overhead = len(orjson.dumps(raw_entry(Entry(series, (), (), kind, unit)))) + ARRAY_BYTES


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that is not acknowledged yet."""

    id: int
    entries: tuple[Entry, ...]
    samples: int
    text: str
    begins: int  # how many samples were sent before its first one


Waiting = tuple[Described, float, Value]


class Outbox:
    """Bounds: `capacity` samples wait, `window` messages of up to `batch_samples` samples are unacknowledged."""

    def __init__(self, capacity: int, batch_samples: int, window: int, numbering: Numbering | None = None) -> None:
        self.capacity = capacity
        self.batch_samples = batch_samples
        self.window = window
        self.sent = self.acknowledged = self.rejected = self.dropped = self.duplicate_messages = 0
        self.numbering = numbering or Numbering()
        self._message_bytes = 0  # 0: no bound
        self._samples_per_message = 0
        self._buffer: deque[Waiting] = deque()
        self._unacked: dict[int, Pending] = {}
        self._again: set[int] = set()  # of these, the ones refused for the moment
        self._doubtful: set[int] = set()  # of these, the ones under way when a connection ended

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    @property
    def unacknowledged(self) -> int:
        return sum(message.samples for message in self._unacked.values())

    @property
    def messages(self) -> int:
        return len(self._unacked)

    def resolved(self, count: int) -> bool:
        """Whether the fate of the first `count` samples is known. Buffer and window hold them in order."""
        oldest = next((message.begins for message in self._unacked.values() if message.samples), count)
        return min(self.sent - len(self._buffer), oldest) >= count

    @property
    def idle(self) -> bool:
        return not (self._buffer or self._unacked)

    @property
    def room(self) -> int:
        return self.capacity - len(self._buffer)

    @property
    def can_take(self) -> bool:
        numbering = self.numbering
        something = bool(self._buffer) if numbering.certain else numbering.must_ask
        return bool(self._again) or (something and len(self._unacked) < self.window)

    @property
    def full_batch(self) -> bool:
        """No reason to wait for company: there is enough for a message, or no more room."""
        if self._again or not self.numbering.certain:
            return bool(self._again) or self.numbering.must_ask
        return len(self._buffer) >= min(self.batch_samples, self.capacity)

    def put(self, described: Described, times: Sequence[float], values: Sequence[Value]) -> int:
        """Add checked samples. Returns how many of the oldest were dropped to make room."""
        self.sent += len(times)
        self._buffer.extend((described, time, value) for time, value in zip(times, values, strict=True))
        dropped = max(0, len(self._buffer) - self.capacity)
        for _ in range(dropped):
            self._buffer.popleft()
        self.dropped += dropped
        return dropped

    def bound(self, message_bytes: int, samples_per_message: int) -> int:
        """The limits of this connection; 0 is none. Returns how many samples can therefore not be sent again.

        A broadcaster that came back with a lower `message_bytes` would close the connection at every repetition.
        """
        self._message_bytes = message_bytes
        self._samples_per_message = samples_per_message
        if not message_bytes:
            return 0
        too_large = [message for message in self._unacked.values() if len(message.text.encode()) > message_bytes]
        for message in too_large:
            self.refuse(message.id)
        return sum(message.samples for message in too_large)

    def repeat(self) -> list[Pending]:
        """What a new connection sends first."""
        self._doubtful |= self._unacked.keys() - self._again
        self._again.clear()
        return list(self._unacked.values())

    def take(self) -> Pending | None:
        """The next message, from now on unacknowledged; None if nothing waits or the window is closed."""
        if not self.can_take:
            return None
        if self._again:
            again = min(self._again)
            self._again.remove(again)
            return self._unacked[again]
        if self.numbering.must_ask:
            return self._waiting(self.numbering.ask(), ())
        entries = self._batch()
        return self._waiting(self.numbering.take(), entries) if entries else None

    def _waiting(self, id: int, entries: tuple[Entry, ...]) -> Pending:
        samples = sum(len(entry.times) for entry in entries)
        begins = self.sent - len(self._buffer) - samples
        message = Pending(id, entries, samples, encode_publish(id, entries).decode(), begins)
        self._unacked[id] = message
        return message

    def acknowledge(self, id: int, accepted: int | None, *, duplicate: bool = False) -> int:
        """Returns how many samples were rejected. What of a duplicate was rejected the first time is not known."""
        believed = self.numbering.repeats or id in self._doubtful
        message = self._pop(id, duplicate=duplicate)
        if message is None or not message.samples:
            return 0
        if duplicate and not believed:
            self.numbering.doubt()
            self.rejected += message.samples
            return message.samples
        known = accepted is not None and not duplicate
        taken = max(0, min(accepted or 0, message.samples)) if known else message.samples
        self.acknowledged += taken
        self.rejected += message.samples - taken
        self.duplicate_messages += duplicate
        return message.samples - taken

    def refuse(self, id: int) -> int:
        """The message as a whole was refused for good. Returns its number of samples."""
        message = self._pop(id)
        if message is None:
            return 0
        self.rejected += message.samples
        return message.samples

    def retry(self, id: int) -> bool:
        """The message was refused for the moment: `take` gives it again, those of lower ids first."""
        if id in self._unacked:
            self._again.add(id)
        return id in self._again

    def _pop(self, id: int, *, duplicate: bool = False) -> Pending | None:
        if id == self.numbering.question:
            self.numbering.answered(duplicate=duplicate, doubtful=id in self._doubtful)
        self._again.discard(id)
        self._doubtful.discard(id)
        return self._unacked.pop(id, None)

    def _batch(self) -> tuple[Entry, ...]:
        """Samples from the front of the buffer that fit one message, in columns; those that fit none are rejected."""
        columns: list[tuple[Described, list[float], list[Value]]] = []
        latest: dict[Series, int] = {}
        limit = min(self.batch_samples, self._samples_per_message or self.batch_samples)
        size, taken = ENVELOPE_BYTES, 0
        for described, time, value in islice(self._buffer, limit):
            index = latest.get(described.series, -1)
            # A series that changed its unit gets another entry, so that its samples stay in order.
            known = index >= 0 and columns[index][0] is described
            size += _size(value) + (0 if known else described.overhead)
            if self._message_bytes and size > self._message_bytes:
                break
            if not known:
                index = latest[described.series] = len(columns)
                columns.append((described, [], []))
            columns[index][1].append(time)
            columns[index][2].append(value)
            taken += 1
        if not taken:
            self._buffer.popleft()
            self.rejected += 1
        for _ in range(taken):
            self._buffer.popleft()
        return tuple(Entry(d.series, times, values, d.kind, d.unit) for d, times, values in columns)


def _size(value: Value) -> int:
    """At most so many bytes for a sample in a column."""
    return 2 * NUMBER_BYTES if not isinstance(value, str) else NUMBER_BYTES + len(orjson.dumps(value)) + 1
