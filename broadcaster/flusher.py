"""When to flush: at once when something comes, and after a flush a rest as long as it took.

So a quiet viewer sees a sample in well under a millisecond, a thousand get large batches, and half of the time is left
for reading.
"""

import time

import trio

from broadcaster.hub import Hub
from broadcaster.statistics import Histogram
from broadcaster.telemetry import FlushTimes

REST_MIN_S = 0.0005  # below this a timer costs more than it saves


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
            with trio.CancelScope(deadline=trio.current_time() + 3600 if due is None else due):
                await self._pending.wait()
            woken, self._pending = self._pending.is_set(), trio.Event()
            began = time.perf_counter()
            now = trio.current_time()
            hub.flush(now)
            due = hub.flush_due(now)
            took = time.perf_counter() - began
            if woken:
                self.times.add(took)
                self.histogram = self.histogram.add(took)
            if took > REST_MIN_S:
                await trio.sleep(min(took, self._rest_max_s))
            else:
                await trio.lowlevel.checkpoint()
