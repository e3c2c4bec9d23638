"""From the hub to the thread that writes, and its answers back. In the event loop; nothing here waits."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import orjson

from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.ledger import Account, Ledger
from broadcaster.store.codec import encode
from broadcaster.store.units import Batch, ProducerRow, SeriesRow, Unit
from broadcaster.store.writer import Writer

STALLED_S = 2.0  # a commit that takes longer is taken for a failure: live service goes on without it

WAITING_MAX = 1_000_000  # acks; whoever waits for one beyond it sends again when it connects again

log = logging.getLogger("streamgauge.store")


class Recorder:
    """Puts batches together into units that end where messages end, with the producers' ids of these messages.

    `withholds`: batches are to be shown to nobody before they are stored, so that nobody saw what a crash undoes;
    as long as the store is failing, they are shown all the same.
    """

    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        writer: Writer,
        *,
        withholds: bool,
        queue_bytes: int,
        reach: Callable[[int], None] | None = None,
    ) -> None:
        """`reach` is told of the batch that something accepted goes into, before that is acknowledged."""
        self._hub = hub
        self._ledger = ledger
        self._writer = writer
        self._queue_bytes = queue_bytes
        self.withholds = withholds
        self._reach = reach
        self._failing = False
        self._open: list[Batch] = []
        self._series: dict[Record, None] = {}
        self._gone: list[tuple[int, int]] = []
        self._producers: dict[str, Account] = {}
        self._units = 0
        self._withheld: deque[tuple[int, float]] = deque()  # unit of each batch that is, and since when
        self._waiting: deque[tuple[int, Callable[[bool], None]]] = deque()
        self.lost_batches = 0

    @property
    def failing(self) -> bool:
        return self._failing or self._writer.progress.failing

    @property
    def refusing(self) -> bool:
        """True if what is published now would be acknowledged late or never."""
        full = self._writer.progress.queued_bytes * 2 > self._queue_bytes
        return self.withholds and (self.failing or full)

    # What the hub and the sessions tell.

    def described(self, record: Record) -> None:
        self._series[record] = None

    def forgotten(self, record: Record) -> None:
        self._series.pop(record, None)
        self._gone.append((self._hub.history.seq, record.key))

    def accepted(self, seq: int) -> None:
        if self._reach is not None:
            self._reach(seq)

    def touched(self, producer: str, account: Account) -> None:
        """A message of it was applied, or refused."""
        self._producers[producer] = account

    def record(
        self, seq: int, columns: Mapping[Record, tuple[Sequence[float], Sequence[object]]], now: float, *, partial: bool
    ) -> bool:
        """Takes a batch; `partial`: a message goes on in the next one. True: it is withheld until `Hub.release`."""
        parts = ((record.key, record.kind == "event", *column) for record, column in columns.items())
        samples = sum(len(times) for times, _ in columns.values())
        low = min(min(times) for times, _ in columns.values())
        high = max(max(times) for times, _ in columns.values())
        data = encode(parts)  # type: ignore[arg-type]  # validated
        self._open.append(Batch(seq, time.time(), samples, data, low, high))
        number, withheld = self._units + 1, self.withholds and not self._failing
        if not partial and not self._close(now):
            return False
        if withheld:
            self._withheld.append((number, now))
        return withheld

    def _close(self, now: float) -> bool:
        self._units += 1
        unit = Unit(self._units, self._open, [_series(record) for record in self._series], self._gone, self._rows(now))
        self._open = []
        if self._writer.submit(unit):
            self._series, self._gone, self._producers = {}, [], {}
            return True
        self._lost(len(unit.batches), now)
        return False

    def _lost(self, batches: int, now: float) -> None:
        """The queue is full: what waits is shown. What is known of series and producers goes into the next unit."""
        if not self.lost_batches:
            log.error("batches are lost for the store, which is behind", extra={"bytes": self._queue_bytes})
        self.lost_batches += batches
        while self._waiting and self._waiting[-1][0] == self._units:
            self._waiting.pop()[1](False)
        self._release(self._units, now)

    def _rows(self, now: float) -> list[ProducerRow]:
        wall = time.time() - now
        return [
            (producer, account.last, orjson.dumps(list(account.refused)).decode(), wall + account.used)
            for producer, account in self._producers.items()
        ]

    # What the writer tells.

    def after(self, done: Callable[[bool], None]) -> None:
        """Calls `done` when all that was published until now is stored (True) or lost (False), in order."""
        unit = self._units + 1 if self._hub.pending or self._open else self._units
        if not self._waiting and unit <= self._writer.progress.stored:
            done(True)
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append((unit, done))

    def advance(self, now: float) -> None:
        """The writer has news."""
        progress = self._writer.progress
        if progress.wants_all:
            self._tell_all(now)
        self._failing = progress.failing
        self._release(self._units + 1 if self._failing else progress.stored, now)
        while self._waiting and self._waiting[0][0] <= progress.stored:
            self._waiting.popleft()[1](True)

    def check(self, now: float) -> None:
        """Once a second: a disk that hangs holds up nobody."""
        if self._withheld and now - self._withheld[0][1] > STALLED_S and not self._failing:
            self._failing = True
            log.error("the store hangs: live service goes on without it", extra={"seconds": STALLED_S})
            self._release(self._units + 1, now)

    def _release(self, upto: int, now: float) -> None:
        count = 0
        while self._withheld and self._withheld[0][0] <= upto:
            self._withheld.popleft()
            count += 1
        if count:
            self._hub.release(count, now)

    def _tell_all(self, now: float) -> None:
        self._producers = dict(self._ledger.accounts())
        self._writer.tell_all(
            Unit(0, [], [_series(record) for record in self._hub.history.records.values()], [], self._rows(now))
        )


def _series(record: Record) -> SeriesRow:
    tags = orjson.dumps(dict(record.series.tags)).decode()
    return record.key, record.series.metric, tags, record.kind, record.unit, record.help
