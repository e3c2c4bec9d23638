"""When to flush: at once when something comes, and after it a rest as long as it took.

So a quiet viewer sees a sample in well under a millisecond, a thousand get larger batches, and half of the time is left
for reading. A large audience is served in steps. While little comes, each step takes in what is newest, so that nobody
waits for others to be served; while much comes, all sections share the same batches, which are encoded once.
"""

import time

import trio

from broadcaster.audience import SECTION_MEMBERS
from broadcaster.hub import Hub
from broadcaster.statistics import Histogram
from broadcaster.telemetry import FlushTimes

QUICK_S = 0.0002  # a step of so little is taken by whoever brought the samples, without waiting for another task
REST_MIN_S = 0.001  # a step below this is followed by no rest: a timer would cost more than it saves
MUCH_SAMPLES = 200  # in one step; then batches are worth sharing, and time for reading is needed


class Flusher:
    """Runs the hub's flushes. `wake` is called, without waiting, when something is pending.

    Whoever takes in several messages at once calls `hold` before and `release` after them: they are flushed together.
    """

    def __init__(self, rest_max_s: float) -> None:
        self._rest_max_s = rest_max_s
        self._pending = trio.Event()
        self._hub: Hub | None = None
        self._held = self._woken = False
        self._resting = True  # until it runs
        self._took = 0.0
        self.times = FlushTimes()
        self.histogram = Histogram()

    def wake(self) -> None:
        if self._held:
            self._woken = True
        else:
            self._pending.set()

    def hold(self) -> None:
        self._held = True

    def release(self) -> None:
        self._held = False
        if not self._woken:
            return
        self._woken = False
        hub, others_first = self._hub, self._resting or self._took > QUICK_S
        if hub is None or others_first or hub.waiting or hub.pending > MUCH_SAMPLES:
            self._pending.set()
            return
        if self._step(hub) is not None:  # somebody is to be served later, which `run` has to know
            self._pending.set()

    async def run(self, hub: Hub) -> None:
        self._hub, due = hub, None
        while True:
            self._resting = False
            if not (hub.waiting or hub.pending):
                with trio.CancelScope(deadline=trio.current_time() + 3600 if due is None else due):
                    await self._pending.wait()
            self._pending = trio.Event()
            self._resting = True
            much = hub.pending > MUCH_SAMPLES
            due = self._step(hub)
            if self._took > REST_MIN_S or much:
                await trio.sleep(min(self._took, self._rest_max_s))
            else:
                await trio.lowlevel.checkpoint()

    def _step(self, hub: Hub) -> float | None:
        """Takes in what was published and serves a section. Returns when the next throttled one is due."""
        work = bool(hub.waiting or hub.pending)
        began = time.perf_counter()
        now = trio.current_time()
        if not (hub.waiting and hub.pending > MUCH_SAMPLES):
            hub.collect(now)
        hub.serve(now, SECTION_MEMBERS)
        due = hub.flush_due(now)
        self._took = time.perf_counter() - began
        if work:
            self.times.add(self._took)
            self.histogram = self.histogram.add(self._took)
        return due
