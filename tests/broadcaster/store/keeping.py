"""A broadcaster's core with a stored history and without a thread: what is written when is said by the test."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broadcaster.history import Record
from broadcaster.ledger import Account
from broadcaster.store.file import NAME, StoreFile
from broadcaster.store.recorder import Recorder
from broadcaster.store.restore import Now, Restored, place_of, restore
from broadcaster.store.units import Place
from broadcaster.store.writer import Bounds, Writer
from ingest.messages import MessageError
from tests.broadcaster.world import World

REACHED = "reached"


class ByHand(Writer):
    """A writer that writes when told. `broken`: the disk takes nothing."""

    broken = False

    def use(self, file: StoreFile) -> None:
        self._file, self._begun = file, True

    def commit(self, most: int = 10**9) -> None:
        """Units from the front of the queue, in one transaction."""
        file, units = self._file, list(self._queue)[:most]
        assert file is not None
        if self.broken:
            if not self.progress.failing:
                self._failed(OSError("broken"))
        elif units:
            self._write(file, units, sum(unit.bytes for unit in units))
        elif self.progress.failing:
            self._recovered()
            self._told()


class Kept(World):
    """Begins with what is in the directory."""

    def __init__(self, directory: Path, *, queue_bytes: int = 1_000_000, **settings: Any) -> None:
        super().__init__(data_dir=directory, **settings)
        self.directory = directory
        self.file = StoreFile(directory, self.config.durability)
        self.file._sql.execute("PRAGMA synchronous = OFF")  # crashes here are of the process
        place, self.restored = Place(self.history.epoch, 0, 1), Restored()
        if not self.file.new:
            now = Now(self.clock.now, time.time())
            age_s, most = self.config.history_age_s, self.config.history_bytes
            self.restored = restore(self.file, self.hub, self.shared.ledger, age_s, most, now)
            reached = directory / REACHED
            known = int(reached.read_text()) if reached.exists() else None
            place = place_of(self.file, clean=self.file.clean, reached=known)
        self.file.begin(place)
        self.history.go_on(place.epoch, place.seq, place.next_key)
        self.history.breaks = place.breaks
        bounds = Bounds(0.0, 0, queue_bytes, 600.0)
        self.writer = ByHand(directory, lambda: self.file, bounds, place, self.advance)
        self.writer.use(self.file)
        self.withholds = self.config.durability == "committed"
        self.recorder = Recorder(
            self.hub,
            self.shared.ledger,
            self.writer,
            withholds=self.withholds,
            queue_bytes=queue_bytes,
            reach=self._reach,
        )
        self._reached = place.seq
        self.hub.recorder = self.recorder
        self.shared.store = self

    def _reach(self, seq: int) -> None:
        self._reached = seq

    def advance(self) -> None:
        self.recorder.advance(self.clock.now)

    def commit(self, most: int = 10**9) -> None:
        self.writer.commit(most)

    def stop(self) -> None:
        """A clean end."""
        self.hub.collect(self.clock.now)
        self.commit()
        self.file.end()
        self.file.close()

    def crash(self, into: Path, *, remembers: bool = True) -> Path:
        """What a disk has at this moment, in another directory; `remembers`: and its shared memory, here a file."""
        for path in self.directory.glob(f"{NAME}*"):
            if not path.name.endswith("-shm"):  # which lives in memory
                shutil.copy(path, into)
        self.file.close()
        if remembers:
            (into / REACHED).write_text(str(self._reached))
        return into

    # The store, as sessions see it.

    def admit(self, id: int | None) -> None:
        if self.recorder.refusing:
            raise MessageError("rate_limited", "store", id)

    def touched(self, producer: str, account: Account) -> None:
        self.recorder.touched(producer, account)

    def after(self, done: Callable[[], None], *, applied: bool = True) -> None:
        self.recorder.after(done, applied=applied)

    def sweep(self, now: float) -> None:
        self.recorder.check(now)

    # What is held.

    def values(self, metric: str) -> list[object]:
        return [value for record in self.records(metric) for value in record.ring.slice(0, 2**62)[1]]

    def records(self, metric: str) -> list[Record]:
        return [record for record in self.history.records.values() if record.series.metric == metric]
