"""A batch as bytes, and back. Pure.

A checksum (CRC-32) of all that follows; how many columns there are; the key and length of each, negative for texts;
all times; all numbers (NaN: a gap), in the order of their columns; all texts as one JSON array. Little-endian, 8 bytes
each.
"""

import math
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence, Set

import orjson

from ingest.samples import Value

HEAD = struct.Struct("<II")  # checksum, columns
Column = tuple[int, "array[float]", "array[float] | list[str]"]
"""Key, times and values of one series."""


class DamagedError(ValueError):
    """These bytes are no batch, or not any more."""


def encode(columns: Iterable[tuple[int, bool, Sequence[float], Sequence[Value]]]) -> bytes:
    """Of columns of (key, whether the values are texts, times, values)."""
    heads, times, numbers, texts = array("q"), array("d"), array("d"), list[Value]()
    for key, text, column_times, values in columns:
        heads.append(key)
        heads.append(-len(values) if text else len(values))
        times.extend(array("d", column_times))  # an array, because it is taken in whole and not one by one
        if text:
            texts += values
        else:
            numbers.extend(_numbers(values))
    parts = [_bytes(heads), _bytes(times), _bytes(numbers), orjson.dumps(texts) if texts else b""]
    body = b"".join(parts)
    checksum = zlib.crc32(body, len(heads) // 2)
    return HEAD.pack(checksum, len(heads) // 2) + body


def _numbers(values: Sequence[Value]) -> "array[float]":
    try:
        return array("d", values)  # type: ignore[arg-type]  # the rare null raises
    except TypeError:
        return array("d", [math.nan if value is None else value for value in values])  # type: ignore[misc]  # no texts


def _bytes(column: "array[float] | array[int]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def decode(blob: bytes, wanted: Set[int] | None = None) -> list[Column]:
    """The columns of a batch, all or those of some keys. Raises DamagedError."""
    if len(blob) < HEAD.size:
        raise DamagedError(f"a batch of {len(blob)} bytes")
    checksum, count = HEAD.unpack_from(blob)
    if zlib.crc32(memoryview(blob)[HEAD.size :], count) != checksum:
        raise DamagedError("a batch has the wrong checksum")
    heads = array("q")
    at = _read(heads, blob, HEAD.size, 2 * count)
    keys, lengths = heads[::2], heads[1::2]
    if wanted is not None and wanted.isdisjoint(keys):
        return []
    times, numbers = array("d"), array("d")
    at = _read(times, blob, at, sum(map(abs, lengths)))
    at = _read(numbers, blob, at, sum(length for length in lengths if length > 0))
    texts: list[str] = orjson.loads(blob[at:]) if at < len(blob) else []
    columns = _cut(zip(keys, lengths, strict=True), times, numbers, texts)
    return columns if wanted is None else [column for column in columns if column[0] in wanted]


def _read(column: "array[float] | array[int]", blob: bytes, at: int, count: int) -> int:
    end = at + 8 * count
    if end > len(blob):
        raise DamagedError("a batch is cut short")
    column.frombytes(blob[at:end])
    if sys.byteorder == "big":
        column.byteswap()
    return end


def _cut(
    heads: Iterable[tuple[int, int]], times: "array[float]", numbers: "array[float]", texts: list[str]
) -> list[Column]:
    columns, at, number, text = list[Column](), 0, 0, 0
    for key, length in heads:
        size = abs(length)
        values: array[float] | list[str]
        if length < 0:
            values, text = texts[text : text + size], text + size
        else:
            values, number = numbers[number : number + size], number + size
        columns.append((key, times[at : at + size], values))
        at += size
    return columns
