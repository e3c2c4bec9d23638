"""Who may want a series, without asking all. Pure.

A selector that names a metric or a tag's value without a glob can only match series that have just these: it is kept
under one of them, that under which the fewest others are.
"""

from typing import Generic, TypeVar

from broadcaster.selection import Selection, Selector
from ingest.samples import Series

Owner = TypeVar("Owner")
Key = tuple[str, ...]
"""A tag and its value; or a metric; or nothing, where all have to be asked."""

ANYTHING: Key = ()


class SelectionIndex(Generic[Owner]):
    """Owners of selections."""

    __slots__ = ("_keys", "_owners")

    def __init__(self) -> None:
        self._owners: dict[Key, dict[Owner, None]] = {}
        self._keys: dict[Owner, list[Key]] = {}

    def add(self, owner: Owner, selection: Selection) -> None:
        """Once for each owner."""
        keys = self._keys[owner] = [self._emptiest(selector) for selector in selection]
        for key in keys:
            self._owners.setdefault(key, {})[owner] = None

    def _emptiest(self, selector: Selector) -> Key:
        keys = [(selector.metric,), *selector.tags]
        exact = [key for key in keys if not set(key[-1]) & {"*", "?"}]
        return min(exact, key=lambda key: len(self._owners.get(key, ())), default=ANYTHING)

    def discard(self, owner: Owner) -> None:
        for key in self._keys.pop(owner):
            if (owners := self._owners.get(key)) is not None:
                owners.pop(owner, None)
                if not owners:
                    del self._owners[key]

    def candidates(self, series: Series) -> list[Owner]:
        """All whose selections match the series, and perhaps some more. Each once."""
        found: dict[Owner, None] = {}
        for key in (ANYTHING, (series.metric,), *series.tags):
            if (owners := self._owners.get(key)) is not None:
                found.update(owners)
        return list(found)
