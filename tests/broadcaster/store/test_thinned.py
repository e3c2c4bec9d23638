import math
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.store.codec import DamagedError
from broadcaster.store.thinned import (
    Columns,
    Slots,
    Texts,
    decode_row,
    each_its_own,
    encode_samples,
    encode_slots,
    encode_texts,
    fold,
    joined,
    samples,
    slots_in,
)

TIMES = st.integers(-4_000, 4_000).map(lambda quarter: quarter / 4)
VALUES = st.one_of(st.integers(-(10**6), 10**6).map(float), st.just(math.nan))  # sums of these are exact
SAMPLES = st.lists(st.tuples(TIMES, VALUES), max_size=40)
Model = dict[float, tuple[float, ...]]


def naive(pairs: list[tuple[float, float]], step: int) -> Model:
    found: dict[int, list[tuple[float, float]]] = {}
    for time, value in pairs:
        if not math.isnan(value):
            found.setdefault(math.floor(time / step), []).append((time, value))
    model: Model = {}
    for slot, held in found.items():
        values, last = [value for _, value in held], max(time for time, _ in held)
        model[slot] = (len(values), min(values), max(values), sum(values), last)
    return model


def plain(slots: Slots) -> Model:
    return {at: (slot.count, slot.min, slot.max, slot.sum, slot.time) for at, slot in slots.items()}


def columns(pairs: list[tuple[float, float]]) -> Columns:
    return samples([time for time, _ in pairs], [value for _, value in pairs])


def folded(step: int, *rows: Columns) -> Slots:
    slots = Slots()
    for row in rows:
        fold(slots, step, row)
    return slots


@given(SAMPLES, st.sampled_from([1, 10, 60]))
def test_slots_are_those_of_a_naive_model(pairs: list[tuple[float, float]], step: int) -> None:
    slots = folded(step, columns(pairs))
    assert plain(slots) == naive(pairs, step)
    for at, slot in slots.items():
        newest = [value for time, value in pairs if time == slot.time and time // step == at]
        assert slot.last in newest
        assert slot.min <= slot.mean <= slot.max


@given(st.lists(SAMPLES, min_size=1, max_size=5), st.randoms())
def test_however_it_is_cut_the_slots_are_the_same(pieces: list[list[tuple[float, float]]], chance: Any) -> None:
    """Late samples, steps that end in the middle of a slot, and any way from step to step."""
    rows = []
    for piece in pieces:
        row: Columns | Texts = columns(piece)
        for step in chance.choice([(), (1,), (10,), (1, 10)]):
            assert isinstance(row, Columns)
            row = decode_row(encode_slots(folded(step, row)))
        assert isinstance(row, Columns)
        rows.append(row)
    chance.shuffle(rows)
    every = [pair for piece in pieces for pair in piece]
    assert plain(folded(60, *rows)) == plain(folded(60, joined(rows))) == naive(every, 60)


@given(SAMPLES)
def test_a_row_is_what_it_was(pairs: list[tuple[float, float]]) -> None:
    slots = folded(1, columns(pairs))
    data = encode_slots(slots)
    row = decode_row(data)
    assert isinstance(row, Columns)
    assert plain(folded(1, row)) == plain(slots)
    assert slots_in(data) == len(slots)


def test_single_samples_are_kept_as_they_came() -> None:
    assert each_its_own(1, [0.25, 1.5])
    assert not each_its_own(1, [0.25, 0.5])
    assert not each_its_own(1, [1.5, 0.25])
    row = decode_row(encode_samples([0.25, 1.5], [7.0, 8.0]))
    assert isinstance(row, Columns)
    assert (list(row.times), list(row.lasts), row.counts) == ([0.25, 1.5], [7.0, 8.0], None)
    assert len(encode_samples([0.25, 1.5], [7.0, 8.0])) == 12 + 2 * 16


def test_texts_are_kept() -> None:
    texts = Texts([1.0, 2.0], ["a", "ü"])
    assert decode_row(encode_texts(texts)) == texts


def test_a_sum_that_no_number_holds_still_has_a_mean() -> None:
    (slot,) = folded(1, samples([0.0, 0.5], [1.7e308, 1.5e308])).values()
    assert slot.mean == 1.6e308


def test_of_the_same_time_the_later_is_the_last() -> None:
    (slot,) = folded(10, samples([3.0, 5.0, 5.0, 4.0], [1.0, 2.0, 3.0, 4.0])).values()
    assert slot.last == 3.0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:5],
        lambda data: data[:-1],
        lambda data: data[:-1] + b"\xff",
        lambda data: zlib.crc32(data[4:-8]).to_bytes(4, "little") + data[4:-8],
        lambda data: zlib.crc32(b"\x07" + data[5:]).to_bytes(4, "little") + b"\x07" + data[5:],
    ],
)
def test_a_damaged_row_is_known(damage: Any) -> None:
    with pytest.raises(DamagedError):
        decode_row(damage(encode_samples([1.0, 2.0], [1.0, 2.0])))
