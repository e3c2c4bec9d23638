"""What a connection is sent of the past after it subscribed, and how it joins the present without a seam. Pure.

While a backfill is under way its member is *held*: live batches pass it by, because the history has them. At the end
everything since the subscription is read from the history as ordinary `samples` messages of the chain, and in the same
step, with nothing left to read, the member is released.
"""

import itertools
from collections.abc import Callable, Iterator

from broadcaster import messages
from broadcaster.audience import Batch, Section
from broadcaster.coverage import Coverage
from broadcaster.history import History, Record
from broadcaster.messages import Gap

CHUNK_SAMPLES = 10_000
DESCRIBED_SERIES = 1_000  # the most in one message
Spans = dict[Record, tuple[int, int]]
"""The indices [start, stop) of each record's ring."""


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
        self._upto: dict[Record, int] = {}  # index behind what was sent; those that appear later begin at 0
        self._width = 2**62  # batches a message, adapted to how large they are
        self._planned = 0  # samples
        self._allows: Callable[[str], bool] | None = None  # by metric; None: everything of the section
        self.spans: Spans = {}
        self.undescribed: dict[Record, None] = {}  # since the backfill began; described when their turn comes
        self.held = True

    def pass_by(self, batch: Batch, preface: bytes | None) -> None:
        """Leaves a live batch to the history, but for what only the batch knows: new series and their descriptions."""
        if preface is not None:
            self.undescribed.update(self._section.undescribed)
        for record in batch.newest:
            self._upto.setdefault(record, 0)  # kept here, should the history forget the series before its turn

    def restrict(self, allows: Callable[[str], bool] | None) -> None:
        """From now on only series that the new credentials allow, although the section has others until the end."""
        self._allows = allows
        for record in [record for record in self.spans if not self._allowed(record)]:
            start, stop = self.spans.pop(record)
            self._planned -= stop - start

    def _allowed(self, record: Record) -> bool:
        return self._allows is None or self._allows(record.series.metric)

    def since_time(self, records: list[Record], time: float) -> None:
        """Backfill samples with this time (Unix seconds) or later."""
        self._plan({record: record.ring.index_since(time) for record in records})

    def since_seq(self, records: list[Record], seq: int) -> None:
        """Backfill what came after the batch `seq`."""
        self._plan({record: record.ring.index_after(seq) for record in records})

    def _plan(self, starts: dict[Record, int]) -> None:
        self._upto = {record: record.ring.end_index for record in self._section.records}
        for record, start in starts.items():
            stop = min(self._upto.get(record, 0), self._coverage.start(record))
            if start < stop:
                self.spans[record] = (start, stop)
                self._planned += stop - start
                self._coverage.begin(record, start)

    def payloads(self) -> Iterator[bytes]:
        """The `backfill` messages, then what arrived meanwhile; the member is released at the end."""
        yield from self._past()
        while self._at < self._section.last_seq or self.undescribed:
            if not self.undescribed:
                yield self._next()  # without a name, which would keep it while a slow socket takes its copy
            elif records := self._take_undescribed():
                yield messages.series(record.descriptor() for record in records)
        self.held = False

    def _take_undescribed(self) -> list[Record]:
        records = list(itertools.islice(self.undescribed, DESCRIBED_SERIES))
        for record in records:
            del self.undescribed[record]
        return list(filter(self._allowed, records))

    def _past(self) -> Iterator[bytes]:
        """The `backfill` messages, and a gap for what the history let go before its turn came."""
        firsts = (record.ring.seq_at(start) for record, (start, _) in _held(self.spans))
        first = low = min(firsts, default=self._start) - 1
        while low < self._start:
            before = low
            low, count = self._cut(self.spans, low, self._start)
            self._planned -= count
            if count:
                yield self._samples(low, before, _take(self.spans, low), messages.BACKFILL)
        if self._planned:  # `to` is where the chain begins, so that it goes on from there
            yield Gap(first, self._start, 1, self._planned).encode()

    def _next(self) -> bytes:
        """One message of the chain: merged batches, or a gap for what the history let go."""
        seq, upto = self._at, self._section.last_seq
        records = self._upto | dict.fromkeys(self._section.records)  # some may be forgotten, others new
        sent_to = self._section.ends()
        spans = {record: (self._upto.get(record, 0), sent_to(record)) for record in records if self._allowed(record)}
        evicted = [r.ring.evicted_seq for r, (start, stop) in spans.items() if r.ring.first_index > start < stop]
        if evicted:
            cut = min(max(evicted), upto)
            lost = 0
            for record, (start, stop) in spans.items():
                end = max(start, min(record.ring.index_after(cut), stop))
                lost += end - start
                self._upto[record] = end
            self._at = cut
            return Gap(seq, cut, 1, lost).encode()
        cut, fragments = seq, list[bytes]()
        while cut < upto and not fragments:
            cut, _ = self._cut(spans, cut, upto)
            fragments = _take(spans, cut)
        if not any(start < stop for start, stop in spans.values()):
            cut = upto
        self._upto.update((record, start) for record, (start, _) in spans.items())
        self._at = cut
        return self._samples(cut, seq, fragments)

    def _cut(self, spans: Spans, low: int, high: int) -> tuple[int, int]:
        """How far the next message goes: between batches, so that its cursor names a position to resume at.

        And how many samples that is.
        """
        width = min(self._width, high - low)
        while True:
            cut = low + width
            count = sum(max(0, min(r.ring.index_after(cut), stop) - start) for r, (start, stop) in _held(spans))
            if count <= CHUNK_SAMPLES or width == 1:
                self._width = width * 2 if count < CHUNK_SAMPLES // 2 else width
                return cut, count
            width = max(1, min(width // 2, width * CHUNK_SAMPLES // count))

    def _samples(self, seq: int, prev: int, fragments: list[bytes], flag: bytes = b"") -> bytes:
        return messages.samples(self._history.epoch, seq, prev, fragments, flag)


def _held(spans: Spans) -> Iterator[tuple[Record, tuple[int, int]]]:
    """The spans cut to what the rings still hold, without the empty ones."""
    for record, (start, stop) in spans.items():
        start = max(start, record.ring.first_index)
        if start < stop:
            yield record, (start, stop)


def _take(spans: Spans, cut: int) -> list[bytes]:
    """Takes what came up to the batch `cut` off the spans; returns the fragments."""
    fragments = list[bytes]()
    for record, (start, stop) in spans.items():
        end = max(start, min(record.ring.index_after(cut), stop))
        times, values = record.ring.slice(start, end)
        if times:
            fragments.append(messages.fragment(record.key, times, values))
        spans[record] = (end, stop)
    return fragments
