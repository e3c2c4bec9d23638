import itertools
import math

import orjson

from broadcaster.descriptions import PIECE_BYTES, TOGETHER, WAITING_BYTES, Undescribed, piece
from broadcaster.history import Record
from ingest.samples import Series


def records(count: int) -> list[Record]:
    return [Record(key, Series(f"m{key}"), "gauge") for key in range(count)]


def keys(waiting: Undescribed, before: float = math.inf, most: int | None = None) -> list[int]:
    return [record.key for record in itertools.islice(waiting.take(before), most)]


def test_a_piece_is_of_as_many_series_as_make_it_large_enough() -> None:
    left, sizes = map(Record.descriptor, records(3_000)), list[int]()
    told = list[int]()
    while part := piece(left):
        sizes.append(len(part))
        told += [each["key"] for each in orjson.loads(b"[%b]" % part)]
    assert told == list(range(3_000))
    assert len(sizes) > 3
    assert all(0 <= size - PIECE_BYTES < 200 * TOGETHER for size in sizes[:-1])


def test_a_piece_of_large_series_is_of_few() -> None:
    large = records(TOGETHER + 1)
    for record in large:
        record.help = "h" * PIECE_BYTES
    left = map(Record.descriptor, large)
    assert [piece(left).count(b'"key"') for _ in range(3)] == [TOGETHER, 1, 0]


def test_a_series_waits_once_where_it_came_first() -> None:
    waiting, all_of = Undescribed(), records(4)
    waiting.add(0, all_of[:2])
    assert waiting.others(all_of) == all_of[2:]
    waiting.add(3, waiting.others(all_of))
    assert (waiting.ticket, waiting.bytes) == (0, 4 * WAITING_BYTES)
    assert keys(waiting, before=0) == []
    assert keys(waiting, before=3) == [0, 1]
    assert (waiting.ticket, waiting.bytes) == (3, 2 * WAITING_BYTES)
    assert keys(waiting, most=1) == [2]
    assert waiting.others(all_of) == all_of[:3]
    assert keys(waiting) == [3]
    assert (waiting.ticket, waiting.bytes) == (None, 0)
