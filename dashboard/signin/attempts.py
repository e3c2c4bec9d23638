"""How often a password may be tried: by address and by name. Pure. Any thread may call.

Counted are tries that were judged and wrong. Those being judged are held against the bound too, so that many at once
are not all judged, but they keep nobody waiting for longer than they take. Where a name has signed in from an address,
tries from there count apart: nobody elsewhere can keep that person out.

Nothing is forgotten before its time is over, or whoever fills the memory could go on guessing. What fills it are
failures only, and each costs the work of judging a password.
"""

import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from broadcaster.addresses import neighbours

KEPT = 50_000  # addresses and names with failures
HOMES = 10_000  # pairs of an address and a name; more push out the pair that signed in least recently
MOMENT_S = 2

Why = Literal["failures", "under_way", "full"]


class Refused(Exception):
    """No try now. `wait_s`: after so many whole seconds there may be one."""

    def __init__(self, why: Why, wait_s: int) -> None:
        super().__init__(why)
        self.why = why
        self.wait_s = wait_s


class Attempt:
    """One that is under way. `right` says how it was judged; None: it was not."""

    right: bool | None = None


class Attempts:
    """`most` failed tries of one name, or of one address, in `window_s`."""

    def __init__(self, most: int, window_s: float, clock: Callable[[], float]) -> None:
        self.most = most
        self.window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[float]] = OrderedDict()  # by the time of the newest
        self._under_way: Counter[str] = Counter()
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    @contextmanager
    def begin(self, address: str, name: str) -> Iterator[Attempt]:
        """For as long as a try takes. Raises Refused."""
        home = neighbours(address), name
        attempt = Attempt()
        with self._lock:
            keys = self._keys(home)
            self._check(keys, home in self._homes)
            self._under_way.update(keys)
        try:
            yield attempt
        finally:
            with self._lock:
                self._end(keys)
                if attempt.right:
                    self._signed_in(home)
                elif attempt.right is not None:
                    self._failed(keys)

    def _keys(self, home: tuple[str, str]) -> tuple[str, str]:
        address, name = home
        return f"address {address}", f"name {name} at {address}" if home in self._homes else f"name {name}"

    def _check(self, keys: tuple[str, str], at_home: bool) -> None:
        """Raises Refused."""
        now = self._clock()
        self._forget(now)
        recent = [self._recent(key, now) for key in keys]
        if over := [failures[0] for failures in recent if len(failures) >= self.most]:
            raise Refused("failures", self._wait(max(over), now))
        if any(len(failures) + self._under_way[key] >= self.most for key, failures in zip(keys, recent, strict=True)):
            raise Refused("under_way", MOMENT_S)
        if not at_home and not all(recent) and len(self._failures) + len(self._under_way) + len(keys) > KEPT:
            raise Refused("full", self._wait(next(iter(self._failures.values()))[-1], now))

    def _forget(self, now: float) -> None:
        """Those whose newest failure is too old to count."""
        while self._failures and now - next(iter(self._failures.values()))[-1] >= self.window_s:
            self._failures.popitem(last=False)

    def _recent(self, key: str, now: float) -> list[float]:
        return [at for at in self._failures.get(key, ()) if now - at < self.window_s]

    def _wait(self, since: float, now: float) -> int:
        return math.ceil(since + self.window_s - now)

    def _end(self, keys: tuple[str, str]) -> None:
        for key in keys:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]

    def _failed(self, keys: tuple[str, str]) -> None:
        now = self._clock()
        for key in keys:
            self._failures[key] = [*self._recent(key, now), now]
            self._failures.move_to_end(key)

    def _signed_in(self, home: tuple[str, str]) -> None:
        self._homes[home] = None
        self._homes.move_to_end(home)
        while len(self._homes) > HOMES:
            self._homes.popitem(last=False)
