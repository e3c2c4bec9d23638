"""What of the file is thinned: *parts*, each of the slots of one step of many series.

Whatever is stored is in exactly one place, a batch or a part of some step, because it goes from one to the other in one
transaction. `spans` has what must be known of each batch without reading it.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from broadcaster.store.thinned import (
    Columns,
    Slots,
    Texts,
    each_its_own,
    encode_samples,
    encode_slots,
    encode_texts,
    fold,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (seq INTEGER PRIMARY KEY, time REAL NOT NULL, samples INTEGER NOT NULL,
    bytes INTEGER NOT NULL, low REAL, high REAL);
CREATE TABLE IF NOT EXISTS parts (part INTEGER PRIMARY KEY, step INTEGER NOT NULL, time REAL NOT NULL,
    first INTEGER NOT NULL, slots INTEGER NOT NULL, bytes INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL);
CREATE INDEX IF NOT EXISTS parts_by_time ON parts (step, time);
CREATE INDEX IF NOT EXISTS parts_by_first ON parts (first);
CREATE TABLE IF NOT EXISTS thinned (part INTEGER NOT NULL, key INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (part, key)) WITHOUT ROWID
"""
RAW = 0  # the step of what is as it came
DELETED_AT_ONCE = 4  # parts
NORMAL = 1  # PRAGMA synchronous
ROW_BYTES = 16  # about what a row takes beside its data


@dataclass(slots=True)
class Held:
    """Samples, or slots and texts, and about how many bytes they take."""

    slots: int = 0
    bytes: int = 0


class Part(NamedTuple):
    part: int
    time: float  # when the newest of it came, Unix seconds
    first: int  # nothing of it came before this batch
    slots: int
    bytes: int


