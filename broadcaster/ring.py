"""The held samples of one series: a ring in chunks, each with its columns. Pure.

A sample's position in its ring is its *index*: how many samples the series had accepted before it. Indices never
change, so what was delivered and what was evicted can be counted exactly.

In chunks, because columns that are cut in front and grow behind move about the heap and leave holes that nothing else
fills: a thousand rings of 128 MiB took 240 MiB more than that. Chunks are let go whole, and the next one fits there.
"""

import math
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ingest.samples import Value

NUMBER_BYTES = 24  # time, value and seq, 8 bytes each
TEXT_BYTES = 90  # beside `text_bytes`, what a text of an event costs: str header, list slot, time, seq
CHUNK = 512  # samples after which a chunk is full; the batch that fills it may make it longer
_HEADER = sys.getsizeof("")
SLACK = 8  # at most one in so many samples in memory is evicted already; evicting one moves seven others at most


def text_bytes(text: str) -> int:
    """What a text takes beside the header of its str, the same at any time.

    One that is not ASCII has 1, 2 or 4 bytes a character, as its widest needs, and beside them a copy in UTF-8 as soon
    as it was encoded once. `getsizeof` knows of that copy, so a new text is measured, which has none.
    """
    if text.isascii():
        return len(text)
    return sys.getsizeof(text + "\0") - _HEADER + len(text.encode("utf-8", "surrogatepass"))


class Columns(NamedTuple):
    """Consecutive samples. As many times as values and seqs."""

    times: "array[float]"
    values: "array[float] | list[str]"
    seqs: "array[int]"


def _numbers(values: Sequence[Value]) -> "array[float]":
    """Of values that are numbers or null, which is kept as NaN."""
    try:
        return array("d", values)  # type: ignore[arg-type]  # the rare null raises
    except TypeError:
        return array("d", [math.nan if value is None else value for value in values])  # type: ignore[misc]  # no texts


def _last_time(chunk: Columns) -> float:
    return chunk.times[-1]


