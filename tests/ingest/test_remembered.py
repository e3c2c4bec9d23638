import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ingest import remembered
from ingest.remembered import Remembered, own_key
from ingest.samples import Series, Validator

Raw = dict[str, Any]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "FREE_BYTES", 1_000_000)


def helps(number: int) -> Raw:
    """Of one series with large tags, which come anew each time."""
    return {"metric": "m", "tags": {"a": "x" * 256, "b": "y" * 256}, "help": f"\U0001f600{number}" + "z" * 900}


def names(number: int) -> Raw:
    return {"metric": f"m{number}", "tags": {f"k{tag}": f"\U0001f600{number}" + "z" * 240 for tag in range(16)}}


def small(number: int) -> Raw:
    return {"metric": f"m{number}", "tags": {"host": f"web-{number}"}, "unit": "s"}


def feed(validator: Validator, make: Callable[[int], Raw], numbers: range) -> None:
    for number in numbers:
        raw = orjson.loads(orjson.dumps([{**make(number), "value": 1.0}]))
        assert validator.entries(raw, 5.0)[1] == []


@pytest.mark.parametrize("make", [helps, names, small])
def test_what_is_remembered_is_bounded_in_bytes(make: Callable[[int], Raw]) -> None:
    validator = Validator(known_series=lambda: 0)
    feed(validator, make, range(10))
    gc.collect()
    tracemalloc.start()
    try:
        feed(validator, make, range(10, 2_000))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1_200_000
    finally:
        tracemalloc.stop()


def test_so_much_is_remembered_of_every_known_series() -> None:
    known: list[int] = []
    validator = Validator(known_series=known.__len__)
    for number in range(2_000):
        feed(validator, small, range(number, number + 1))
        known.append(number)
    assert len(validator._cache) == len(validator._described) == 2_000


def test_a_description_keeps_the_texts_of_its_series_and_not_those_that_came_with_it() -> None:
    validator = Validator()
    first: Raw = {"metric": "m" * 99, "tags": {"b" * 50: "x" * 99, "a" * 50: "y" * 99}, "value": 1.0}
    feed(validator, lambda number: first, range(1))
    (series,) = validator._cache.values()
    again = {**first, "help": "h"}
    feed(validator, lambda number: again, range(1))
    _, described = validator._described
    assert isinstance(described, tuple)
    key = described[-1]
    assert described == (None, None, "h", ("m" * 99, "b" * 50, "a" * 50, "x" * 99, "y" * 99))
    own = {id(text) for text in (series.metric, *(text for tag in series.tags for text in tag))}
    assert {id(text) for text in key} == own
    assert validator.entries([again], 5.0)[0][0].series is series


def test_what_cannot_be_taken_at_once_again_is_not_remembered() -> None:
    validator = Validator()
    validator.entries([{"metric": "m", "value": value} for value in (None, "text", [1.0])], 5.0)
    assert not validator._described
    feed(validator, lambda number: {"metric": "m"}, range(1))
    assert len(validator._described) == 1


def test_series_and_descriptions_go_together_as_descriptions_hold_series() -> None:
    kept = Remembered[Series, str](10, lambda: 0)
    for number in range(9):
        kept.keep_series((f"m{number}",), Series(f"m{number}"))
        kept.keep_described(number, "", 0, None, None)
    kept.keep_described(9, "", 0, None, "h" * 1_000_000)  # larger than all that may be kept: alone, until the next
    assert (len(kept.series), len(kept.described)) == (0, 1)
    kept.keep_series(("m",), Series("m"))
    assert (len(kept.series), len(kept.described)) == (1, 0)


def test_descriptions_that_are_forgotten_make_room() -> None:
    kept = Remembered[Series, str](10, lambda: 0)
    kept.keep_series(("m",), Series("m"))
    for _ in range(10):
        kept.keep_described("m", "", 0, None, "h" * 900_000)
        kept.forget_described()
    assert len(kept.series) == 1


def test_its_own_key_has_the_order_of_what_came() -> None:
    assert own_key("m", (("a", "1"), ("b", "2")), ["b", "a"]) == ("m", "b", "a", "2", "1")
