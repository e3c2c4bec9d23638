"""What a connection is sent of the past after it subscribed, and how it joins the present without a seam. Pure.

While a backfill is under way its member is *held*: live batches pass it by, because the history has them. At the end
everything since the subscription is read from the history as ordinary `samples` messages of the chain, and in the same
step, with nothing left to read, the member is released.

A page of very many series takes longer than others should wait: it is made in turns, between which the history goes on
and evicts.
"""

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator

from broadcaster import messages
from broadcaster.agenda import NEVER
from broadcaster.audience import Batch, Section
from broadcaster.coverage import Coverage
from broadcaster.history import History, Record
from broadcaster.messages import Gap
from broadcaster.unsent import Unsent

CHUNK_SAMPLES = 10_000
DESCRIBED_SERIES = 1_000  # the most in one message
TURN_LOOKS = 1_000  # at a ring, before others have their turn: about a millisecond
PLAN_LOOKS = 3  # what it costs to find where a span begins and ends
TAKE_LOOKS = 4  # and to take its samples, beside
LOOK_SAMPLES = 20  # of these, as much as a look
SIGN_TURNS = 10  # without a page: an empty one says that more is to come
OTHERS_FIRST = b""  # in place of a page: there will be one, or the end, but it takes another turn

Turns = Generator[bytes, None, None]