class Ring:
    """The held samples of one series in the order accepted. Evicted from the front only."""

    __slots__ = (
        "_ends", "_full", "_lasts", "_seqs", "_times", "_values", "base", "evicted_seq", "first_index", "held",
        "monotonic", "sample_bytes", "text_bytes",
    )  # fmt: skip

    def __init__(self, *, text: bool = False) -> None:
        self._full: Sequence[Columns] = ()  # all chunks but the newest, whose columns are beside; lists when there are
        self._ends: Sequence[int] = ()  # the index behind each of these
        self._lasts: Sequence[int] = ()  # and its last seq
        self._times = array("d")
        self._values: array[float] | list[str] = [] if text else array("d")
        self._seqs = array("q")
        self.base = 0  # index of the first sample in memory, which may be evicted already
        self.first_index = 0
        self.held = 0  # samples from there on
        self.evicted_seq = 0
        self.monotonic = True  # times never fell, so that they can be searched
        self.sample_bytes = TEXT_BYTES if text else NUMBER_BYTES
        self.text_bytes = 0

    def __len__(self) -> int:
        return self.held

    @property
    def end_index(self) -> int:
        return self.first_index + self.held

    @property
    def bytes(self) -> int:
        return self.held * self.sample_bytes + self.text_bytes

    @property
    def first_seq(self) -> int:
        """The batch of the oldest sample held. Raises IndexError if none is."""
        return self.seq_at(self.first_index)

    def append(self, seq: int, times: Sequence[float], values: Sequence[Value]) -> int:
        """Returns how many `bytes` more it takes."""
        column = self._times
        last = column[-1] if column else -math.inf
        if len(column) >= CHUNK:
            column = self._close()
        if len(times) == 1 and type(values[0]) is float:
            column.append(times[0])
            self._values.append(values[0])  # type: ignore[arg-type]  # a ring of texts is never given a number
            self._seqs.append(seq)
            self.held += 1
            if times[0] < last:
                self.monotonic = False
            return NUMBER_BYTES
        size = len(times) * self.sample_bytes
        self.held += len(times)
        column.extend(array("d", times))  # an array, because it is taken in whole and not one by one
        if isinstance(self._values, list):
            self._values.extend(values)  # type: ignore[arg-type]  # the validator let only texts through
            texts = sum(map(text_bytes, values))  # type: ignore[arg-type]  # as above
            self.text_bytes += texts
            size += texts
        else:
            self._values.extend(_numbers(values))
        self._seqs.extend(array("q", (seq,)) * len(times))
        if self.monotonic and (times[0] < last or (len(times) > 1 and sorted(times) != list(times))):
            self.monotonic = False
        return size

    def _close(self) -> "array[float]":
        """The newest chunk is full: another one begins. Returns its column of times."""
        self._full = [*self._full, self._newest]
        self._ends = [*self._ends, self.end_index]
        self._lasts = [*self._lasts, self._seqs[-1]]
        self._times, self._seqs = array("d"), array("q")
        self._values = [] if isinstance(self._values, list) else array("d")
        return self._times

    @property
    def _newest(self) -> Columns:
        return Columns(self._times, self._values, self._seqs)

    def _start(self, number: int) -> int:
        """The index of the first sample of one of the chunks."""
        return self._ends[number - 1] if number else self.base

    def _chunk(self, number: int) -> Columns:
        return self._full[number] if number < len(self._full) else self._newest

    def _seqs_of(self, number: int) -> "array[int]":
        """The same as `_chunk(number).seqs`, for where it matters."""
        return self._full[number].seqs if number < len(self._full) else self._seqs

    def evict(self, count: int) -> int:
        """Drops up to `count` samples from the front; returns how many."""
        count = min(count, self.held)
        if count <= 0:
            return 0
        end = self.first_index + count
        self.evicted_seq = self.seq_at(end - 1)
        if isinstance(self._values, list):
            for _, chunk, low, high in self._parts(self.first_index, end):
                self.text_bytes -= sum(map(text_bytes, chunk.values[low:high]))  # type: ignore[arg-type]  # texts
        self.first_index = end
        self.held -= count
        if gone := bisect_right(self._ends, end):
            self.base = self._ends[gone - 1]
            self._full, self._ends, self._lasts = self._full[gone:], self._ends[gone:], self._lasts[gone:]
        dead = end - self.base
        if dead * SLACK > dead + self.held:  # give the memory back now and then
            for column in self._chunk(0):
                del column[:dead]
            self.base = end
        return count

    def seq_at(self, index: int) -> int:
        """The batch of a sample that is held. Raises IndexError if it is not in memory."""
        if index < self.base:
            raise IndexError(index)
        number = bisect_right(self._ends, index)
        return self._seqs_of(number)[index - self._start(number)]

    def index_after(self, seq: int) -> int:
        """The index of the first held sample that came after the batch `seq`."""
        seqs = self._seqs
        if seqs and seqs[-1] <= seq:
            return self.first_index + self.held
        if not self._lasts:
            return max(self.first_index, self.base + bisect_right(seqs, seq))
        number = bisect_right(self._lasts, seq)
        return max(self.first_index, self._start(number) + bisect_right(self._seqs_of(number), seq))

    def index_since(self, time: float) -> int:
        """The index from which all held samples with `time` or later are found."""
        if self.monotonic:
            number = bisect_left(self._full, time, key=_last_time)
            return max(self.first_index, self._start(number) + bisect_left(self._chunk(number).times, time))
        for at, chunk, low, high in self._parts(self.first_index, self.end_index):
            since = (index for index in range(low, high) if chunk.times[index] >= time)
            if (index := next(since, None)) is not None:
                return at + index
        return self.end_index

    def slice(self, start: int, stop: int) -> tuple[list[float], list[Any]]:
        """Times and values of the indices [start, stop) that are still held."""
        times: list[float] = []
        values: list[Any] = []
        for _, chunk, low, high in self._parts(max(start, self.first_index), min(stop, self.end_index)):
            times += chunk.times[low:high].tolist()
            values += chunk.values[low:high]
        return times, values

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, Columns, int, int]]:
        """The chunks with the indices [start, stop): of each the index of its first sample, and from where to where."""
        number = bisect_right(self._ends, start)
        while start < stop:
            at, chunk = self._start(number), self._chunk(number)
            end = min(stop, at + len(chunk.seqs))
            yield at, chunk, start - at, end - at
            start, number = end, number + 1
