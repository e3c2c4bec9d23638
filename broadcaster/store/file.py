"""The SQLite file: what is in it, and how it is written, read, checked, kept small and set aside. No threads here."""

import json
import logging
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from broadcaster.store.clock import Clock
from broadcaster.store.codec import DamagedError
from broadcaster.store.parts import RAW, Parts
from broadcaster.store.units import Batch, Place, ProducerRow, SeriesRow, Unit

NAME = "history.sqlite"
FORMAT = 1
PAGE_BYTES = 16_384  # a batch is large
ROWS_AT_ONCE = 200  # deleted in one transaction, between which others are written
VACUUM_PAGES = 500
LOG = f"{NAME}-wal"
LOG_BYTES = 67_108_864  # from here on nobody begins to read before it was emptied, which needs a moment without readers
BREAKS_MAX = 1_000
BAD_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
CAME = "coalesce((SELECT s.time FROM spans s WHERE s.seq = b.seq), time)"
NEWEST = "SELECT seq, CAME, samples FROM batches b ORDER BY seq DESC".replace("CAME", CAME)
BATCHES = "SELECT seq, CAME, samples, data FROM batches b WHERE seq >= ? ORDER BY seq".replace("CAME", CAME)
Durability = Literal["accepted", "committed"]

log = logging.getLogger("streamgauge.store")

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE batches (seq INTEGER PRIMARY KEY, time REAL NOT NULL, samples INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE series (key INTEGER PRIMARY KEY, metric TEXT NOT NULL, tags TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT,
    help TEXT, gone INTEGER);
CREATE TABLE producers (producer TEXT PRIMARY KEY, last INTEGER NOT NULL, refused TEXT NOT NULL, used REAL NOT NULL)
    WITHOUT ROWID;
"""


class StoreFile:
    """An open file. Everything raises sqlite3.Error; see `damaged`. For one thread at a time."""

    def __init__(self, directory: Path, durability: Durability) -> None:
        """Raises DamagedError for a file that cannot be trusted."""
        self.path = directory / NAME
        self._durability = durability
        self._sql = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        self.parts = Parts(self._sql)
        self.clock = Clock(None, 0.0)
        self._first, self._began, self._newest = 0, 0.0, -math.inf
        self._shift: float | None = None  # that is to be written
        try:
            self._open(durability)
        except sqlite3.Error as error:
            self.close()
            if damaged(error):
                raise DamagedError(str(error)) from error
            raise
        except BaseException:
            self.close()
            raise

    def _open(self, durability: Durability) -> None:
        sql = self._sql
        sql.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        sql.execute("PRAGMA auto_vacuum = INCREMENTAL")
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute(f"PRAGMA synchronous = {'FULL' if durability == 'committed' else 'NORMAL'}")
        self._page_bytes = int(sql.execute("PRAGMA page_size").fetchone()[0])
        (found,) = sql.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise DamagedError(str(found))
        self.meta: dict[str, str | int] = {}
        if sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            self.meta = dict(sql.execute("SELECT name, value FROM meta"))
            if self.meta.get("format") != FORMAT:
                raise DamagedError(f"its format is {self.meta.get('format')}, not {FORMAT}")
            self.clock = Clock(None, self.behind)

    @property
    def new(self) -> bool:
        return not self.meta

    @property
    def epoch(self) -> str:
        return str(self.meta["epoch"])

    @property
    def seq(self) -> int:
        """The last batch that is stored."""
        return int(self.meta["seq"])

    @property
    def lost_seq(self) -> int:
        """Not everything up to this batch was stored."""
        return int(self.meta["lost_seq"])

    @property
    def clean(self) -> bool:
        """Nothing was served that is not stored."""
        return bool(self.meta["clean"])

    @property
    def durability(self) -> str:
        """Of the broadcaster that began last."""
        return str(self.meta.get("durability", "accepted"))

    @property
    def mark(self) -> str:
        """The name of its `Mark`; empty if it had none."""
        return str(self.meta.get("mark", ""))

    @property
    def behind(self) -> float:
        """How far its time was from the wall clock. Floats are texts in `meta`."""
        return float(self.meta.get("ahead", 0.0))

    @property
    def breaks(self) -> tuple[tuple[int, int], ...]:
        return tuple((last, base) for last, base in json.loads(str(self.meta["breaks"])))

    @property
    def next_key(self) -> int:
        return int(self.meta["next_key"])

    def begin(self, place: Place, mark: str = "") -> None:
        """A broadcaster begins to serve from `place`: from now on something may be served that is not stored.

        As long as its clock is in doubt, `doubted` says what was the newest before: the next start goes by that.
        """
        values: dict[str, str | int] = {
            "format": FORMAT,
            "epoch": place.epoch,
            "seq": place.seq,
            "next_key": place.next_key,
            "lost_seq": place.seq if self.new else self.lost_seq,
            "breaks": json.dumps(place.breaks[-BREAKS_MAX:]),
            "clean": 0,
            "durability": self._durability,
            "mark": mark,
        }
        self._sql.execute("BEGIN IMMEDIATE")
        with self._sql:
            if self.new:
                for statement in SCHEMA.split(";\n"):
                    self._sql.execute(statement)
            self.parts.begin()
            newest, doubted = self.parts.newest, str(self.meta.get("doubted", ""))
            self.clock = Clock(float(doubted) if doubted else newest, self.behind)
            if doubted and not self.clock.doubtful:  # what came in that life may have a time still to come
                self.parts.correct(self.clock.now)
                newest = self.parts.newest
            values["ahead"] = repr(self.clock.ahead)
            values["doubted"] = (doubted or repr(newest)) if self.clock.doubtful else ""
            self._put(values)
        self.parts.count()
        self.meta, self._first, self._began = values, place.seq, self.clock.now
        self._newest = -math.inf if newest is None else newest
        if self.clock.doubtful:
            extra = {"wall": time.time(), "newest": newest}
            log.warning(
                "the clock does not go on from what is stored: nothing is thinned or deleted by age", extra=extra
            )

    def look(self) -> float:
        """The time by which ages count; before everything while it is in doubt."""
        if (jump := self.clock.look()) is not None:
            log.warning("the wall clock jumped", extra={"seconds": round(jump.by, 3), "wall": time.time()})
            self._shift = jump.shift + (self._shift or 0.0)
        if self._shift is not None:
            with self.parts.transaction():
                self._jumped(self._shift)
            self._shift = None
        if self.meta.get("doubted") and not self.clock.doubtful:
            with self.parts.transaction():
                self._put({"doubted": ""})
            self.meta["doubted"] = ""
        return self.clock.believed

    def _jumped(self, shift: float) -> None:
        now = self.clock.now
        if shift:
            self.parts.shift(self._first, shift)
            self._sql.execute("UPDATE producers SET used = used + ? WHERE used >= ?", (shift, self._began))
            self._began += shift
        self.parts.correct(now)  # what was on its way had the time of the other clock
        self._sql.execute("UPDATE producers SET used = ? WHERE used > ?", (now, now))
        self._put({"ahead": repr(self.clock.ahead)})
        self._newest = self.parts.newest or -math.inf

    def end(self) -> None:
        """All that was served is stored."""
        with self._sql:
            self._put({"clean": 1})

    def _put(self, values: dict[str, str | int]) -> None:
        self._sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def write(self, units: Iterable[Unit]) -> int:
        """Stores them, all or none. Returns how many batches those were."""
        sql, seq, lost_seq, count, next_key = self._sql, self.seq, self.lost_seq, 0, self.next_key
        samples = size = 0
        sql.execute("BEGIN IMMEDIATE")
        with sql:
            for unit in units:
                times = [self._in_order(each.time) for each in unit.batches]
                rows = [(each.seq, at, each.samples, each.data) for at, each in zip(times, unit.batches, strict=True)]
                sql.executemany("INSERT INTO batches VALUES (?, ?, ?, ?)", rows)
                spans = [
                    (each.seq, at, each.samples, len(each.data), each.low, each.high)
                    for at, each in zip(times, unit.batches, strict=True)
                ]
                sql.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)", spans)
                samples, size = samples + sum(row[2] for row in spans), size + sum(row[3] for row in spans)
                sql.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, NULL)", unit.series)
                sql.executemany("UPDATE series SET gone = ? WHERE key = ?", unit.gone)
                heard = ((*row[:3], row[3] + self.clock.ahead) for row in unit.producers)
                sql.executemany("INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?)", heard)
                count += len(rows)
                next_key = max(next_key, *(row[0] + 1 for row in unit.series), 0)
                for batch in unit.batches:
                    if batch.seq != seq + 1:
                        lost_seq = batch.seq - 1
                    seq = batch.seq
            self._put({"seq": seq, "lost_seq": lost_seq, "next_key": next_key})
        self.meta |= {"seq": seq, "lost_seq": lost_seq, "next_key": next_key}
        self.parts.hold(RAW, samples, size)
        return count

    def _in_order(self, wall: float) -> float:
        """When a batch came, by the time of the file. None came before the one before it."""
        self._newest = max(self._newest, wall + self.clock.ahead)
        return self._newest

    # Reading.

    def series(self, first: int = 0) -> Iterator[tuple[SeriesRow, int | None]]:
        """What is known of series that were not forgotten before the batch `first`, and at which batch each was.

        Those not forgotten come first.
        """
        found = self._sql.execute(
            "SELECT key, metric, tags, kind, unit, help, gone FROM series WHERE gone IS NULL OR gone >= ? "
            "ORDER BY gone, key",
            (first,),
        )
        return ((row[:6], row[6]) for row in found)

    def producers(self) -> Iterator[ProducerRow]:
        """Those not heard of for longest come first."""
        return self._sql.execute("SELECT producer, last, refused, used FROM producers ORDER BY used")

    def newest(self) -> Iterator[tuple[int, float, int]]:
        """Seq, time and samples of the batches, backwards."""
        return self._sql.execute(self._corrected(NEWEST))

    def batches(self, first: int) -> Iterator[Batch]:
        """From this seq on."""
        found = self._sql.execute(self._corrected(BATCHES), (first,))
        return (Batch(*row) for row in found)

    def _corrected(self, select: str) -> str:
        """With the corrected times. Those are in `spans`, which files of before do not have."""
        known = self._sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'spans'").fetchone()
        return select if known else select.replace(CAME, "time")

    # Keeping it small.

    def _pragma(self, name: str) -> int:
        return int(self._sql.execute(f"PRAGMA {name}").fetchone()[0])

    @property
    def bytes(self) -> int:
        """What its pages take that are in use."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._page_bytes

    def trim(self, before: float, bytes_max: int, heard_before: float) -> bool:
        """Deletes some of what is older, or too much, or of producers long gone. False: there is no more of it."""
        self._sql.execute("DELETE FROM producers WHERE used < ?", (heard_before,))
        oldest, last = self._oldest_step(), self._aged(before)
        if oldest is not None and (
            oldest[0] < before or (last is None and self._over(bytes_max) and self._older(oldest))
        ):
            with self.parts.transaction():
                self.parts.delete_oldest(oldest[1], before)
                self._forget()
        else:
            last = self._fitting(bytes_max) if last is None else last
            if last is None:
                return False
            with self.parts.transaction():
                self.parts.delete_batches(last)
                self._forget()
        if self._pragma("freelist_count") > max(VACUUM_PAGES, self._pragma("page_count") // 4):
            self._sql.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
        return True

    def _oldest_step(self) -> tuple[float, int] | None:
        """When the newest of the oldest part came, and its step."""
        steps = [step for step in self.parts.held if step != RAW]
        return min(((part.time, step) for step in steps for part in self.parts.oldest(step, math.inf, 1)), default=None)

    def _aged(self, before: float) -> int | None:
        """The last batch of some that are older."""
        found: tuple[int | None] = self._sql.execute(
            "SELECT max(seq) FROM (SELECT seq, time FROM spans ORDER BY seq LIMIT ?) WHERE time < ?",
            (ROWS_AT_ONCE, before),
        ).fetchone()
        return found[0]

    def _over(self, bytes_max: int) -> int:
        """By how many bytes the file is too large."""
        return max(0, self.bytes - bytes_max) if bytes_max else 0

    def _older(self, part: tuple[float, int]) -> bool:
        """Than all batches."""
        found = self._sql.execute("SELECT time FROM spans ORDER BY seq LIMIT 1").fetchone()
        return found is None or part[0] <= found[0]

    def _fitting(self, bytes_max: int) -> int | None:
        """The last batch of some that are too much."""
        last, over = None, self._over(bytes_max)
        if over:
            oldest = self._sql.execute("SELECT seq, bytes FROM spans ORDER BY seq LIMIT ?", (ROWS_AT_ONCE,))
            for seq, size in oldest.fetchall():
                last, over = seq, over - size
                if over <= 0:
                    break
        return last

    def _forget(self) -> None:
        """What is known of series that were forgotten, and of which nothing is stored any more."""
        (first,) = self._sql.execute("SELECT min(seq) FROM spans").fetchone()
        known = [each for each in (first, self.parts.first) if each is not None]
        self._sql.execute("DELETE FROM series WHERE gone < ?", (min(known, default=self.seq + 1),))

    def correct(self, now: float) -> None:
        """As `Parts.correct`."""
        self._newest = min(self._newest, now)
        with self.parts.transaction():
            self.parts.correct(now)

    def empty_log(self) -> bool:
        """If it is too large and nobody reads. False: there is nothing to do any more."""
        if log_bytes(self.path.parent) <= LOG_BYTES:
            return False
        self.checkpoint()
        return log_bytes(self.path.parent) > LOG_BYTES

    def checkpoint(self) -> None:
        """Moves what the log has into the file, and gives back its space."""
        self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self._sql.close()


def log_bytes(directory: Path) -> int:
    """What SQLite's log takes."""
    try:
        return os.stat(directory / LOG).st_size
    except FileNotFoundError:
        return 0


def damaged(error: BaseException) -> bool:
    """True if the file itself is bad, so that trying again is no use."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, DamagedError) or (isinstance(code, int) and code & 0xFF in BAD_CODES)


def set_aside(directory: Path, now: float | None = None) -> Path:
    """Renames the file, and what belongs to it, so that nothing is lost. Returns its new name. Raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside, number = directory / f"{NAME}.aside-{stamp}", 1
    while aside.exists():
        number += 1
        aside = directory / f"{NAME}.aside-{stamp}-{number}"
    for suffix in ("-wal", "-shm", ""):  # the file itself last: what belongs to it is never left to a new one
        path = directory / f"{NAME}{suffix}"
        if path.exists():
            os.rename(path, f"{aside}{suffix}")
    return aside
