"""The series of a wish, looked for one after the other, since there may be very many of them. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable

from broadcaster.audience import Wish
from broadcaster.history import Record
from broadcaster.selection_index import SelectionIndex

GONE_MAX = 1_000  # forgotten series that may stay in the order, beside as many as there are series


class Search:
    """`records` are those found so far; all that there are once `advance` returned True, until the search is ended."""

    __slots__ = ("_known", "_order", "_wants", "at", "records", "wish")

    def __init__(self, wish: Wish, order: list[Record], known: Collection[Record]) -> None:
        self.wish = wish
        self._wants: Callable[[Record], bool] | None = None  # until its globs are compiled
        self.at = 0  # place in the order of the next to be looked at
        self.records: dict[Record, None] = {}
        self._order = order
        self._known = known

    def advance(self, enough: Callable[[], bool]) -> bool:
        """Compiles one glob, then looks at one series, after the other, until it is enough. True: at all."""
        if self._wants is None:
            if not self.wish.matcher.compile(enough):
                return False
            self._wants = self.wish.test()
        wants = self._wants
        while self.at < len(self._order):
            record = self._order[self.at]
            self.at += 1
            if record in self._known and wants(record):
                self.records[record] = None
            if enough():
                return False
        return True

    def appeared(self, record: Record) -> None:
        """It is at the end of the order. While globs are compiled nothing was looked at, so its turn will come."""
        if self._wants is not None and self._wants(record):
            self.records[record] = None


class Searches:
    """All that are under way, and the order of series in which they look."""

    def __init__(self, known: Collection[Record]) -> None:
        """`known`: all series that are not forgotten."""
        self._known = known
        self._order: list[Record] = []
        self._active: dict[Search, None] = {}
        self._index: SelectionIndex[Search] = SelectionIndex()

    def begin(self, wish: Wish, records: Iterable[Record] | None = None) -> Search:
        """`records`: those of the wish, if that is known: then the search is as good as over."""
        search = Search(wish, self._order, self._known)
        if records is not None:
            search.records, search.at = dict.fromkeys(records), len(self._order)
        self._active[search] = None
        self._index.add(search, wish.selection)
        return search

    def end(self, search: Search) -> None:
        """What it found is true of now, and will not be kept so."""
        del self._active[search]
        self._index.discard(search)

    def appeared(self, record: Record) -> None:
        self._order.append(record)
        for search in self._index.candidates(record.series):
            search.appeared(record)

    def forgotten(self, record: Record) -> None:
        """It is not known any more."""
        for search in self._index.candidates(record.series):
            search.records.pop(record, None)
        if len(self._order) > 2 * len(self._known) + GONE_MAX:
            self._close_up()

    def _close_up(self) -> None:
        left = [at for at, record in enumerate(self._order) if record in self._known]
        for search in self._active:
            search.at = bisect_left(left, search.at)
        self._order[:] = [self._order[at] for at in left]
