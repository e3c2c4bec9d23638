"""When which alert is to be looked at again. Pure.

A heap that is lazy: an alert whose time moves back (each sample moves a silence back) is not moved in the heap, but
looked at when its old time comes. So a sample costs the timers nothing.
"""

import heapq
import itertools
from collections.abc import Iterator

from broadcaster.alerts.instance import Instance


class Timers:
    """Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Instance]] = []
        self._tie = itertools.count()

    def set(self, instance: Instance, due: float) -> None:
        """Wakes the instance at `due` at the latest; an earlier time that was set stays."""
        if instance.wake is None or due < instance.wake:
            instance.wake = due
            heapq.heappush(self._heap, (due, next(self._tie), instance))

    @property
    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Instance | None]:
        """Those whose time has come; what was set is then forgotten. None: one that is not waited for any more."""
        while self._heap and self._heap[0][0] <= now:
            at, _, instance = heapq.heappop(self._heap)
            if instance.wake == at:
                instance.wake = None
                yield instance
            else:
                yield None

    def __len__(self) -> int:
        return len(self._heap)
