"""The thread that writes. Between it and the event loop is a queue with a bound, and neither waits for the other.

What came while one transaction was committed goes into the next. What cannot be written is tried again every second,
and meanwhile the queue takes what it can.
"""

import logging
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from broadcaster.store.codec import DamagedError
from broadcaster.store.file import StoreFile, damaged, set_aside
from broadcaster.store.parts import Held
from broadcaster.store.thinning import Ages, Pieces, Thinning, pressed
from broadcaster.store.units import Place, Unit

RETRY_S = 1.0
TRIM_S = 5.0
EMPTY_S = 0.5  # between attempts to empty a log that is too large
THIN_S = 5.0  # between looks for what is old enough
THIN_RESTS = 4.0  # times as long as it took: of one core, thinning takes a fifth at most
THIN_RETRY_S = 60.0
COMMIT_BYTES = 33_554_432  # one transaction; more waits for the next, so that acks do not wait for all

log = logging.getLogger("streamgauge.store")


@dataclass(frozen=True, slots=True)
class Bounds:
    age_s: float
    bytes: int
    queue_bytes: int
    producer_memory_s: float
    ages: Ages = ()
    raw_s: float = 0.0  # for so long everything is kept as it came

    def ages_at(self, size: int) -> Ages:
        """Of a file that takes so many bytes."""
        return pressed(self.ages, self.raw_s, size / self.bytes) if self.bytes else self.ages


@dataclass(slots=True)
class Progress:
    """What the thread says; read by the event loop, too, which may see it a moment late."""

    stored: int = 0  # the number of the last unit that is
    failing: bool = False
    wants_all: bool = False  # a new file was begun: it needs to be told of all series and producers
    batches: int = 0
    bytes: int = 0
    queued_bytes: int = 0
    held: dict[int, Held] = field(default_factory=dict)  # by step; 0: as it came
    thinned: int = 0  # transactions
    damaged: int = 0  # batches and rows that were left out


