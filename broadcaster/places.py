"""A few places for work that takes its time, so that nobody has all of them: who has one, and who waits for one."""

from collections import Counter, OrderedDict

import trio


class Places:
    """`most` in all, and half of them, or one, for one name; for those without a name no less.

    Who waits gets one in the order in which they came.

    Those whose name has its half are passed over until it has not.
    """

    def __init__(self, most: int, wait_s: float) -> None:
        self.most = most
        self.most_of_one = max(1, most // 2)
        self._wait_s = wait_s
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[trio.Event, str] = OrderedDict()  # as many as there are requests

    @property
    def taken(self) -> int:
        return self._taken.total()

    def _may(self, name: str) -> bool:
        return self.taken < self.most and (not name or self._taken[name] < self.most_of_one)

    async def take(self, name: str) -> bool:
        """False: there was none for it in `wait_s`."""
        if self._may(name):  # so may nobody who waits, or they would have it
            self._taken[name] += 1
            return True
        come = trio.Event()
        self._waiting[come] = name
        try:
            with trio.move_on_after(self._wait_s):
                await come.wait()
        except trio.Cancelled:
            if come.is_set():  # in the same turn
                self.give_back(name)
            raise
        finally:
            self._waiting.pop(come, None)
        return come.is_set()

    def give_back(self, name: str) -> None:
        self._taken -= Counter((name,))
        for come, who in list(self._waiting.items()):
            if self._may(who):
                self._taken[who] += 1
                del self._waiting[come]
                come.set()
