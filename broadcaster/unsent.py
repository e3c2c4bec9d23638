"""What of some series is still to be sent of the history, in the order of its batches. Pure."""

from broadcaster.agenda import NEVER, Agenda
from broadcaster.history import Record


class Unsent:
    """Spans of rings. Those with samples up to some batch are found without looking at the others.

    A record is taken from the agenda by `pop`, and comes back by `sent` if there is more of it.
    """

    __slots__ = ("_agenda", "spans")

    def __init__(self) -> None:
        self._agenda: Agenda[Record] = Agenda()
        self.spans: dict[Record, tuple[int, int]] = {}  # the indices [start, stop)

    @property
    def first(self) -> int:
        """Nothing is unsent of a batch before this one; NEVER: nothing at all is."""
        return self._agenda.first

    def add(self, record: Record, start: int, stop: int, seq: int) -> None:
        """`seq`: of the first of its samples, or before that."""
        self.spans[record] = start, stop
        self._agenda.put(record, seq)

    def add_all_after(self, records: list[Record], seq: int) -> None:
        """All that came after the batch `seq`, of which nothing may be evicted before `start` was asked for."""
        self.spans.update(dict.fromkeys(records, (~seq, NEVER)))
        self._agenda.put_all(records, seq + 1)

    def start(self, record: Record) -> int:
        """The index of the first sample that is not sent."""
        start, stop = self.spans[record]
        if start < 0:
            start = record.ring.index_after(~start)
            self.spans[record] = start, stop
        return start

    def discard(self, record: Record) -> int:
        """Returns how many samples are not sent."""
        start, stop = self.spans.pop(record)
        return stop - start

    def pop(self) -> Record:
        return self._agenda.pop()

    def end(self, record: Record, cut: int) -> int:
        """The index behind its samples up to the batch `cut`."""
        return max(self.start(record), min(record.ring.index_after(cut), self.spans[record][1]))

    def sent(self, record: Record, end: int, until: int = NEVER) -> None:
        """All before the index `end` is; what comes after the batch `until` is not of interest yet."""
        ring, stop = record.ring, self.spans.pop(record)[1]
        at = max(end, ring.first_index)
        if at < stop and at < ring.end_index and (seq := ring.seq_at(at)) <= until:
            self.add(record, end, stop, seq)
