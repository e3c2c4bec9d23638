"""Who gets what: members with the same wish, and the batches that they share. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broadcaster import messages
from broadcaster.frames import text_frame
from broadcaster.history import Record
from broadcaster.newest import Newest
from broadcaster.selection import Matcher, Selection, compile_selection
from ingest.samples import Value

SECTION_MEMBERS = 32
MERGED_BYTES = 2**20  # that wait for the time that `max_rate` sets; with more, it is now

Column = tuple[Sequence[float], Sequence[Value], bytes]
"""Times and values of one series, and both as they are sent."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One `samples` message: the bytes are shared by all who were at `prev`."""

    seq: int
    prev: int
    samples: int
    frame: bytes
    newest: Newest

    @property
    def held_bytes(self) -> int:
        """What it holds while it waits, were it not shared."""
        return len(self.frame) + self.newest.bytes


class Member(Protocol):
    """Who is delivered to. Neither waits nor raises."""

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        """A batch, which may be dropped and then is announced.

        `preface`: the frame of a `series` message that goes before it.
        """


Deliver = Callable[[Batch, bytes | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What a connection wants: the union of its subscriptions, no oftener than `max_rate` batches a second."""

    selection: Selection
    max_rate: float | None
    allows: Callable[[str], bool] | None  # by metric; None: everything
    scope: object = None  # tells grants apart: connections of different grants share no audience
    matcher: Matcher = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matcher", compile_selection(self.selection))

    @property
    def key(self) -> tuple[object, ...]:
        return self.selection, self.max_rate, self.scope

    def wants(self, record: Record) -> bool:
        return self.test()(record)

    def select(self, records: Iterable[Record]) -> list[Record]:
        """Those wanted and allowed."""
        return list(filter(self.test(), records))

    def test(self) -> Callable[[Record], bool]:
        """The same as `wants`, for many."""
        matches, allows = self.matcher.test, self.allows
        if allows is None:
            return lambda record: matches(record.series)
        return lambda record: matches(record.series) and allows(record.series.metric)


class Audience:
    """All with the same wish: their series, and what was collected and is not yet sent to every section."""

    __slots__ = ("_bytes", "_collected", "_latest", "records", "sections", "wants", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.wants = wish.test()
        self.records: dict[Record, None] = {}
        self.sections: list[Section] = []
        self._collected: deque[tuple[int, dict[Record, Column], int]] = (
            deque()
        )  # by seq, with what counts of each as bytes
        self._latest: Batch | None = None
        self._bytes = 0  # collected, if they may have to wait

    @property
    def full(self) -> bool:
        """True if so much is collected that it shall wait no longer."""
        return self._bytes >= MERGED_BYTES

    def collect(self, seq: int, columns: dict[Record, Column]) -> None:
        size = 0 if self.wish.max_rate is None else _size(columns)
        self._collected.append((seq, columns, size))
        self._bytes += size

    def collected_after(self, seq: int) -> bool:
        return bool(self._collected) and self._collected[-1][0] > seq

    def count_after(self, record: Record, seq: int) -> int:
        """How many samples of a series were collected after this seq."""
        parts = (columns.get(record) for at, columns, _ in self._collected if at > seq)
        return sum(len(column[0]) for column in parts if column is not None)

    def vacant(self, seq: int) -> "Section":
        """A section with room for one more member; a new one begins at this seq."""
        for section in reversed(self.sections):
            if len(section.members) + len(section.joining) < SECTION_MEMBERS:
                return section
        self.sections.append(Section(self, seq))
        return self.sections[-1]

    def batch(self, epoch: str, prev: int, seq: int) -> Batch:
        """What was collected in (prev, seq]: encoded once for all who ask one after the other."""
        latest = self._latest
        if latest is None or (latest.prev, latest.seq) != (prev, seq):
            latest = self._latest = self._encode(epoch, prev, seq)
        return latest

    def _encode(self, epoch: str, prev: int, seq: int) -> Batch:
        parts = [columns for at, columns, _ in self._collected if at > prev]
        columns = parts[0] if len(parts) == 1 else _merged(parts)
        frame = text_frame(messages.samples(epoch, seq, prev, [fragment for _, _, fragment in columns.values()]))
        times = [times[-1] for times, _, _ in columns.values()]
        newest = Newest(columns, times, [values[-1] for _, values, _ in columns.values()])
        return Batch(seq, prev, sum(len(times) for times, _, _ in columns.values()), frame, newest)

    def trim(self) -> None:
        """Forgets what every section has."""
        least = min((section.last_seq for section in self.sections), default=None)
        while self._collected and (least is None or self._collected[0][0] <= least):
            _, _, size = self._collected.popleft()
            self._bytes -= size
        if not self._collected:
            self._latest = None


class Section:
    """Members of an audience who are sent the same bytes.

    Sections of a large audience are served in turn, each with what is newest at its turn: so nobody waits for a
    thousand others to be served with what was there before the first.
    """

    __slots__ = ("audience", "due", "joining", "last_seq", "members", "undescribed")

    def __init__(self, audience: Audience, seq: int) -> None:
        self.audience = audience
        self.members: dict[Member, None] = {}
        self.joining: dict[Member, int] = {}  # members to be, who have a first batch of their own, from this seq on
        self.last_seq = seq  # the chain: `prev` of the next batch
        self.undescribed: dict[Record, None] = {}
        self.due = 0.0

    @property
    def records(self) -> dict[Record, None]:
        return self.audience.records

    @property
    def behind(self) -> bool:
        return self.audience.collected_after(self.last_seq)

    def preface(self) -> bytes | None:
        """A frame that describes what is new or changed since the last batch."""
        if not self.undescribed:
            return None
        return text_frame(messages.series(record.descriptor() for record in self.undescribed))

    def join(self, member: Member, seq: int) -> int:
        """Returns where the member's chain begins: here, or at the newest seq if the others wait for a batch."""
        if not self.behind:
            self.members[member] = None
            return self.last_seq
        self.joining[member] = seq
        return seq

    def leave(self, member: Member) -> int:
        """Returns where the member's chain ends."""
        self.members.pop(member, None)
        return self.joining.pop(member, self.last_seq)

    def emit(self, epoch: str, seq: int) -> int:
        """Delivers what was collected up to the batch `seq`; returns its size in bytes."""
        batch, preface = self.audience.batch(epoch, self.last_seq, seq), self.preface()
        joining, self.joining = self.joining, {}
        self.last_seq = seq
        for member in list(self.members):
            member.deliver(batch, preface)
        for member, at in joining.items():
            self.members[member] = None
            if at < seq:
                member.deliver(self.audience.batch(epoch, at, seq), preface)
        if all(at < seq for at in joining.values()):  # or they were told nothing, and there is more to be told
            self.undescribed = {}  # only now: a backfill looks there for what the preface describes
        self.audience.trim()
        return len(batch.frame)


def _size(columns: dict[Record, Column]) -> int:
    """In bytes, as they are sent."""
    return sum([len(fragment) for _, _, fragment in columns.values()])


def _merged(parts: list[dict[Record, Column]]) -> dict[Record, Column]:
    """Columns of several flushes as one each."""
    merged: dict[Record, Column] = {}
    columns: dict[Record, list[Column]] = {}
    for part in parts:
        for record, column in part.items():
            columns.setdefault(record, []).append(column)
    for record, found in columns.items():
        if len(found) == 1:
            merged[record] = found[0]
        else:
            times = [time for column in found for time in column[0]]
            values = [value for column in found for value in column[1]]
            merged[record] = times, values, messages.fragment(record.key, times, values)
    return merged
