"""When to try again: the protocol's schedule for clients that lost their connection. Pure."""

import random
from collections.abc import Callable

FIRST_S = 1.0
CEILING_S = 30.0
HEALTHY_S = 30.0
CANNOT_CONNECT = 5


class Backoff:
    """Full jitter under a ceiling that doubles (M. Brooker, "Exponential Backoff and Jitter", 2015).

    `uniform(low, high)` draws the delays. Times are seconds of any one clock.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._connected_at: float | None = None
        self.failures = 0  # in a row

    @property
    def exhausted(self) -> bool:
        """So many failures that a person should be told; the attempts go on at the ceiling."""
        return self.failures >= CANNOT_CONNECT

    def connected(self, now: float) -> None:
        self._connected_at = now

    def failed(self, now: float) -> float:
        """An attempt failed or a connection was lost: the seconds to wait before the next attempt."""
        if self._connected_at is not None and now - self._connected_at >= HEALTHY_S:
            self.failures = 0
        self._connected_at = None
        self.failures += 1
        ceiling = CEILING_S if self.exhausted else FIRST_S * 2 ** (self.failures - 1)
        return self._uniform(0.0, ceiling)
