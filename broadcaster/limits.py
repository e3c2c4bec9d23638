"""How much a client may ask for. Pure: the time is handed in, in seconds of any steady clock."""

import math

from ingest.messages import MessageError


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

    def wait_s(self, amount: float, now: float) -> float:
        """In how many seconds that much will be allowed, if nothing is taken before; 0: now."""
        if not self.rate:
            return 0.0
        self._fill(now)
        return max(0.0, min(amount, self.burst, 1.0) - self._level) / self.rate

    def spend(self, amount: float) -> None:
        """Uses up what was found to be allowed."""
        if self.rate:
            self._level -= amount

    def take(self, amount: float, now: float) -> bool:
        """True, and `amount` is used up, if that much is allowed now."""
        if not self.rate:
            return True
        self._fill(now)
        if amount > self._level and self._level < min(self.burst, 1):
            return False
        self._level -= amount
        return True

    def full(self, now: float) -> bool:
        """True if it is as good as new."""
        return self.affords(self.burst, now)


class Limit(TokenBucket):
    """A bucket with its name, for those whom it refuses. Its burst is all of one `per_s`."""

    __slots__ = ("per_s", "reason", "whose")

    def __init__(self, most: float, per_s: float, reason: str, whose: str, now: float) -> None:
        super().__init__(most / per_s, most, now)
        self.per_s = per_s
        self.reason = reason
        self.whose = whose

    def says(self, what: str, amount: float, wait_s: float) -> str:
        """Names the limit, and says when to come again."""
        span = "a second" if self.per_s == 1 else "a minute" if self.per_s == 60 else f"in {self.per_s:g} s"
        got = f", got {amount:g} more" if amount > 1 else ""
        return f"{what}: at most {self.burst:g} {span} from {self.whose}{got}: come again in {rounded(wait_s):g} s"


Limits = tuple[Limit, ...]


def rounded(wait_s: float) -> float:
    """Up to a tenth of a second, so that whoever waits that long has waited long enough."""
    return math.ceil(wait_s * 10 + 0.1) / 10


def afford(limits: Limits, amount: float, now: float) -> bool:
    """True if all allow that much now even when it is taken in parts."""
    for limit in limits:  # noqa: SIM110 - a generator costs more, and this is done for every receive
        if not limit.affords(amount, now):
            return False
    return True


def spend(limits: Limits, amount: float) -> None:
    for limit in limits:
        limit.spend(amount)


def take(limits: Limits, amount: float, now: float) -> tuple[Limit, float] | None:
    """Takes it from all; or from none, and returns the limit that has to be waited for longest, and for how long."""
    worst: tuple[Limit, float] | None = None
    for limit in limits:
        wait_s = limit.wait_s(amount, now)
        if wait_s > 0 and (worst is None or wait_s > worst[1]):
            worst = limit, wait_s
    if worst is None:
        spend(limits, amount)
    return worst


class RateLimited(MessageError):
    """Refused for now: `after_s` says when to come again, `over_for_s` for how long the client has been told so."""

    def __init__(self, message: str, id: int | None, after_s: float, over_for_s: float = 0.0) -> None:
        super().__init__("rate_limited", message, id)
        self.after_s = after_s
        self.over_for_s = over_for_s


class Overtaking(RateLimited):
    """Refused for now, because a message that was sent before it was, and is to come first."""


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


def bounding(*limits: Limit) -> Limits:
    """Those that bound anything."""
    return tuple(limit for limit in limits if limit.rate)