@dataclass(slots=True)
class Made:
    """One series after another, to be written as a part."""

    rows: list[tuple[int, bytes]] = field(default_factory=list)
    slots: int = 0
    size: int = 0  # bytes
    low: float = math.inf
    high: float = -math.inf
    """Times of samples are in [low, high)."""

    def add(self, key: int, step: int, columns: Columns, texts: Texts) -> None:
        """One series: what there is of it. It has texts or numbers, never both."""
        times = columns.times
        if texts.times:
            self._put(key, len(texts.times), encode_texts(texts))
            self._reach(min(texts.times), math.nextafter(max(texts.times), math.inf))
        elif not times:
            return
        elif columns.counts is None and each_its_own(step, times):
            self._put(key, len(times), encode_samples(times, columns.lasts))
            self._reach(times[0] // step * step, (times[-1] // step + 1) * step)
        else:
            slots = Slots()
            fold(slots, step, columns)
            self._put(key, len(slots), encode_slots(slots))
            self._reach(min(slots) * step, (max(slots) + 1) * step)

    def _put(self, key: int, slots: int, data: bytes) -> None:
        self.rows.append((key, data))
        self.slots += slots
        self.size += len(data) + ROW_BYTES

    def _reach(self, low: float, high: float) -> None:
        self.low, self.high = min(self.low, low), max(self.high, high)


class Parts:
    """The thinned data of an open file. Everything raises sqlite3.Error."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self.held: dict[int, Held] = {}
        """What there is, by step."""

    def begin(self) -> None:
        """Within a transaction. Files that did not know of parts, or were used by who did not, are completed."""
        for statement in SCHEMA.split(";\n"):
            self._sql.execute(statement)
        self._sql.execute("DELETE FROM spans WHERE seq NOT IN (SELECT seq FROM batches)")
        self._sql.execute(
            "INSERT INTO spans SELECT seq, time, samples, length(data), NULL, NULL FROM batches "
            "WHERE seq NOT IN (SELECT seq FROM spans)"
        )

    @property
    def newest(self) -> float | None:
        """When it came."""
        both = "SELECT max(time) FROM (SELECT max(time) AS time FROM spans UNION ALL SELECT max(time) FROM parts)"
        found: tuple[float | None] = self._sql.execute(both).fetchone()
        return found[0]

    def shift(self, after: int, by: float) -> None:
        """Batches after this one came so much later."""
        self._sql.execute("UPDATE spans SET time = time + ? WHERE seq > ?", (by, after))

    def correct(self, now: float) -> None:
        """What is of a later moment came just now, or it would be kept for too long."""
        self._sql.execute("UPDATE spans SET time = ? WHERE time > ?", (now, now))
        self._sql.execute("UPDATE parts SET time = ? WHERE time > ?", (now, now))

    def count(self) -> None:
        total = "SELECT coalesce(sum(samples), 0), coalesce(sum(bytes), 0) FROM spans"
        self.held = {RAW: Held(*self._sql.execute(total).fetchone())}
        for step, slots, size in self._sql.execute("SELECT step, sum(slots), sum(bytes) FROM parts GROUP BY step"):
            self.held[step] = Held(slots, size)

    def hold(self, step: int, slots: int, size: int) -> None:
        """So much more."""
        held = self.held.setdefault(step, Held())
        held.slots += slots
        held.bytes += size

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or none. Not synced: what goes with the power is the thinning, and not the data."""
        held = {step: replace(each) for step, each in self.held.items()}
        (synchronous,) = self._sql.execute("PRAGMA synchronous").fetchone()
        self._sql.execute(f"PRAGMA synchronous = {min(synchronous, NORMAL)}")
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            with self._sql:
                yield
        except BaseException:
            self.held = held
            raise
        finally:
            self._sql.execute(f"PRAGMA synchronous = {synchronous}")

    # Reading. Nothing is left open, so that others may be written meanwhile.

    def spans(self, most: int) -> list[tuple[int, float, int]]:
        """Seq, time and samples of the oldest batches."""
        return self._sql.execute("SELECT seq, time, samples FROM spans ORDER BY seq LIMIT ?", (most,)).fetchall()

    def batch(self, seq: int) -> bytes:
        data: bytes = self._sql.execute("SELECT data FROM batches WHERE seq = ?", (seq,)).fetchone()[0]
        return data

    def oldest(self, step: int, before: float, most: int) -> list[Part]:
        found = self._sql.execute(
            "SELECT part, time, first, slots, bytes FROM parts WHERE step = ? AND time < ? ORDER BY time, part LIMIT ?",
            (step, before, most),
        )
        return [Part(*row) for row in found]

    def keys(self, parts: Sequence[Part]) -> dict[int, list[int]]:
        """Of parts, in their order, those of each series."""
        found: dict[int, list[int]] = {}
        for part in parts:
            for (key,) in self._sql.execute("SELECT key FROM thinned WHERE part = ?", (part.part,)):
                found.setdefault(key, []).append(part.part)
        return found

    def row(self, part: int, key: int) -> bytes:
        found = self._sql.execute("SELECT data FROM thinned WHERE part = ? AND key = ?", (part, key))
        data: bytes = found.fetchone()[0]
        return data

    @property
    def first(self) -> int | None:
        """No part has anything of a batch before this one."""
        found: tuple[int | None] = self._sql.execute("SELECT min(first) FROM parts").fetchone()
        return found[0]

    # Changing, within a transaction.

    def insert(self, step: int, made: Made, at: float, first: int) -> None:
        if not made.rows:
            return
        row = (step, at, first, made.slots, made.size, made.low, made.high)
        part = self._sql.execute("INSERT INTO parts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row).lastrowid
        self._sql.executemany("INSERT INTO thinned VALUES (?, ?, ?)", ((part, *each) for each in made.rows))
        self.hold(step, made.slots, made.size)

    def delete_batches(self, last: int) -> None:
        """Up to this one."""
        total = "SELECT coalesce(sum(samples), 0), coalesce(sum(bytes), 0) FROM spans WHERE seq <= ?"
        samples, size = self._sql.execute(total, (last,)).fetchone()
        self._sql.execute("DELETE FROM batches WHERE seq <= ?", (last,))
        self._sql.execute("DELETE FROM spans WHERE seq <= ?", (last,))
        self.hold(RAW, -samples, -size)

    def remove(self, step: int, part: Part, last: int, used: Held) -> None:
        """The series of a part up to the one with the key `last`, which are so much of it."""
        left = "SELECT 1 FROM thinned WHERE part = ? AND key > ? LIMIT 1"
        if self._sql.execute(left, (part.part, last)).fetchone() is None:
            self.delete(step, part)
        elif used.slots:
            self._sql.execute("DELETE FROM thinned WHERE part = ? AND key <= ?", (part.part, last))
            less = "UPDATE parts SET slots = slots - ?, bytes = bytes - ? WHERE part = ?"
            self._sql.execute(less, (used.slots, used.bytes, part.part))
            self.hold(step, -used.slots, -used.bytes)

    def delete(self, step: int, part: Part) -> None:
        self._sql.execute("DELETE FROM thinned WHERE part = ?", (part.part,))
        self._sql.execute("DELETE FROM parts WHERE part = ?", (part.part,))
        self.hold(step, -part.slots, -part.bytes)

    def delete_oldest(self, step: int, before: float) -> None:
        """Some of those that are older; in any case the oldest."""
        for part in self.oldest(step, before, DELETED_AT_ONCE) or self.oldest(step, math.inf, 1):
            self.delete(step, part)
