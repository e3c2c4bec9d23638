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
REST_MIN_S = 0.002  # all are served once in less: no rest, since the event loop's timers are no finer than 1 ms
STEP_MEMBERS = 256  # served without a pause, while much comes
MUCH_SAMPLES = 200  # in one step; then batches are worth sharing, and time for reading is needed
BUSY_S = 0.1  # after samples were served more are to be expected
ENOUGH_SAMPLES = 7_000  # for a batch of which every byte is cheap to send: a rest ends before its time


class Flusher:
    """Runs the hub's flushes. `wake` is called, without waiting, when something is pending.

    Whoever takes in several messages at once calls `hold` before and `release` after them: they are flushed together.
    """

    def __init__(self, rest_max_s: float, rest_ratio: float = 1.0) -> None:
        self.pace(rest_max_s, rest_ratio)
        self._pending = trio.Event()
        self._enough = trio.Event()
        self._hub: Hub | None = None
        self._held = self._woken = False
        self._resting = True  # until it runs
        self._took = 0.0  # the last step
        self._served, self._served_at = 0, -BUSY_S
        self._worked = 0.0  # since the last rest, or since the round began
        self._round = 0  # sections to be served before any is served twice
        self.times = FlushTimes()
        self.histogram = Histogram()

    def pace(self, rest_max_s: float, rest_ratio: float) -> None:
        """How long it rests from now on."""
        self._rest_max_s = rest_max_s
        self._rest_ratio = rest_ratio

    def busy(self) -> bool:
        """Samples were served just now."""
        return trio.current_time() - self._served_at < BUSY_S

    def wake(self) -> None:
        if self._held:
            self._woken = True
        else:
            self._notify()

    def _notify(self) -> None:
        self._pending.set()
        if self._hub is not None and self._hub.pending >= ENOUGH_SAMPLES:
            self._enough.set()

    def hold(self) -> None:
        self._held = True

    def release(self) -> None:
        self._held = False
        if not self._woken:
            return
        self._woken = False
        hub, others_first = self._hub, self._resting or self._took > QUICK_S
        if hub is None or others_first or hub.waiting or hub.pending > MUCH_SAMPLES:
            self._notify()
        elif self._step(hub, SECTION_MEMBERS) is not None or hub.waiting:  # the others are served by `run`
            self._pending.set()

    async def run(self, hub: Hub) -> None:
        self._hub, due = hub, None
        while True:
            self._resting = False
            if not (hub.waiting or hub.pending):
                with trio.CancelScope(deadline=trio.current_time() + 3600 if due is None else due):
                    await self._pending.wait()
            self._pending, self._enough = trio.Event(), trio.Event()
            self._resting = True
            much = hub.pending > MUCH_SAMPLES
            due = self._step(hub, STEP_MEMBERS if much else SECTION_MEMBERS)
            while much and hub.waiting:  # all get the same batches before more is taken in
                await trio.lowlevel.checkpoint()
                due = self._step(hub, STEP_MEMBERS, collect=False)
            await trio.lowlevel.checkpoint()  # for whoever brings more
            # Within a round only if something new has come, which more may join: a lone batch needs no pause.
            if much or (self._worked > REST_MIN_S and (hub.pending or not hub.waiting)):
                with trio.move_on_after(min(self._worked * self._rest_ratio, self._rest_max_s)):
                    await self._enough.wait()
                self._worked = 0.0

    def _step(self, hub: Hub, members: int, *, collect: bool = True) -> float | None:
        """Takes in what was published and serves about so many. Returns when the next throttled section is due."""
        work = bool(hub.waiting or hub.pending)
        began = time.perf_counter()
        now = trio.current_time()
        if collect:
            hub.collect(now)
        if self._round <= 0:
            self._round, self._worked = hub.waiting, 0.0
        self._round -= hub.serve(now, members)
        due = hub.flush_due(now, members)
        if hub.served != self._served:
            self._served, self._served_at = hub.served, now
        self._took = time.perf_counter() - began
        self._worked += self._took
        if work:
            self.times.add(self._took)
            self.histogram = self.histogram.add(self._took)
        return due
