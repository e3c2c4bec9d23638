"""Who wants no more than so many batches a second, and has to wait for the next. Pure."""

import itertools
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar


class Due(Protocol):
    due: float
    """When it may be served, in seconds of a steady clock. Stays the same while it waits."""


Waiting = TypeVar("Waiting", bound=Due)


class DelayQueue(Generic[Waiting]):
    """They cost nothing while they wait, however many they are."""

    __slots__ = ("_heap", "_numbers", "_waiting")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Waiting]] = []  # with some that were served or have gone meanwhile
        self._numbers = itertools.count()  # the first to come is the first of those due at the same time
        self._waiting: dict[Waiting, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiting: Waiting) -> None:
        """Also if it waits already."""
        if waiting not in self._waiting:
            number = self._waiting[waiting] = next(self._numbers)
            heappush(self._heap, (waiting.due, number, waiting))

    def discard(self, waiting: Waiting) -> None:
        """Also if it does not wait."""
        self._waiting.pop(waiting, None)

    def pop_due(self, now: float) -> Iterator[Waiting]:
        """Those whose time has come, in that order; they wait no longer."""
        while (due := self.next_due()) is not None and due <= now:
            _, _, waiting = heappop(self._heap)
            del self._waiting[waiting]
            yield waiting

    def next_due(self) -> float | None:
        """When the next one's time comes. None: nobody waits."""
        heap = self._heap
        while heap and self._waiting.get(heap[0][2]) != heap[0][1]:
            heappop(heap)
        return heap[0][0] if heap else None
