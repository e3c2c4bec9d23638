"""Ranges of ids beside a plain set."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.id_ranges import IdRanges
from tests.broadcaster.frame_parts import QUICK

IDS = st.integers(0, 20)


@QUICK
@given(st.lists(st.tuples(st.booleans(), IDS, IDS), max_size=30))
def test_they_are_what_a_set_is(steps: list[tuple[bool, int, int]]) -> None:
    ranges, model = IdRanges(), set[int]()
    for adds, low, size in steps:
        if adds:
            ranges.add(low, low + size // 4, 100)
            model |= set(range(low, low + size // 4 + 1))
        else:
            ranges.discard(low)
            model.discard(low)
        assert {id for id in range(-1, 30) if id in ranges} == model
        pairs = ranges.pairs()
        assert all(low <= high for low, high in pairs)
        assert all(high + 1 < low for (_, high), (low, _) in pairwise(pairs)), "as few as can be"
        assert len(ranges) == len(pairs)


def test_those_of_the_lowest_ids_go_first() -> None:
    ranges = IdRanges()
    for id in range(0, 10, 2):
        ranges.add(id, id, 3)
    assert ranges.pairs() == [(4, 4), (6, 6), (8, 8)]
