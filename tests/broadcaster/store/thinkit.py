"""A file with batches, and everything that is in it, thinned or not, by a reading of its own."""

import math
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from broadcaster.store.codec import decode, encode
from broadcaster.store.file import NAME, StoreFile
from broadcaster.store.thinned import Texts, decode_row
from broadcaster.store.thinning import Ages, Thinning
from broadcaster.store.units import Batch, Place, SeriesRow, Unit

ALL: Ages = ((1, 0.0), (10, 0.0), (60, 0.0))
LATER = 1e9
"""A moment at which everything is old."""
Written = Mapping[int, tuple[Sequence[float], Sequence[float | str | None]]]
"""Times and values, by key."""


@dataclass
class Total:
    """Of one series."""

    count: float = 0
    low: float = math.inf
    high: float = -math.inf
    sum: float = 0
    texts: list[tuple[float, str]] = field(default_factory=list)

    def add(self, count: float, low: float, high: float, total: float) -> None:
        self.count += count
        self.low, self.high, self.sum = min(self.low, low), max(self.high, high), self.sum + total


def opened(directory: Path) -> StoreFile:
    file = StoreFile(directory, "accepted")
    file._sql.execute("PRAGMA synchronous = OFF")  # crashes here are of the process
    file.begin(Place("e", 0 if file.new else file.seq, 1))
    return file


def batch(seq: int, at: float, columns: Written) -> Batch:
    parts = [
        (key, bool(values) and isinstance(values[0], str), times, values) for key, (times, values) in columns.items()
    ]
    every = [time for times, _ in columns.values() for time in times]
    return Batch(seq, at, len(every), encode(parts), min(every), max(every))


def put(file: StoreFile, at: float, columns: Written) -> None:
    rows: list[SeriesRow] = [
        (key, f"m{key}", "{}", "event" if isinstance(values[0], str) else "gauge", None, None)
        for key, (_, values) in columns.items()
    ]
    file.write([Unit(1, [batch(file.seq + 1, at, columns)], rows)])


def thin(file: StoreFile, ages: Ages = ALL, now: float = LATER) -> bool:
    thinning = Thinning(file.parts, ages, now)
    for _ in thinning.pieces():
        """Without a pause."""
    return thinning.done


def thin_all(file: StoreFile, ages: Ages = ALL, now: float = LATER) -> None:
    while thin(file, ages, now):
        """There is more."""


def totals(sql: sqlite3.Connection) -> dict[int, Total]:
    found: dict[int, Total] = defaultdict(Total)
    for (data,) in sql.execute("SELECT data FROM batches ORDER BY seq"):
        for key, times, values in decode(data):
            for time, value in zip(times, values, strict=True):
                if isinstance(value, str):
                    found[key].texts.append((time, value))
                elif isinstance(value, float) and not math.isnan(value):
                    found[key].add(1, value, value, value)
    for key, data in sql.execute("SELECT key, data FROM thinned"):
        row = decode_row(data)
        if isinstance(row, Texts):
            found[key].texts += zip(row.times, row.values, strict=True)
            continue
        counts = row.counts or [1] * len(row.times)
        for part in zip(counts, row.mins, row.maxs, row.sums, strict=True):
            found[key].add(*part)
    for total in found.values():
        total.texts.sort()
    return {key: total for key, total in found.items() if total.count or total.texts}


def steps(file: StoreFile) -> dict[int, int]:
    """Slots by step, as they are counted; and that this is what there is."""
    counted = {step: (held.slots, held.bytes) for step, held in file.parts.held.items() if held.slots}
    file.parts.count()
    assert counted == {step: (held.slots, held.bytes) for step, held in file.parts.held.items() if held.slots}
    return {step: slots for step, (slots, _) in counted.items()}


def crash(file: StoreFile, into: Path) -> StoreFile:
    """What a disk has at this moment, opened again."""
    into.mkdir()
    for path in file.path.parent.glob(f"{NAME}*"):
        if not path.name.endswith("-shm"):  # which lives in memory
            shutil.copy(path, into)
    return opened(into)
