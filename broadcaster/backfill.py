"""What a connection is sent of the past after it subscribed, and how it joins the present without a seam. Pure.

While a backfill is under way its member is *held*: live batches pass it by, because the history has them. At the end
everything since the subscription is read from the history as ordinary `samples` messages of the chain, and in the same
step, with nothing left to read, the member is released.
"""

from collections.abc import Iterator

from broadcaster import messages
from broadcaster.history import History, Record
from broadcaster.hub import Audience
from broadcaster.messages import Gap

CHUNK_SAMPLES = 10_000
Spans = dict[Record, tuple[int, int]]
"""The indices [start, stop) of each record's ring."""


class Backfill:
    """The payloads of one backfill, made one by one as the socket takes them.

    `covered` maps each record to the index from which on this connection is sent everything; it is kept up to date, so
    that another subscription repeats nothing.
    """

    def __init__(self, history: History, audience: Audience, covered: dict[Record, int]) -> None:
        self._history = history
        self._audience = audience
        self._covered = covered
        self._start = audience.last_seq
        self._upto = {record: record.ring.index_after(self._start) for record in audience.records}
        self.spans: Spans = {}
        self.prefaces: list[bytes] = []
        self.held = True

    def since_time(self, records: list[Record], time: float) -> None:
        """Backfill samples with this time (Unix seconds) or later."""
        self._plan({record: record.ring.index_since(time) for record in records})

    def since_seq(self, records: list[Record], seq: int) -> None:
        """Backfill what came after the batch `seq`."""
        self._plan({record: record.ring.index_after(seq) for record in records})

    def _plan(self, starts: dict[Record, int]) -> None:
        for record, start in starts.items():
            stop = min(self._upto.get(record, 0), self._covered.get(record, record.ring.end_index))
            if start < stop:
                self.spans[record] = (start, stop)
                self._covered[record] = start

    def cover(self) -> None:
        """Notes that from now on everything of the audience is sent."""
        for record, index in self._upto.items():
            self._covered.setdefault(record, index)

    def payloads(self) -> Iterator[bytes]:
        """The `backfill` messages, then what arrived meanwhile; the member is released at the end."""
        yield from self._past()
        seq = self._start
        while seq < self._audience.last_seq or self.prefaces:
            yield from self._drain_prefaces()
            upto = self._audience.last_seq
            yield from self._since(seq, upto)
            seq = upto
        self.held = False

    def _drain_prefaces(self) -> Iterator[bytes]:
        while self.prefaces:
            yield self.prefaces.pop(0)

    def _past(self) -> Iterator[bytes]:
        firsts = (record.ring.seqs[start - record.ring.base] for record, (start, _) in _held(self.spans))
        low = min(firsts, default=self._start + 1) - 1
        for prev, seq, fragments in _chunks(self.spans, low, self._start):
            yield self._samples(seq, prev, fragments, messages.BACKFILL)

    def _since(self, seq: int, upto: int) -> Iterator[bytes]:
        """The batches in (seq, upto] of the audience, merged; what the history let go meanwhile is a gap."""
        spans = {r: (self._upto.get(r, 0), r.ring.index_after(upto)) for r in self._audience.records}
        for record, (start, stop) in spans.items():
            self._covered.setdefault(record, start)
            self._upto[record] = max(start, stop)
        evicted = [r.ring.evicted_seq for r, (start, stop) in spans.items() if r.ring.first_index > start < stop]
        if evicted:
            seq, before = min(max(evicted), upto), seq
            lost = 0
            for record, (start, stop) in spans.items():
                end = max(start, min(record.ring.index_after(seq), stop))
                lost += end - start
                spans[record] = (end, stop)
            yield Gap(before, seq, 1, lost).encode()
        waiting: tuple[int, list[bytes]] | None = None
        for _, cut, fragments in _chunks(spans, seq, upto):
            if waiting:
                yield self._samples(waiting[0], seq, waiting[1])
                seq = waiting[0]
            waiting = cut, fragments
        if seq < upto:
            yield self._samples(upto, seq, waiting[1] if waiting else [])

    def _samples(self, seq: int, prev: int, fragments: list[bytes], flag: bytes = b"") -> bytes:
        return messages.samples(self._history.epoch, seq, prev, fragments, flag)


def _held(spans: Spans) -> Iterator[tuple[Record, tuple[int, int]]]:
    """The spans cut to what the rings still hold, without the empty ones."""
    for record, (start, stop) in spans.items():
        start = max(start, record.ring.first_index)
        if start < stop:
            yield record, (start, stop)


def _chunks(spans: Spans, low: int, high: int) -> Iterator[tuple[int, int, list[bytes]]]:
    """Cuts spans between batches, so that the cursor of each message names a position to resume at.

    Yields (after which batch, through which batch, fragments) for messages that are not empty.
    """
    width = max(1, high - low)
    while low < high:
        cut, width = _cut(spans, low, high, width)
        fragments = []
        for record, (start, stop) in spans.items():
            end = min(record.ring.index_after(cut), stop)
            times, values = record.ring.slice(start, end)
            if times:
                fragments.append(messages.fragment(record.key, times, values))
            spans[record] = (max(start, end), stop)
        if fragments:
            yield low, cut, fragments
        low = cut


def _cut(spans: Spans, low: int, high: int, width: int) -> tuple[int, int]:
    """How far the next message goes, and the width to try after it: batches differ in size, so it adapts."""
    while True:
        cut = min(low + width, high)
        count = sum(max(0, min(r.ring.index_after(cut), stop) - start) for r, (start, stop) in _held(spans))
        if count <= CHUNK_SAMPLES or cut == low + 1:
            return cut, width * 2 if count < CHUNK_SAMPLES // 2 else width
        width = max(1, min(width // 2, width * CHUNK_SAMPLES // count))
