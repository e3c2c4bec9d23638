"""Who looks up what subscriptions select, a millisecond at a time, so that no selection makes everybody else wait."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import trio

from broadcaster.audience import Wish
from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.search import Search

SLICE_S = 0.001
STEP_SERIES = 4  # looked at before the first look at the clock in a slice, then twice as many each time
SEARCHES_MAX = 32  # in turns; each has a list of all series
PAUSE_S = 0.001

Found = Callable[[Iterable[Record]], None]


@dataclass(slots=True, eq=False)
class Request:
    """A wish, and who waits for its series. `search`: once it has its turns."""

    wish: Wish
    among: Iterable[Record] | None
    waiting: list[Found] = field(default_factory=list)
    search: Search | None = None


class Searcher:
    """Searches in turns. Who wants the same as somebody before shares the search."""

    def __init__(self, hub: Hub, busy: Callable[[], bool] = lambda: False) -> None:
        """`busy`: others wait for the event loop."""
        self._hub = hub
        self._busy = busy
        self._requests: dict[tuple[object, ...], Request] = {}
        self._active: deque[Request] = deque()
        self._later: deque[Request] = deque()
        self._wanted = trio.Event()

    @property
    def active(self) -> int:
        return len(self._active)

    def find(self, wish: Wish, among: Iterable[Record] | None, found: Found) -> None:
        """Calls `found` with the series of the wish (`among` these, or all), now or later."""
        if (known := self._hub.records(wish)) is not None:
            found(known)
        elif (under_way := self._requests.get(wish.key)) is not None:
            under_way.waiting.append(found)
        else:
            request = self._requests[wish.key] = Request(wish, among, [found])
            self._later.append(request)
            self._begin()

    def cancel(self, wish: Wish, found: Found) -> None:
        """It is not to be called any more."""
        self._requests[wish.key].waiting.remove(found)

    async def all_of(self, wish: Wish) -> Iterable[Record]:
        """What `find` finds."""
        answers: list[Iterable[Record]] = []
        answered = trio.Event()

        def found(records: Iterable[Record]) -> None:
            answers.append(list(records))
            answered.set()

        self.find(wish, None, found)
        try:
            await answered.wait()
        except trio.Cancelled:
            if not answers:
                self.cancel(wish, found)
            raise
        return answers[0]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            while self._active:
                await trio.sleep(PAUSE_S if self._busy() else 0)
                self.turn()

    def turn(self) -> None:
        """One search goes on for a while; the next turn is another's."""
        request = self._active.popleft()
        self._go_on(request)
        self._begin()

    def _begin(self) -> None:
        while self._later and len(self._active) < SEARCHES_MAX:
            request = self._later.popleft()
            request.search = self._hub.search(request.wish, request.among)
            self._go_on(request)

    def _go_on(self, request: Request) -> None:
        search = request.search
        assert search is not None
        if request.waiting and not self._advance(search):
            self._active.append(request)
            self._wanted.set()
            return
        while request.waiting:
            request.waiting.pop(0)(search.records)
        del self._requests[request.wish.key]
        self._hub.end_search(search)

    def _advance(self, search: Search) -> bool:
        """True: it is over."""
        until, count = time.perf_counter() + SLICE_S, STEP_SERIES
        while not search.advance(count):
            if time.perf_counter() >= until:
                return False
            count *= 2
        return True
