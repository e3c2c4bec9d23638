"""The stored history of one broadcaster, from its restoration to its clean end."""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.ledger import Account, Ledger
from broadcaster.limits import RateLimited
from broadcaster.store.codec import DamagedError
from broadcaster.store.file import StoreFile, set_aside
from broadcaster.store.lock import InUseError, Lock
from broadcaster.store.mark import Mark
from broadcaster.store.recorder import Recorder
from broadcaster.store.restore import Now, place_of, restore
from broadcaster.store.units import Place
from broadcaster.store.writer import Bounds, Writer
from ingest.errors import CommandError

CLOSE_S = 10.0
ANSWER_S = 10.0
BEHIND = "store: what is published cannot be stored at the moment; send it again later"
BEHIND_S = 1.0

log = logging.getLogger("streamgauge.store")


class Store:
    """Restores when it is entered, which is before anybody publishes or subscribes, and stores until it is left."""

    def __init__(self, directory: Path, config: BroadcasterConfig, hub: Hub, ledger: Ledger) -> None:
        self._directory = directory
        self._config = config
        self._hub = hub
        self._ledger = ledger
        self._lock: Lock | None = None
        self._mark: Mark | None = None
        self.withholds = config.durability == "committed"

    def __enter__(self) -> Self:
        """Raises CommandError: the directory is in use, or cannot be read."""
        config, history = self._config, self._hub.history
        file = self._open()
        if self._lock is not None:
            self._mark = Mark.of(self._directory)
        place, begun = Place(history.epoch, 0, 1), False
        returned = list[Record]()
        try:
            if file is not None and not file.new:
                returned = self._restore(file)
                reached = self._mark.reached(file.mark) if self._mark is not None else None
                place = place_of(file, clean=file.clean, reached=reached)
            if file is not None:
                begun = self._begin(file, place)
                if not begun and not file.new:  # the next life must not go on as this one did
                    place = place_of(file, clean=False)
        except BaseException:
            self._unlock()
            raise
        history.go_on(place.epoch, place.seq, place.next_key)
        history.breaks = tuple(each for each in place.breaks if each[1] > history.lost_seq)
        bounds = _bounds(config)
        token = trio.lowlevel.current_trio_token()

        def told() -> None:
            try:
                token.run_sync_soon(self._advance, idempotent=True)
            except trio.RunFinishedError:
                log.debug("nobody listens any more")

        self._writer = Writer(self._directory, self._reopened, bounds, place, told)
        self._recorder = Recorder(
            self._hub,
            self._ledger,
            self._writer,
            withholds=self.withholds,
            queue_bytes=config.store_queue_bytes,
            reach=None if self._mark is None or self.withholds else self._mark.reach,
        )
        for record in returned:
            self._recorder.described(record)
        self._hub.recorder = self._recorder
        self._writer.start(file, begun=begun)
        self._advance()
        return self

    def _reopened(self) -> StoreFile:
        if self._lock is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = Lock(self._directory)
        return StoreFile(self._directory, self._config.durability)

    def _open(self) -> StoreFile | None:
        """None: the disk is full or cannot be written to, and live service goes on without it."""
        try:
            try:
                return self._reopened()
            except DamagedError as error:
                aside = set_aside(self._directory)
                extra = {"problem": str(error), "file": str(aside)}
                log.error("the stored history is damaged and was set aside", extra=extra)
                return self._reopened()
        except InUseError as error:
            raise CommandError(f"data_dir: {self._directory}: {error}") from None
        except (sqlite3.Error, OSError, DamagedError) as error:
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        log.error("the history cannot be stored", extra={"problem": str(error), "directory": str(self._directory)})

    def _restore(self, file: StoreFile) -> list[Record]:
        config, began = self._config, time.perf_counter()
        now = Now(trio.current_time(), file.clock.now)
        try:
            found = restore(file, self._hub, self._ledger, config.history_age_s, config.history_bytes, now)
        except (sqlite3.Error, ValueError) as error:
            raise CommandError(f"data_dir: {file.path} cannot be read: {error}; moved away, a new one begins") from None
        extra = {
            "series": found.series,
            "samples": found.samples,
            "clean": file.clean,
            "seconds": round(time.perf_counter() - began, 3),
        }
        log.info("restored", extra=extra)
        return found.returned

    def _begin(self, file: StoreFile, place: Place) -> bool:
        try:
            file.begin(place, self._mark.begin(place.seq) if self._mark is not None else "")
        except sqlite3.Error as error:
            self._complain(error)
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """What was accepted is stored; that takes as long as the disk does, up to CLOSE_S."""
        self._hub.collect(trio.current_time())
        self._hub.recorder = None
        if not self._writer.stop(CLOSE_S, self._hub.collected_seq):
            log.error("not all was stored at the end", extra={"units": self._writer.queued})
        elif self._mark is not None:
            self._mark.remove()
        self._unlock()

    def _unlock(self) -> None:
        if self._mark is not None:
            self._mark.close()
            self._mark = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # At work.

    def _advance(self) -> None:
        if self._hub.recorder is None:  # it is over
            return
        self._recorder.advance(trio.current_time())

    def sweep(self, now: float) -> None:
        self._recorder.check(now)

    def touched(self, producer: str, account: Account) -> None:
        """A message of the producer was applied, or refused."""
        self._recorder.touched(producer, account)

    def admit(self, id: int | None) -> None:
        """Raises RateLimited if what is published now could not be acknowledged soon."""
        if self._recorder.refusing:
            raise RateLimited(BEHIND, id, BEHIND_S)

    def after(self, done: Callable[[], None], *, applied: bool = True) -> None:
        """As `Recorder.after`."""
        self._recorder.after(done, applied=applied)

    async def stored(self) -> None:
        """Waits until all that was published until now is, for so long. Raises RateLimited."""
        event = trio.Event()
        self.after(event.set)
        with trio.move_on_after(ANSWER_S):
            await event.wait()
            return
        raise RateLimited(BEHIND, None, BEHIND_S)

    def figures(self) -> dict[str, Any]:
        progress = self._writer.progress
        return {
            "store_failing": int(self._recorder.failing),
            "stored_batches": progress.batches,
            "store_lost_batches": self._recorder.lost_batches,
            "store_bytes": progress.bytes,
            "store_queue": progress.queued_bytes,
            "store_thinned": progress.thinned,
            "store_damaged": progress.damaged,
            "store_held": {_step(step): held.slots for step, held in progress.held.items()},
            "store_held_bytes": {_step(step): held.bytes for step, held in progress.held.items()},
        }


def _step(step: int) -> str:
    """A step as a label."""
    return f"{step}s" if step else "raw"


def _bounds(config: BroadcasterConfig) -> Bounds:
    return Bounds(
        config.store_age_s,
        config.store_bytes,
        config.store_queue_bytes,
        config.producer_memory_s,
        config.thinning,
        config.history_age_s,
    )
