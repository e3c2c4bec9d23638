"""Samples of a series put together by slots of time, and these as bytes, and back. Pure.

A slot is the samples of a series whose times have the same floor(time / step). Slots can be merged in any order, so
late samples, and whatever else ends in the middle of a slot, just make a further part of it. Nulls count for nothing.

A row is some slots of one series in the order of time: a checksum (CRC-32) of all that follows, its form, how many
slots there are, and then columns of 8 bytes an item, little-endian. SAMPLES: times and values, where no slot has more
than one sample, which then is kept as it came. SLOTS: time of the last sample (which says which slot it is), last, min,
max, sum, count. TEXTS: times and values of events as JSON, all as they came.
"""

import math
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from operator import lt
from typing import NamedTuple

import orjson

from broadcaster.store.codec import DamagedError

HEAD = struct.Struct("<IBxxxI")  # checksum, form, slots
CHECKSUM, REST = struct.Struct("<I"), struct.Struct("<BxxxI")
SAMPLES, SLOTS, TEXTS = range(3)
COLUMNS = {SAMPLES: 2, SLOTS: 6}
Floats = Sequence[float]


class Columns(NamedTuple):
    """Slots side by side. Samples are slots, too: each is its own min, max, sum and last."""

    times: Floats
    """Of the last sample of each slot."""
    lasts: Floats
    mins: Floats
    maxs: Floats
    sums: Floats
    counts: Floats | None  # None: one each

    def cut(self, at: int, end: int) -> "Columns":
        times, lasts, mins, maxs, sums = (column[at:end] for column in self[:5])
        return Columns(times, lasts, mins, maxs, sums, self.counts and self.counts[at:end])

    def ordered(self, at: int) -> "Columns":
        """From there on, by time; of the same time in the order they had."""
        order = sorted(range(at, len(self.times)), key=self.times.__getitem__)
        times, lasts, mins, maxs, sums = ([column[index] for index in order] for column in self[:5])
        return Columns(times, lasts, mins, maxs, sums, self.counts and [self.counts[index] for index in order])


def joined(rows: Sequence[Columns]) -> Columns:
    """One behind the other."""
    if len(rows) == 1:
        return rows[0]
    times, lasts = array("d"), array("d")
    if all(row.counts is None for row in rows):
        for row in rows:
            times.extend(row.times)
            lasts.extend(row.lasts)
        return Columns(times, lasts, lasts, lasts, lasts, None)
    mins, maxs, sums, counts = array("d"), array("d"), array("d"), array("d")
    for row in rows:
        times.extend(row.times)
        lasts.extend(row.lasts)
        mins.extend(row.mins)
        maxs.extend(row.maxs)
        sums.extend(row.sums)
        counts.extend([1.0] * len(row.times) if row.counts is None else row.counts)
    return Columns(times, lasts, mins, maxs, sums, counts)


class Texts(NamedTuple):
    times: list[float]
    values: list[str]


class Slot:
    """What is known of the samples in a slot."""

    __slots__ = ("count", "last", "max", "min", "sum", "time")

    def __init__(self, count: float, low: float, high: float, total: float, time: float, last: float) -> None:
        self.count = count
        self.min = low
        self.max = high
        self.sum = total
        self.time = time
        self.last = last

    def merge(self, count: float, low: float, high: float, total: float, time: float, last: float) -> None:
        self.count += count
        self.sum += total
        if low < self.min:
            self.min = low
        if high > self.max:
            self.max = high
        if time >= self.time:
            self.time, self.last = time, last

    @property
    def mean(self) -> float:
        """Between min and max, whatever the sum has lost in digits or could not hold."""
        mean = self.sum / self.count if math.isfinite(self.sum) else self.min / 2 + self.max / 2
        return min(max(mean, self.min), self.max)


Slots = dict[float, Slot]
"""By floor(time / step)."""


def samples(times: Floats, values: Floats) -> Columns:
    """NaN, which stands for a gap, is left out."""
    if math.isnan(sum(values)):  # finite numbers never add up to that
        held = [(time, value) for time, value in zip(times, values, strict=True) if not math.isnan(value)]
        times, values = [time for time, _ in held], [value for _, value in held]
    return Columns(times, values, values, values, values, None)


