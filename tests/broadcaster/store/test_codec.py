import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.store.codec import DamagedError, decode, encode
from ingest.samples import Value
from tests.broadcaster.frame_parts import QUICK

NUMBERS = st.floats(allow_nan=False)
TIMES = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.integers(1, 2**53)
NUMERIC = st.tuples(KEYS, st.just(False), st.lists(st.tuples(TIMES, st.none() | NUMBERS), max_size=8))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
EVENTS = st.tuples(KEYS, st.just(True), st.lists(st.tuples(TIMES, TEXTS), min_size=1, max_size=8))
COLUMNS = st.lists(NUMERIC | EVENTS, max_size=6)
Columns = Sequence[tuple[int, bool, Sequence[tuple[float, Value]]]]


def encoded(columns: Columns) -> bytes:
    return encode((key, text, [t for t, _ in pairs], [v for _, v in pairs]) for key, text, pairs in columns)


@QUICK
@given(COLUMNS)
def test_a_batch_comes_back_as_it_was(columns: Columns) -> None:
    found = decode(encoded(columns))
    assert len(found) == len(columns)
    for (key, text, pairs), (found_key, times, values) in zip(columns, found, strict=True):
        assert (found_key, list(times)) == (key, [time for time, _ in pairs])
        assert isinstance(values, list) is text
        nulls = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
        assert nulls == [value for _, value in pairs]


@QUICK
@given(COLUMNS, st.data())
def test_a_batch_with_another_byte_is_refused(columns: Columns, data: st.DataObject) -> None:
    blob = bytearray(encoded(columns))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        decode(bytes(blob))


@QUICK
@given(COLUMNS, st.data())
def test_a_batch_cut_short_is_refused(columns: Columns, data: st.DataObject) -> None:
    blob = encoded(columns)
    with pytest.raises(DamagedError):
        decode(blob[: data.draw(st.integers(0, len(blob) - 1))])


def test_whole_numbers_are_numbers() -> None:
    ((key, times, values),) = decode(encode([(7, False, [1, 2], [3, None])]))
    assert (key, list(times), values[0], math.isnan(float(values[1]))) == (7, [1.0, 2.0], 3.0, True)