class Backfill:
    """The payloads of one backfill, made one by one as the socket takes them.

    `coverage` is kept up to date, so that another subscription repeats nothing.
    """

    def __init__(self, history: History, section: Section, coverage: Coverage, start: int) -> None:
        """Made when the member joined `section`, where its chain begins at `start`."""
        self._history = history
        self._section = section
        self._coverage = coverage
        self._start = start
        self._at = start  # how far the chain was sent
        self._width = 2**62  # batches a message, adapted to how large they are
        self._planned = 0  # samples of the past
        self._allows: Callable[[str], bool] | None = None  # by metric; None: everything of the section
        self._catch_up: Callable[[], None] | None = None
        self._unplanned: dict[Record, None] = {}
        self._since: Callable[[Record], int] = _nothing
        self._past = Unsent()
        self._present = Unsent()  # what passed by
        self._near: dict[Record, int] = {}  # of these the next message may have samples, up to this index
        self._short = False  # some of them are evicted
        self._page: dict[Record, tuple[int, bytes]] = {}  # what the next message has already: samples, as they are sent
        self._looks = TURN_LOOKS  # left of this turn
        self._reached: int | None = 0  # all that is to be sent up to this batch was; None: the past is over
        self.undescribed: dict[Record, None] = {}  # since the backfill began; described when their turn comes
        self._concealed: dict[Record, None] = {}  # of these, those whose turn came and that are not allowed
        self.held = True

    def pass_by(self, batch: Batch, preface: bytes | None) -> None:
        """Leaves a live batch to the history, but for what only the batch knows: new series and their descriptions."""
        if preface is not None:
            self.undescribed.update(self._section.undescribed)
        known, seq = self._present.spans, batch.prev
        if new := [record for record in batch.newest if record not in known]:
            self._present.add_all_after(new, seq)
            for record in new:
                if record.ring.evicted_seq > seq:  # already
                    known[record] = self._index(record, seq), NEVER

    def _index(self, record: Record, seq: int) -> int:
        """Behind the samples up to a batch after which nothing was evicted, or that the section was sent last."""
        ring = record.ring
        if ring.evicted_seq <= seq:
            return ring.index_after(seq)
        return ring.end_index - self._section.audience.count_after(record, seq)

    def restrict(self, allows: Callable[[str], bool] | None, catch_up: Callable[[], None] | None = None) -> None:
        """From now on only series that the new credentials allow, although the section has others until the end.

        `catch_up` has the section sent what was collected for it, so that at the end nothing waits that is not allowed.
        """
        self._allows, self._catch_up = allows, catch_up
        self.undescribed.update(self._concealed)
        self._concealed = {}
        for record in [record for record in self._past.spans if not self._allowed(record)]:
            self._planned -= self._past.discard(record)
        for record in [record for record in self._page if not self._allowed(record)]:
            del self._page[record]

    def _allowed(self, record: Record) -> bool:
        return self._allows is None or self._allows(record.series.metric)

    # What there is of the past.

    def since_time(self, records: Iterable[Record], time: float) -> None:
        """Backfill samples with this time (Unix seconds) or later."""
        self._plan(records, lambda record: record.ring.index_since(time), -1)

    def since_seq(self, records: Iterable[Record], seq: int) -> None:
        """Backfill what came after the batch `seq`."""
        self._reached = max(seq, 0)
        self._plan(records, lambda record: record.ring.index_after(seq), seq)

    def _plan(self, records: Iterable[Record], since: Callable[[Record], int], after: int) -> None:
        self._unplanned, self._since = dict.fromkeys(records), since
        self._history.tell_before_eviction(self._before_eviction, after)

    def _planning(self) -> Turns:
        while self._unplanned:
            self._look_at(self._unplanned.popitem()[0])
            if self._turn_is_over(PLAN_LOOKS):
                yield OTHERS_FIRST

    def _before_eviction(self, record: Record) -> None:
        """Looks at what was held when the member joined, or came since: it is sent, or announced by how much it was."""
        if record in self._unplanned:
            del self._unplanned[record]
            self._look_at(record)
        if record in self._present.spans:
            self._present.start(record)

    def _look_at(self, record: Record) -> None:
        ring, start = record.ring, self._since(record)
        stop = min(ring.index_after(self._start), self._coverage.start(record))
        if start < stop and self._allowed(record):
            self._past.add(record, start, stop, ring.seq_at(start))
            self._planned += stop - start
            self._coverage.begin(record, start)

    # Its messages.

    def payloads(self) -> Iterator[bytes]:
        """The `backfill` messages, then what arrived meanwhile; the member is released at the end."""
        made, turns = self._made(), 0
        try:
            for payload in made:
                turns = 0 if payload != OTHERS_FIRST else turns + 1
                yield self._sign() if turns and turns % SIGN_TURNS == 0 else payload
        finally:
            made.close()

    def _sign(self) -> bytes:
        """Nothing, so that whoever waits for a page that takes long to be made hears of it."""
        at = self._at if self._reached is None else self._reached
        return messages.samples(self._history.epoch, at, at, (), messages.BACKFILL)

    def _made(self) -> Turns:
        told = self._before_eviction
        try:
            yield from self._planning()
            self._history.tell_before_eviction(told, self._start)
            yield from self._past_messages()
            self._reached = None
            while self._is_behind():
                if not self.undescribed:
                    yield from self._next_message()
                elif records := self._take_undescribed():
                    yield messages.series(record.descriptor() for record in records)
            self.held = False
        finally:
            self._history.tell_no_more(told)

    def _is_behind(self) -> bool:
        if self._at >= self._section.last_seq and not self.undescribed and self._catch_up is not None:
            self._catch_up()
        return self._at < self._section.last_seq or bool(self.undescribed)

    def _turn_is_over(self, looks: int) -> bool:
        self._looks -= looks
        if self._looks > 0:
            return False
        self._looks = TURN_LOOKS
        return True

    def _take_undescribed(self) -> list[Record]:
        taken, known = list[Record](), self._section.records
        for record in list(itertools.islice(self.undescribed, DESCRIBED_SERIES)):
            del self.undescribed[record]
            if not self._allowed(record):
                self._concealed[record] = None
            elif record in known or record in self._present.spans:
                taken.append(record)
        return taken

    def _past_messages(self) -> Turns:
        """Those of `backfill`, and a gap for what the history let go before its turn came."""
        past, whole = self._past, True
        first = low = min(past.first - 1, self._start)
        self._reached = max(low, 0)
        while past.first <= self._start:
            low, reached = (yield from self._choose(past, max(low, past.first - 1), self._start)), self._reached
            while self._near:
                record, end = self._near.popitem()
                if record in past.spans:
                    due = end - past.start(record)
                    taken = self._take(past, record, end)
                    self._planned -= taken
                    whole = whole and taken == due
                    if self._turn_is_over(TAKE_LOOKS + taken // LOOK_SAMPLES):
                        yield OTHERS_FIRST
            if whole:  # or who resumed at this message would not be told of what it lacks
                self._reached = low
            if self._page:  # without a name, which would keep it meanwhile
                yield self._message(self._reached, reached, messages.BACKFILL)
        if self._planned:  # `to` is where the chain begins, so that it goes on from there
            yield Gap(first, self._start, 1, self._planned).encode()

    def _next_message(self) -> Turns:
        """One of the chain: merged batches, or a gap for what the history let go."""
        seq, present, last = (
            self._at,
            self._present,
            self._section.last_seq,
        )  # what comes meanwhile may not be described
        while self._at < last and not self._page:
            if present.first > last:
                self._at = last
                break
            cut = yield from self._choose(present, max(self._at, present.first - 1), last)
            if self._short or not (yield from self._take_near()):
                yield (yield from self._gap(seq, cut if self._page else self._at))
                return
            self._at = cut if present.spans else last
        yield self._message(self._at, seq)

    def _choose(self, unsent: Unsent, low: int, high: int) -> Generator[bytes, None, int]:
        """How far the next message goes: between batches, so that its cursor names a position to resume at.

        Those that may have samples for it are near then.
        """
        near, width, self._short = self._near, min(self._width, high - low), False
        while True:
            cut = low + width
            count, most = 0, CHUNK_SAMPLES if width > 1 else NEVER
            for record in near:
                count += self._count(unsent, record, cut)
                if self._turn_is_over(1):
                    yield OTHERS_FIRST
                if count > most:
                    break
            while count <= most and unsent.first <= cut:
                count += self._count(unsent, unsent.pop(), cut)
                if self._turn_is_over(1):
                    yield OTHERS_FIRST
            if count <= most:
                self._width = width * 2 if count < CHUNK_SAMPLES // 2 else width
                return cut
            width //= 2

    def _count(self, unsent: Unsent, record: Record, cut: int) -> int:
        """How many samples a series has up to the batch `cut`; it is near from now on."""
        if record not in unsent.spans:  # it was not allowed any more
            self._near[record] = 0
            return 0
        start, first = unsent.start(record), record.ring.first_index
        end = self._near[record] = unsent.end(record, cut)
        if first > start:
            self._short = self._short or self._allowed(record)
            start = first
        return max(0, end - start)

    def _take(self, unsent: Unsent, record: Record, end: int, until: int = NEVER) -> int:
        """Takes what a series has up to this index into the message; returns how many samples."""
        times, values = record.ring.slice(unsent.spans[record][0], end)
        if times:
            self._page[record] = len(times), messages.fragment(record.key, times, values)
        unsent.sent(record, end, until)
        return len(times)

    def _take_near(self) -> Generator[bytes, None, bool]:
        """Of the present. False: something was evicted that should have been in the message."""
        present, near = self._present, self._near
        while near:
            record, end = near.popitem()
            if not self._allowed(record):
                present.discard(record)
            elif self._is_lost(record):
                near[record] = end
                return False
            else:
                taken = self._take(present, record, end, self._section.last_seq)
                if self._turn_is_over(TAKE_LOOKS + taken // LOOK_SAMPLES):
                    yield OTHERS_FIRST
        return True

    def _is_lost(self, record: Record) -> bool:
        """Of what passed by there is something that the history does not hold any more."""
        return record.ring.first_index > self._present.start(record) and self._allowed(record)

    def _gap(self, seq: int, cut: int) -> Generator[bytes, None, bytes]:
        """Instead of a message from `seq` on, which may have begun up to `cut`: up to the newest batch that is lost.

        When that is found to be newer than it seemed, those that had their turn have another one.
        """
        present, near = self._present, self._near
        lost = sum(count for count, _ in self._page.values())
        self._page = {}
        while near or present.first <= cut:
            record = near.popitem()[0] if near else present.pop()
            if not self._allowed(record):
                present.discard(record)
                continue
            if self._is_lost(record):
                cut = max(cut, min(record.ring.evicted_seq, self._section.last_seq))
            start = present.start(record)
            end = max(start, self._index(record, cut))
            lost += end - start
            present.sent(record, end, self._section.last_seq)
            if self._turn_is_over(TAKE_LOOKS):
                yield OTHERS_FIRST
        self._at = cut
        return Gap(seq, cut, 1, lost).encode() if cut > seq else OTHERS_FIRST  # what was lost is not allowed any more

    def _message(self, seq: int, prev: int, flag: bytes = b"") -> bytes:
        page, self._page, self._looks = self._page, {}, TURN_LOOKS
        return messages.samples(self._history.epoch, seq, prev, [part for _, part in page.values()], flag)


def _nothing(record: Record) -> int:
    """Nothing of the past is wanted."""
    return record.ring.end_index