class Writer:
    """`told` is called from the thread after each commit and each failure; it must not wait."""

    def __init__(
        self, directory: Path, reopen: Callable[[], StoreFile], bounds: Bounds, place: Place, told: Callable[[], None]
    ) -> None:
        """`reopen` raises as StoreFile does, and OSError."""
        self._directory = directory
        self._reopen = reopen
        self._bounds = bounds
        self._place = place
        self._begun = False
        self._last_seq = -1
        self._told = told
        self._file: StoreFile | None = None
        self._queue: deque[Unit] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._all: Unit | None = None
        self._trimmed = self._thin_at = time.monotonic()
        self._emptied, self._log_full = -math.inf, False
        self._thinning: Thinning | None = None
        self._pieces: Pieces = iter(())
        self._thinning_fails = False
        self._thin_took_s = 0.0
        self.progress = Progress()
        self.clean = False  # in the end: everything was stored
        self._thread = threading.Thread(target=self._run, name="streamgauge-store", daemon=True)

    def start(self, file: StoreFile | None, *, begun: bool) -> None:
        """With a file, and whether `begin` succeeded; None for one that could not be used."""
        self._file, self._begun = file, begun
        self.progress.failing = not begun
        if begun and file is not None:
            self._measure(file)
        self._thread.start()

    def submit(self, unit: Unit, *, owed: bool = False) -> bool:
        """False: the queue is full, and the unit is not taken. One that is owed is."""
        with self._changed:
            if self._queue and not owed and self.progress.queued_bytes + unit.bytes > self._bounds.queue_bytes:
                return False
            self._queue.append(unit)
            self.progress.queued_bytes += unit.bytes
            self._changed.notify()
        return True

    @property
    def queued(self) -> int:
        """Units."""
        return len(self._queue)

    def tell_all(self, unit: Unit) -> None:
        """All series and producers, for a file that was begun anew."""
        with self._changed:
            self._all = unit
            self.progress.wants_all = False
            self._changed.notify()

    def stop(self, within_s: float, last_seq: int) -> bool:
        """Writes what waits, for so long. True if all up to the batch `last_seq` was stored."""
        with self._changed:
            self._stopping, self._last_seq = True, last_seq
            self._changed.notify()
        self._thread.join(within_s)
        return self.clean

    # In the thread.

    def _run(self) -> None:
        while not (self._stopping and not self._queue):
            try:
                self._step(self._usable())
            except (sqlite3.Error, OSError, DamagedError) as error:
                self._failed(error)
                if self._stopping:
                    break
                with self._changed:
                    self._changed.wait(RETRY_S)
        self._end()

    def _end(self) -> None:
        file = self._file
        if file is None:
            return
        try:
            if not self.progress.failing and file.seq == self._last_seq:
                file.end()
                self.clean = True
            file.close()
        except sqlite3.Error as error:
            self.clean = False
            log.error("the end of the history could not be stored", extra={"problem": str(error)})

    def _usable(self) -> StoreFile:
        """Opened, and told where this life begins."""
        if self._file is None:
            self._file = self._reopen()
        if self._file.new or self._file.epoch != self._place.epoch:
            if not self._file.new:
                self._replace("it is of another life, which could not be read")
            self.progress.wants_all = self._all is None
            self._file.begin(self._place)
            self._told()
        elif not self._begun:
            self._file.begin(self._place)
        self._begun = True
        return self._file

    def _replace(self, problem: str) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._begun, self._thinning = False, None
        aside = set_aside(self._directory)
        log.error("the stored history was set aside", extra={"problem": problem, "file": str(aside)})
        self._all = None
        self._file = self._reopen()

    def _step(self, file: StoreFile) -> None:
        if time.monotonic() - self._trimmed >= TRIM_S:
            self._trim(file)
        if time.monotonic() - self._emptied >= EMPTY_S:
            self._log_full = file.empty_log()
            self._emptied = time.monotonic()
        idle = not (self._queue or self._stopping or self.progress.wants_all or self.progress.failing)
        if idle and time.monotonic() >= self._thin_at:
            self._thin(file)
        with self._changed:
            wants = self.progress.wants_all
            if wants or not (self._queue or self._stopping):
                self._changed.wait(RETRY_S if wants or self.progress.failing else self._rest_s)
            units, size = list[Unit](), 0
            for unit in () if self.progress.wants_all else self._queue:
                if units and size + unit.bytes > COMMIT_BYTES:
                    break
                units.append(unit)
                size += unit.bytes
        if self.progress.failing and not self.progress.wants_all:
            file.checkpoint()  # of a full disk, the log may have what is needed
        if units:
            self._write(file, units, size)
        elif self.progress.failing and not self.progress.wants_all:
            file.write(())  # it may be well again without anything that waits
            self._recovered()
            self._told()

    def _write(self, file: StoreFile, units: list[Unit], size: int) -> None:
        told, self._all = self._all, None
        try:
            count = file.write([told, *units] if told is not None else units)
        except BaseException:
            self._all = told
            raise
        with self._changed:
            for _ in units:
                self._queue.popleft()
            self.progress.queued_bytes -= size
        self.progress.batches += count
        self.progress.stored = units[-1].number
        self._recovered()
        self._told()

    def _recovered(self) -> None:
        if self.progress.failing:
            self.progress.failing = False
            log.warning("the history is stored again")

    def _failed(self, error: Exception) -> None:
        if not self.progress.failing:
            self.progress.failing = True
            log.error("the history cannot be stored", extra={"problem": str(error), "directory": str(self._directory)})
            self._told()
        if not damaged(error):
            return
        try:
            self._place = self._going_on()
            self._replace(str(error))
        except (sqlite3.Error, OSError, DamagedError) as another:
            log.error("a new file for the history cannot be begun", extra={"problem": str(another)})

    def _going_on(self) -> Place:
        """A new file begins behind what the one before had."""
        seq = self._place.seq
        if self._file is not None and self._file.meta:
            seq = max(seq, self._file.seq)
        return Place(self._place.epoch, seq, self._place.next_key, self._place.breaks)

    def _trim(self, file: StoreFile) -> None:
        self._trimmed, now = time.monotonic(), file.look()
        before = now - self._bounds.age_s if self._bounds.age_s else -math.inf
        if file.trim(before, self._bounds.bytes, now - self._bounds.producer_memory_s):
            self._thinning = None  # what it has read may be gone
            self._trimmed -= TRIM_S  # there may be more: after the next transaction
        self._measure(file)

    def _measure(self, file: StoreFile) -> None:
        self.progress.bytes = file.bytes
        self.progress.held = {step: replace(held) for step, held in file.parts.held.items()}

    @property
    def _rest_s(self) -> float:
        return max(0.0, min(EMPTY_S if self._log_full else TRIM_S, self._thin_at - time.monotonic()))

    def _thin(self, file: StoreFile) -> None:
        """Until it is done, or something is to be written; then it goes on after that."""
        if not self._bounds.ages:
            self._thin_at = math.inf
            return
        began = time.monotonic()
        if self._thinning is None:
            self._thin_took_s = 0.0
            self._thinning = Thinning(file.parts, self._bounds.ages_at(file.bytes), file.look())
            self._pieces = self._thinning.pieces()
        try:
            for _ in self._pieces:
                time.sleep(0)  # the event loop may want to go on
                if self._queue or self._stopping:
                    self._thin_took_s += time.monotonic() - began
                    return
        except sqlite3.Error as error:
            self._thinning = None
            if damaged(error):
                raise
            self._not_thinned(error)
            return
        self._thinned(file, self._thinning, self._thin_took_s + time.monotonic() - began)

    def _thinned(self, file: StoreFile, thinning: Thinning, took_s: float) -> None:
        self._thinning, self._thinning_fails = None, False
        self._thin_at = time.monotonic() + (THIN_RESTS * took_s if thinning.done else THIN_S)
        self.progress.damaged += thinning.damaged
        if thinning.done:
            self.progress.thinned += 1
            self._measure(file)

    def _not_thinned(self, error: sqlite3.Error) -> None:
        """Nothing is lost by that: it is kept as it came, and tried again."""
        self._thin_at = time.monotonic() + THIN_RETRY_S
        if not self._thinning_fails:
            self._thinning_fails = True
            log.error("the stored history cannot be thinned", extra={"problem": str(error)})
