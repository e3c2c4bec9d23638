"""What is said of series, made in pieces when somebody takes them. Pure."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from broadcaster.history import Record

PIECE_BYTES: Final = 65_536
TOGETHER: Final = 32  # descriptors encoded in one go: one by one they take four times as long
WAITING_BYTES: Final = 100  # of a series that waits to be described


def piece(descriptors: Iterator[Mapping[str, Any]]) -> bytes:
    """The next of them, as JSON with commas between: some, and more until they are enough. Empty: there are none."""
    parts, size = list[bytes](), 0
    while size < PIECE_BYTES and (some := list(itertools.islice(descriptors, TOGETHER))):
        parts.append(orjson.dumps(some)[1:-1])
        size += len(parts[-1])
    return b",".join(parts)


class Undescribed:
    """Series that wait to be described, as they are when their turn comes: each once, however often it changes."""

    __slots__ = ("_groups", "_records")

    def __init__(self) -> None:
        self._groups: deque[tuple[int, deque[Record]]] = deque()  # by ticket
        self._records: set[Record] = set()

    @property
    def bytes(self) -> int:
        return len(self._records) * WAITING_BYTES

    @property
    def ticket(self) -> int | None:
        """Of those whose turn is next."""
        return self._groups[0][0] if self._groups else None

    def others(self, records: Iterable[Record]) -> list[Record]:
        """Those that do not wait yet."""
        return [record for record in records if record not in self._records]

    def add(self, ticket: int, others: Iterable[Record]) -> None:
        self._groups.append((ticket, deque(others)))
        self._records.update(self._groups[-1][1])

    def take(self, before: float) -> Iterator[Record]:
        """One after the other, of tickets below `before`; one that is taken waits no more."""
        while self._groups and self._groups[0][0] < before:
            record = self._groups[0][1].popleft()
            if not self._groups[0][1]:
                self._groups.popleft()
            self._records.remove(record)
            yield record
