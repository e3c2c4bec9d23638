"""How much a client may ask for. Pure: the time is handed in, in seconds of any steady clock."""


class TokenBucket:
    """Allows `rate` a second on average and `burst` at once. A rate of 0 allows everything.

    An amount larger than the burst is allowed when the bucket is not empty, and paid back before the next.
    """

    __slots__ = ("_at", "_level", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def affords(self, amount: float, now: float) -> bool:
        """True if that much is allowed now even when it is taken in parts."""
        if not self.rate:
            return True
        self._fill(now)
        return amount <= self._level

    def _fill(self, now: float) -> None:
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """True, and `amount` is used up, if that much is allowed now."""
        if not self.rate:
            return True
        self._fill(now)
        if amount > self._level and self._level < min(self.burst, 1):
            return False
        self._level -= amount
        return True


class Overrun:
    """For how long a client has been over its rate: from a first refusal, while others follow within `quiet_s`."""

    __slots__ = ("_first", "_last", "_quiet_s")

    def __init__(self, quiet_s: float = 1.0) -> None:
        self._quiet_s = quiet_s
        self._first = self._last = -1e9

    def refused(self, now: float) -> float:
        """Notes a refusal; returns the seconds since the first of this run of them."""
        if now - self._last > self._quiet_s:
            self._first = now
        self._last = now
        return now - self._first
