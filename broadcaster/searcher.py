"""Who looks up what subscriptions select, a millisecond at a time, so that no selection makes everybody else wait."""

import itertools
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

import trio

from broadcaster.audience import Wish
from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.search import Search

log = logging.getLogger("streamgauge.broadcaster")

SLICE_S = 0.001  # or one series, should that take longer
PAUSE_S = 0.001
AT_ONCE = 1_000  # series that may be looked at and answered before others have their turn

Found = Callable[[Iterable[Record]], None]


@dataclass(slots=True, eq=False)
class Lookup:
    """A search, and who waits for what it finds."""

    search: Search
    waiting: list[Found] = field(default_factory=list)
    turns: int = 0


class Searcher:
    """Searches in turns: the next is always that which had the fewest. Equal wishes share a search.

    What is quick is answered at once; but so much of it, and all that is large, has a turn of its own.
    """

    at_once = AT_ONCE

    def __init__(self, hub: Hub, busy: Callable[[], bool] = lambda: False) -> None:
        """`busy`: others wait for the event loop."""
        self._hub = hub
        self._busy = busy
        self._lookups: dict[tuple[object, ...], Lookup] = {}
        self._turns: list[tuple[int, int, Lookup]] = []  # a heap
        self._count = itertools.count()
        self._wanted = trio.Event()
        self._left = self.at_once  # until the next turn

    @property
    def under_way(self) -> int:
        return len(self._lookups)

    def find(self, wish: Wish, found: Found) -> None:
        """Calls `found` with the series of the wish, now or later."""
        known = self._hub.records(wish)
        if known is not None and self._is_quick(1 + len(known)):
            found(known)
        elif (lookup := self._lookups.get(wish.key)) is not None:
            lookup.waiting.append(found)
        else:
            lookup = self._lookups[wish.key] = Lookup(search := self._hub.searches.begin(wish, known))
            if known is None and self._advance(search) and self._is_quick(search.at + len(search.records)):
                self._end(lookup)
                found(search.records)
            else:
                lookup.waiting.append(found)
                self._queue(lookup)

    def _is_quick(self, series: int) -> bool:
        """So many are to be looked at and answered. True: now."""
        if series > self._left:
            return False
        self._left -= series
        return True

    def cancel(self, wish: Wish, found: Found) -> None:
        """It is not to be called any more."""
        lookup = self._lookups[wish.key]
        lookup.waiting.remove(found)
        if not lookup.waiting:
            self._end(lookup)

    async def all_of(self, wish: Wish) -> Iterable[Record]:
        """What `find` finds."""
        answers: list[Iterable[Record]] = []
        answered = trio.Event()

        def found(records: Iterable[Record]) -> None:
            answers.append(list(records))
            answered.set()

        self.find(wish, found)
        try:
            await answered.wait()
        finally:
            if not answers:
                self.cancel(wish, found)
        return answers[0]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            while self._lookups:
                await trio.sleep(PAUSE_S if self._busy() else 0)
                self.turn()

    def turn(self) -> None:
        """One search goes on for a while, or one of those who wait for it is answered."""
        self._left = self.at_once
        lookup = None
        while self._turns and (lookup is None or not lookup.waiting):  # nobody waits any more: it is ended already
            lookup = heappop(self._turns)[2]
        if lookup is None or not lookup.waiting:
            return
        if self._advance(lookup.search):
            self._answer(lookup, lookup.waiting.pop(0))
        if lookup.waiting:
            lookup.turns += 1
            self._queue(lookup)
        elif self._lookups.get(lookup.search.wish.key) is lookup:
            self._end(lookup)

    @staticmethod
    def _answer(lookup: Lookup, found: Found) -> None:
        try:
            found(lookup.search.records)
        except Exception:  # a bug, which shall cost one client its answer and not all of them everything
            log.exception("what was looked up: an unexpected error")

    def _queue(self, lookup: Lookup) -> None:
        heappush(self._turns, (lookup.turns, next(self._count), lookup))
        self._wanted.set()

    def _end(self, lookup: Lookup) -> None:
        del self._lookups[lookup.search.wish.key]
        self._hub.searches.end(lookup.search)
        if len(self._turns) > 2 * len(self._lookups):  # those that nobody waits for any more
            self._turns = [turn for turn in self._turns if turn[2].waiting]
            heapify(self._turns)

    def _advance(self, search: Search) -> bool:
        """True: it is over."""
        until = time.perf_counter() + SLICE_S
        return search.advance(lambda: time.perf_counter() >= until)
