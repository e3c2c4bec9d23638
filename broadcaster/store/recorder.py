"""From the hub to the thread that writes, and its answers back. In the event loop; nothing here waits."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.ledger import PRODUCERS_MAX, Account, Ledger
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

    What is to be acknowledged is owed: its unit is queued however full the queue is. Of that there is little, because
    `refusing` is said at half of it. The rest is lost for the store while the queue is full, until half of it is free.
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
        self._owed = 0  # the last unit with something that is to be acknowledged
        self._full = False
        self._told_key = _highest(hub.history.records.values())  # of all series that the file knows or will
        self._withheld: deque[tuple[int, float]] = deque()  # unit of each batch that is, and since when
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
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
        if record.key <= self._told_key:
            self._gone.append((self._hub.history.seq, record.key))

    def accepted(self, seq: int) -> None:
        if self._reach is not None:
            self._reach(seq)

    def touched(self, producer: str, account: Account) -> None:
        """A message of it was applied, or refused."""
        self._producers.pop(producer, None)
        self._producers[producer] = account
        if len(self._producers) > PRODUCERS_MAX:
            del self._producers[next(iter(self._producers))]

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
        batches, self._open = self._open, []
        owed = self._owed == self._units
        if self._full:
            self._full = self._writer.progress.queued_bytes * 2 > self._queue_bytes
        if owed or not self._full:
            series = [_series(record) for record in self._series]
            unit = Unit(self._units, batches, series, self._gone, self._rows(now))
            if self._writer.submit(unit, owed=owed):
                self._told_key = max(self._told_key, _highest(self._series))
                self._series, self._gone, self._producers = {}, [], {}
                return True
        self._lost(len(batches), now)
        return False

    def _lost(self, batches: int, now: float) -> None:
        """The queue is full: what waits is shown. What is known of series and producers goes into the next unit."""
        if not self.lost_batches:
            log.error("batches are lost for the store, which is behind", extra={"bytes": self._queue_bytes})
        self._full = True
        self.lost_batches += batches
        self._release(self._units, now)

    def _rows(self, now: float) -> list[ProducerRow]:
        wall = time.time() - now
        return [
            (producer, account.last, orjson.dumps(account.refused.pairs()).decode(), wall + account.used)
            for producer, account in self._producers.items()
        ]

    # What the writer tells.

    def after(self, done: Callable[[], None], *, applied: bool = True) -> None:
        """Calls `done` when all that was published until now is stored, in order.

        `applied`: something that is to be acknowledged by it was just published. Otherwise it was stored or owed
        before, and what came since need not be stored for it.
        """
        if applied and (self._hub.pending or self._open):
            self._owed = self._units + 1
        if not self._waiting and self._owed <= self._writer.progress.stored:
            done()
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append((self._owed, done))

    def advance(self, now: float) -> None:
        """The writer has news."""
        progress = self._writer.progress
        if progress.wants_all:
            self._tell_all(now)
        self._failing = progress.failing
        self._release(self._units + 1 if self._failing else progress.stored, now)
        while self._waiting and self._waiting[0][0] <= progress.stored:
            self._waiting.popleft()[1]()

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
        records = self._hub.history.records.values()
        self._told_key = max(self._told_key, _highest(records))
        self._writer.tell_all(Unit(0, [], [_series(record) for record in records]))  # an id goes with its samples


def _highest(records: Iterable[Record]) -> int:
    """Key; -1 of none."""
    return max((record.key for record in records), default=-1)


def _series(record: Record) -> SeriesRow:
    tags = orjson.dumps(dict(record.series.tags)).decode()
    return record.key, record.series.metric, tags, record.kind, record.unit, record.help
