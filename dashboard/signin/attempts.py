"""How often a password may be tried: by address and by name. Pure. Any thread may call.

A try counts before it is judged, so that many at once are not all judged; a successful one is given back. Where a name
has signed in from an address, tries from there count apart: nobody elsewhere can keep that person out.
"""

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable

KEPT = 10_000  # addresses and names; more push out those that were tried least recently


class Attempts:
    """`most` failed tries of one name, or of one address, in `window_s`."""

    def __init__(self, most: int, window_s: float, clock: Callable[[], float]) -> None:
        self.most = most
        self.window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def begin(self, address: str, name: str) -> int:
        """Counts a try. Otherwise than 0: it is one too many; so many whole seconds later the next may be made."""
        now = self._clock()
        with self._lock:
            those = [self._recent(key, now) for key in self._keys(address, name)]
            wait = max(self._wait(tries, now) for tries in those)
            if not wait:
                for tries in those:
                    tries.append(now)
            while len(self._tries) > KEPT:
                self._tries.popitem(last=False)
        return wait

    def _recent(self, key: str, now: float) -> deque[float]:
        tries = self._tries.setdefault(key, deque())
        self._tries.move_to_end(key)
        while tries and now - tries[0] >= self.window_s:
            tries.popleft()
        return tries

    def _wait(self, tries: deque[float], now: float) -> int:
        return math.ceil(tries[0] + self.window_s - now) if len(tries) >= self.most else 0

    def succeeded(self, address: str, name: str) -> None:
        """The newest try of both was a good one."""
        with self._lock:
            keys = self._keys(address, name)
            self._at_home[address, name] = None
            self._at_home.move_to_end((address, name))
            while len(self._at_home) > KEPT:
                self._at_home.popitem(last=False)
            for key in keys:
                tries = self._tries.get(key)
                if tries:
                    tries.pop()
                if not tries:
                    self._tries.pop(key, None)

    def _keys(self, address: str, name: str) -> tuple[str, str]:
        home = f" at {address}" if (address, name) in self._at_home else ""
        return f"address {address}", f"name {name}{home}"
