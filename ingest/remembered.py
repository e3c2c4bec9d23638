"""What a validator remembers, bounded by what it takes in bytes. Pure."""

from collections.abc import Callable, Iterable
from sys import getsizeof
from typing import Final, Generic, TypeVar

S = TypeVar("S")
D = TypeVar("D")

FREE_BYTES: Final = 32 * 2**20
KNOWN_BYTES: Final = 5 * 2**10  # what a series with 16 tags of 30 characters takes, with a help of 200

SERIES_BYTES: Final = 300  # measured: its objects, and its place in a dict
TAG_BYTES: Final = 190  # and of two texts what is not their characters
DESCRIPTION_BYTES: Final = 350
PLACE_BYTES: Final = 8


class Remembered(Generic[S, D]):
    """Series and descriptions by what they came as. All are forgotten when they are too much, or too many.

    So much may be kept for every series that is known, and a little for those that are not, or not yet.
    """

    def __init__(self, most: int, known_series: Callable[[], int]) -> None:
        self.series: dict[object, S] = {}
        self.described: dict[object, D] = {}
        self._most = most  # of each
        self._known_series = known_series
        self._bytes = self._described_bytes = 0
        self._room = 0  # in bytes; there may be more by now

    def keep_series(self, key: tuple[str, ...], series: S) -> None:
        """`key`: its metric, and keys and values of its tags."""
        # One wide character counts as if all were, which is quicker than to look at each text.
        size = SERIES_BYTES + TAG_BYTES * (len(key) // 2) + getsizeof("".join(key))
        self._make_room(size)
        self._bytes += size
        self.series[key] = series

    def keep_described(self, key: object, description: D, tags: int, unit: str | None, help: str | None) -> None:
        """Of a series whose texts are kept already."""
        size = DESCRIPTION_BYTES + 2 * PLACE_BYTES * tags + getsizeof(unit) + getsizeof(help)
        self._make_room(size)
        self._described_bytes += size
        self.described[key] = description

    def forget_described(self) -> None:
        self.described.clear()
        self._described_bytes = 0

    def _make_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0 or len(self.series) >= self._most or len(self.described) >= self._most:
            self._count(size)

    def _count(self, size: int) -> None:
        most = FREE_BYTES + KNOWN_BYTES * self._known_series()
        self._room = most - self._bytes - self._described_bytes - size
        if self._room < 0 or max(len(self.series), len(self.described)) >= self._most:
            self.series.clear()
            self.forget_described()  # they hold series, too
            self._bytes, self._room = 0, most - size


def own_key(metric: str, tags: tuple[tuple[str, str], ...], order: Iterable[str]) -> tuple[str, ...]:
    """The key of a series whose tags come in this order, of its own texts: those that came need not be kept."""
    values = dict(tags)
    keys = {key: key for key in values}
    return (metric, *[keys[key] for key in order], *[values[key] for key in order])