def fold(slots: Slots, step: int, columns: Columns) -> None:
    """Merges them into the slots of a step, which is a multiple of theirs."""
    times, lasts, mins, maxs, sums, counts = columns
    at, size = 0, len(times)
    while at < size:
        slot = times[at] // step
        end = at + 1
        if end < size and times[end] // step == slot:
            end = max(bisect_left(times, (slot + 1) * step, at), end)  # if the times do not fall
            if min(times[at:end]) // step != slot or max(times[at:end]) // step != slot:
                fold(slots, step, columns.ordered(at))
                return
        if end == at + 1:
            part = 1 if counts is None else counts[at], mins[at], maxs[at], sums[at], times[at], lasts[at]
        else:
            count = end - at if counts is None else sum(counts[at:end])
            newest = end - 1 if times[end - 1] >= max(times[at:end]) else _newest(times, at, end)
            low, high, total = min(mins[at:end]), max(maxs[at:end]), sum(sums[at:end])
            part = count, low, high, total, times[newest], lasts[newest]
        found = slots.get(slot)
        if found is None:
            slots[slot] = Slot(*part)
        else:
            found.merge(*part)
        at = end


def _newest(times: Floats, at: int, end: int) -> int:
    return max(range(at, end), key=lambda index: (times[index], index))


def encode_slots(slots: Slots) -> bytes:
    held = [slots[slot] for slot in sorted(slots)]
    numbers = [slot.time for slot in held] + [slot.last for slot in held]
    form = SAMPLES
    if any(slot.count != 1 for slot in held):
        form = SLOTS
        numbers += [slot.min for slot in held] + [slot.max for slot in held]
        numbers += [slot.sum for slot in held] + [slot.count for slot in held]
    return _sealed(form, len(held), _bytes(numbers))


def encode_samples(times: Floats, values: Floats) -> bytes:
    """Of samples that grow in time, no two of them in one slot."""
    return _sealed(SAMPLES, len(times), _bytes([*times, *values]))


def each_its_own(step: int, times: Floats) -> bool:
    """True if the times grow, and no two of them are in one slot."""
    if len(times) > 1 and times[0] // step >= times[1] // step:  # most often this tells
        return False
    slots = [time // step for time in times]
    return all(map(lt, slots, slots[1:]))


def encode_texts(texts: Texts) -> bytes:
    return _sealed(TEXTS, len(texts.times), orjson.dumps([texts.times, texts.values]))


def _sealed(form: int, count: int, body: bytes) -> bytes:
    rest = REST.pack(form, count) + body
    return CHECKSUM.pack(zlib.crc32(rest)) + rest


def _bytes(numbers: list[float]) -> bytes:
    column = array("d", numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def decode_row(data: bytes) -> Columns | Texts:
    """Raises DamagedError."""
    if len(data) < HEAD.size:
        raise DamagedError(f"a thinned row of {len(data)} bytes")
    checksum, form, count = HEAD.unpack_from(data)
    if zlib.crc32(memoryview(data)[CHECKSUM.size :]) != checksum:
        raise DamagedError("a thinned row has the wrong checksum")
    if form == TEXTS:
        return Texts(*orjson.loads(data[HEAD.size :]))
    if len(data) != HEAD.size + 8 * count * COLUMNS.get(form, -1):
        raise DamagedError("a thinned row is cut short, or of an unknown form")
    numbers = array("d")
    numbers.frombytes(memoryview(data)[HEAD.size :])
    if sys.byteorder == "big":
        numbers.byteswap()
    columns = [numbers[at : at + count] for at in range(0, len(numbers), count or 1)]
    if form == SAMPLES:
        times, values = columns or [numbers, numbers]
        return Columns(times, values, values, values, values, None)
    return Columns(*columns)


def slots_in(data: bytes) -> int:
    """How many slots, or texts, a row says that it has."""
    return int(HEAD.unpack_from(data)[2]) if len(data) >= HEAD.size else 1
