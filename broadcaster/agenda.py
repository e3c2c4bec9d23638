"""Whose turn it is in the order of batches, without asking all series. Pure."""

from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

NEVER = 2**63 - 1  # a seq, or an index, that nothing reaches


class Agenda(Generic[Item]):
    """Series, each under a batch that is not after the oldest of its samples that are looked for.

    In buckets, because many series have samples in the same batches. A series is here once at most: who puts it here
    sees to that.
    """

    __slots__ = ("_buckets", "_seqs")

    def __init__(self) -> None:
        self._buckets: dict[int, list[Item]] = {}
        self._seqs: list[int] = []  # a heap

    def put(self, item: Item, seq: int) -> None:
        bucket = self._buckets.get(seq)
        if bucket is None:
            self._buckets[seq] = [item]
            heappush(self._seqs, seq)
        else:
            bucket.append(item)

    def put_all(self, items: list[Item], seq: int) -> None:
        bucket = self._buckets.get(seq)
        if bucket is None:
            self._buckets[seq] = items
            heappush(self._seqs, seq)
        else:
            bucket += items

    @property
    def first(self) -> int:
        """The batch of the next; NEVER if there is none."""
        return self._seqs[0] if self._seqs else NEVER

    def pop(self) -> Item:
        """The next. Raises IndexError if there is none."""
        seq = self._seqs[0]
        bucket = self._buckets[seq]
        item = bucket.pop()
        if not bucket:
            del self._buckets[seq]
            heappop(self._seqs)
        return item
