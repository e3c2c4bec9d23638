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

REST_MIN_S = 0.001  # a step below this is followed by none: a timer would cost more than it saves
MUCH_SAMPLES = 200  # in one step; then batches are worth sharing, and time for reading is needed


class Flusher:
    """Runs the hub's flushes. `wake` is called, without waiting, when something is pending."""

    def __init__(self, rest_max_s: float) -> None:
        self._rest_max_s = rest_max_s
        self._pending = trio.Event()
        self.times = FlushTimes()
        self.histogram = Histogram()

    def wake(self) -> None:
        self._pending.set()

    async def run(self, hub: Hub) -> None:
        due: float | None = None
        while True:
            if not (hub.waiting or hub.pending):
                with trio.CancelScope(deadline=trio.current_time() + 3600 if due is None else due):
                    await self._pending.wait()
            woken, self._pending = bool(hub.waiting or hub.pending), trio.Event()
            began = time.perf_counter()
            now = trio.current_time()
            much = hub.pending > MUCH_SAMPLES
            if not (much and hub.waiting):
                hub.collect(now)
            hub.serve(now, SECTION_MEMBERS)
            due = hub.flush_due(now)
            took = time.perf_counter() - began
            if woken:
                self.times.add(took)
                self.histogram = self.histogram.add(took)
            if took > REST_MIN_S or much:
                await trio.sleep(min(took, self._rest_max_s))
            else:
                await trio.lowlevel.checkpoint()
