"""The series of one wish, looked for a few at a time, since there may be very many of them. Pure."""

from collections.abc import Container, Iterable
from itertools import islice

from broadcaster.audience import Wish
from broadcaster.history import Record


class Search:
    """`records` are those found; all of them once `advance` returned True.

    Whoever knows of new series, and of those forgotten, calls `appeared` and `forgotten` until the search is over.
    """

    __slots__ = ("_known", "_left", "records", "wish")

    def __init__(self, wish: Wish, among: Iterable[Record], known: Container[Record]) -> None:
        """`known`: those of them that are not forgotten."""
        self.wish = wish
        self.records: dict[Record, None] = {}
        self._left = iter(list(among))
        self._known = known

    def advance(self, count: int) -> bool:
        """Looks at so many more. True: at all."""
        some = list(islice(self._left, count))
        self.records.update((record, None) for record in self.wish.select(some) if record in self._known)
        return len(some) < count

    def appeared(self, record: Record) -> None:
        if self.wish.wants(record):
            self.records[record] = None

    def forgotten(self, record: Record) -> None:
        self.records.pop(record, None)
