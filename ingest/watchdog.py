"""A loop that stands still serves nobody and can tell nobody: a thread beside it does."""

import logging
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable

import trio

from ingest.notify import notify, watchdog_s

PERIOD_MAX_S = 0.5
STACK_FRAMES = 30  # of the innermost

log = logging.getLogger("streamgauge.watchdog")


class Watchdog:
    """Notices when the trio loop that runs it does nothing else for `stall_s`; 0: never.

    Such a stall is logged once, with the loop's stack, and counted in `stalls`. A service manager that waits for
    WATCHDOG=1 hears it from the loop itself, so that a loop which never goes on is restarted.
    """

    def __init__(self, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.stall_s = stall_s
        self.stalls = 0
        self._clock = clock
        self._beaten = self._looked = clock()
        self._barked = False
        self._lock = threading.Lock()
        self._ended = threading.Event()

    async def run(self) -> None:
        """Until cancelled."""
        manager_s = watchdog_s() or math.inf
        notified = -math.inf
        loop = threading.get_ident()
        self.beat()
        watcher = threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True)
        watcher.start()
        try:
            while True:
                if self._clock() - notified >= manager_s / 3:
                    notified = self._clock()
                    notify("WATCHDOG=1")
                await trio.sleep(min(self._period_s(), manager_s / 4))
                self.beat()
        finally:
            self._ended.set()

    def _period_s(self) -> float:
        return min(PERIOD_MAX_S, self.stall_s / 4) if self.stall_s else PERIOD_MAX_S

    def beat(self) -> None:
        """The loop goes on."""
        with self._lock:
            now = self._clock()
            stalled_s, self._beaten = now - self._beaten, now
            barked, self._barked = self._barked, False
        if barked:
            log.warning("the loop goes on", extra={"stalled_s": round(stalled_s, 3)})

    def _watch(self, loop: int) -> None:
        while not self._ended.wait(self._period_s()):
            self.look(loop)

    def look(self, loop: int) -> None:
        """Is it still beating? `loop` is the thread that it runs in."""
        with self._lock:
            now = self._clock()
            asleep_s, self._looked = now - self._looked, now
            silent_s = now - self._beaten
            # A look that comes so late itself: the whole process stood still, or the machine did.
            if self.stall_s and not self._barked and silent_s >= self.stall_s > asleep_s:
                self._bark(loop, silent_s)

    def _bark(self, loop: int, silent_s: float) -> None:
        frame = sys._current_frames().get(loop)
        stack = "".join(traceback.format_stack(frame)[-STACK_FRAMES:]) if frame is not None else None
        log.error("the loop stands still", extra={"stalled_s": round(silent_s, 3), "stack": stack})
        self._barked = True
        self.stalls += 1
