"""What was stored becomes the history again, as far as the history's bounds allow."""

import logging
import secrets
from dataclasses import dataclass, field
from typing import cast

import orjson

from broadcaster.history import History, Record
from broadcaster.hub import Hub
from broadcaster.ledger import REFUSED_MAX, Ledger
from broadcaster.ring import NUMBER_BYTES
from broadcaster.store.codec import DamagedError, decode
from broadcaster.store.file import StoreFile
from broadcaster.store.units import Place, SeriesRow
from ingest.samples import Kind, Series

SEQ_LEAP = 2**32  # more batches than can be served between two commits, or while a disk is full
KEY_LEAP = 2**24

log = logging.getLogger("streamgauge.store")


@dataclass(frozen=True, slots=True)
class Now:
    """The same moment on both clocks. What is of a later moment on the wall clock came just now."""

    steady: float
    wall: float

    def steady_of(self, wall: float) -> float:
        return self.steady - max(0.0, self.wall - wall)


@dataclass(slots=True)
class Restored:
    series: int = 0
    samples: int = 0
    damaged_batches: int = 0
    returned: list[Record] = field(default_factory=list)  # series that the store takes for forgotten


def place_of(file: StoreFile, *, clean: bool, reached: int | None = None) -> Place:
    """Where to go on: far enough behind what is stored that no number comes twice.

    More may have been served: by a life that was killed, or if an older copy of the file was put back. How far is
    partly left to chance, for lives that could not even store that they began. `clean`: all that this file's life
    served is stored. `reached`: the last batch for which something was accepted, if that is known. If something that
    was acknowledged may be lost, everybody is told: nobody is resumed from before that.
    """
    base = file.seq + SEQ_LEAP + secrets.randbelow(SEQ_LEAP)
    kept = clean or file.durability == "committed" or (reached is not None and reached <= file.seq)
    return Place(
        file.epoch,
        base,
        file.next_key + KEY_LEAP + secrets.randbelow(KEY_LEAP),
        (*file.breaks, (file.seq if kept else -1, base)),
    )


def restore(file: StoreFile, hub: Hub, ledger: Ledger, age_s: float, bytes_max: int, now: Now) -> Restored:
    """Raises sqlite3.Error; then the hub is of no use."""
    history, found = hub.history, Restored()
    first, lost_seq = _window(file, now.wall - age_s, bytes_max)
    records = _Records(file, history, found.returned, first)
    history.lost_seq = max(lost_seq, file.lost_seq)
    for batch in file.batches(first):
        history.seq, at = batch.seq, now.steady_of(batch.time)
        history.mark(at)
        try:
            columns = decode(batch.data)
        except DamagedError as error:
            log.error("a stored batch is left out", extra={"seq": batch.seq, "problem": str(error)})
            history.lost_seq = max(history.lost_seq, batch.seq)
            found.damaged_batches += 1
            continue
        for key, times, values in columns:
            if (record := records.get(key, text=isinstance(values, list))) is not None and len(times):
                history.append(record, times, values, at)
                found.samples += len(times)
    for record in history.records.values():
        record.updated = now.steady  # it may go on soon
        hub.adopt(record, now.steady)
    for producer, last, refused, _ in file.producers():
        account = ledger.account(producer, now.steady)  # the clock may be wrong: remembered from now on
        account.last = last
        for each in orjson.loads(refused):  # ranges, and ids that an earlier broadcaster wrote
            low, high = each if isinstance(each, list) else (each, each)
            account.refused.add(low, high, REFUSED_MAX)
        ledger.count(account)
    found.series = len(history.records)
    return found


def _window(file: StoreFile, since: float, bytes_max: int) -> tuple[int, int]:
    """The first batch to be restored, and the last one before it."""
    first, held = file.seq + 1, 0
    for seq, time, samples in file.newest():
        held += samples * NUMBER_BYTES
        if time < since or held > bytes_max:
            return first, seq
        first = seq
    return first, first - 1


class _Records:
    """Series by key. Those that were forgotten come back only if samples of theirs do."""

    def __init__(self, file: StoreFile, history: History, returned: list[Record], first: int) -> None:
        self._history = history
        self._returned = returned
        self._found: dict[int, Record] = {}
        self._gone: dict[int, SeriesRow] = {}
        alive: list[SeriesRow] = []
        for row, forgotten in file.series(first):
            if forgotten is None:
                alive.append(row)
            else:
                self._gone[row[0]] = row
        for row in reversed(alive):  # of two keys of a series the newer
            self._revive(row)
        for series in list(history.records)[::-1]:  # back in the order in which they came
            history.records[series] = history.records.pop(series)

    def _revive(self, row: SeriesRow) -> tuple[Record, bool]:
        key, metric, tags, kind, unit, help_ = row
        series = Series(metric, tuple(sorted(orjson.loads(tags).items())))
        record = self._history.records.get(series)
        if new := record is None:
            record = self._history.revive(key, series, cast(Kind, kind))
            record.describe(None, unit, help_)
        self._found[key] = record
        return record, new

    def get(self, key: int, *, text: bool) -> Record | None:
        """None: what described it was lost, or it is of another kind by now."""
        record = self._found.get(key)
        if record is None and (row := self._gone.get(key)) is not None:
            record, new = self._revive(row)
            if new:
                self._returned.append(record)
        return record if record is not None and (record.kind == "event") is text else None
