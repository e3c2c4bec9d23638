"""Who may want a series, without asking all. Pure.

A selector that names a metric or a tag's value without a glob can only match series that have just these: it is kept
under one of them, that under which the fewest others are. One of globs only can match nothing but what has their
literal parts: it is kept under the longest of these.
"""

from typing import Generic, TypeVar

from broadcaster.literals import Literals
from broadcaster.selection import Selection, Selector
from ingest.samples import Series

Owner = TypeVar("Owner")
Key = tuple[str, ...]
"""A tag and its value; or a metric; or `_part` of either; or nothing, where all have to be asked."""

ANYTHING: Key = ()


class SelectionIndex(Generic[Owner]):
    """Owners of selections."""

    __slots__ = ("_keys", "_literals", "_owners")

    def __init__(self) -> None:
        self._owners: dict[Key, dict[Owner, None]] = {}
        self._keys: dict[Owner, list[Key]] = {}
        self._literals: dict[str, Literals] = {}  # by tag; "" is the metric

    def add(self, owner: Owner, selection: Selection) -> None:
        """Once for each owner."""
        keys = self._keys[owner] = [self._emptiest(selector) for selector in selection]
        for key in keys:
            owners = self._owners.get(key)
            if owners is None:
                owners = self._owners[key] = {}
                if len(key) == PART:
                    self._literals.setdefault(key[0], Literals()).add(key[1])
            owners[owner] = None

    def _emptiest(self, selector: Selector) -> Key:
        if selector.exact:
            return min(selector.exact, key=lambda key: len(self._owners.get(key, ())))
        tag, literal = selector.literal
        return _part(tag, literal) if literal else ANYTHING

    def discard(self, owner: Owner) -> None:
        for key in self._keys.pop(owner):
            if (owners := self._owners.get(key)) is not None:
                owners.pop(owner, None)
                if not owners:
                    del self._owners[key]
                    if len(key) == PART:
                        self._discard_literal(key[0], key[1])

    def _discard_literal(self, tag: str, literal: str) -> None:
        literals = self._literals[tag]
        literals.discard(literal)
        if not literals:
            del self._literals[tag]

    def candidates(self, series: Series) -> list[Owner]:
        """All whose selections match the series, and perhaps some more. Each once."""
        found: dict[Owner, None] = {}
        for key in (ANYTHING, (series.metric,), *series.tags):
            if (owners := self._owners.get(key)) is not None:
                found.update(owners)
        if self._literals:
            for tag, text in (("", series.metric), *series.tags):
                if (literals := self._literals.get(tag)) is not None:
                    for literal in literals.within(text):
                        found.update(self._owners[_part(tag, literal)])
        return list(found)


def _part(tag: str, literal: str) -> Key:
    """What a tag's value, or the metric (""), has in it."""
    return tag, literal, ""


PART = len(_part("", ""))
