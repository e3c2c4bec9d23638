"""Sets of message ids, of which very many may follow each other. Pure."""

from bisect import bisect_right
from collections.abc import Sequence


class IdRanges:
    """Ranges [low, high] apart from each other, in order; at most so many, those of the lowest ids go first."""

    __slots__ = ("_highs", "_lows")

    def __init__(self) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []

    def __len__(self) -> int:
        return len(self._lows)

    def __contains__(self, id: int) -> bool:
        at = bisect_right(self._lows, id) - 1
        return at >= 0 and id <= self._highs[at]

    def pairs(self) -> list[tuple[int, int]]:
        return list(zip(self._lows, self._highs, strict=True))

    def add(self, low: int, high: int, most: int) -> None:
        """All ids from `low` to `high`."""
        first = bisect_right(self._highs, low - 2)  # of those that touch it
        last = bisect_right(self._lows, high + 1)
        if first < last:
            low, high = min(low, self._lows[first]), max(high, self._highs[last - 1])
        self._lows[first:last] = [low]
        self._highs[first:last] = [high]
        if (over := len(self._lows) - most) > 0:
            del self._lows[:over], self._highs[:over]

    def discard(self, id: int) -> None:
        at = bisect_right(self._lows, id) - 1
        if at < 0 or id > self._highs[at]:
            return
        low, high = self._lows[at], self._highs[at]
        left: Sequence[tuple[int, int]] = [(a, b) for a, b in ((low, id - 1), (id + 1, high)) if a <= b]
        self._lows[at : at + 1] = [a for a, _ in left]
        self._highs[at : at + 1] = [b for _, b in left]
