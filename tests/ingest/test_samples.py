import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.samples import (
    MAX_TIME,
    Entry,
    Kind,
    Rejection,
    SampleError,
    Series,
    Validator,
    check_series,
    check_time,
)


def refused(raw: object, kind: Kind | None = None) -> tuple[str, str]:
    accepted, rejected = Validator(lambda series: kind).entries([raw], now=5.0)
    assert not accepted
    assert len(rejected) == 1
    assert rejected[0].index == 0
    return rejected[0].code, rejected[0].message


def test_a_single_sample_gets_the_time_of_receipt() -> None:
    accepted, rejected = Validator().entries([{"metric": "a.b", "value": 3}], now=5.0)
    assert rejected == []
    assert (accepted[0].series, accepted[0].times, accepted[0].values) == (Series("a.b"), [5.0], [3.0])


def test_tags_in_any_order_are_one_series() -> None:
    validator = Validator()
    one = validator.series("m", {"b": "2", "a": "1"})
    two = validator.series("m", {"a": "1", "b": "2"})
    assert one == two
    assert hash(one) == hash(two)
    assert one.tags == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("metric", ["", "1a", "a b", "a" * 256, None, 5, ["a"], "ä", "a\n"])
def test_bad_metric(metric: object) -> None:
    code, message = refused({"metric": metric, "value": 1})
    assert code == "bad_metric"
    assert message.startswith("samples[0].metric: expected 1 to 255 characters")


@pytest.mark.parametrize(
    "tags",
    [
        *([], "x", None, {"": "v"}, {"k" * 65: "v"}, {"k": ""}, {"k": "v" * 257}, {"k": "a\nb"}),
        *({"k": 1}, {"k": []}, {"a b": "v"}, {f"k{i}": "v" for i in range(17)}),
    ],
)
def test_bad_tags(tags: object) -> None:
    code, message = refused({"metric": "m", "tags": tags, "value": 1})
    assert code == "bad_tags"
    assert message.startswith("samples[0].tags")


@pytest.mark.parametrize("tags", [[], None, "", 0, False])
def test_empty_things_are_no_tags_even_of_a_known_series(tags: object) -> None:
    accepted, rejected = Validator().entries(
        [{"metric": "m", "value": 1}, {"metric": "m", "tags": tags, "value": 1}], 1.0
    )
    assert len(accepted) == 1
    assert rejected[0].code == "bad_tags"


def test_a_million_tags_are_refused_by_their_number() -> None:
    code, message = refused({"metric": "m", "tags": {str(i): "v" for i in range(1_000_000)}, "value": 1})
    assert (code, message) == ("bad_tags", "samples[0].tags: at most 16 tags, got 1000000")


@pytest.mark.parametrize("value", ["abc", True, math.nan, math.inf, 10**400, {}])
def test_bad_value_names_field_and_limit(value: object) -> None:
    code, message = refused({"metric": "m", "value": value})
    assert code == "bad_value"
    assert message.startswith("samples[0].value: expected a finite number or null, got")


def test_the_message_of_the_protocol() -> None:
    _, rejected = Validator().entries([{"metric": "m", "value": 1}] * 3 + [{"metric": "m", "value": "abc"}], now=1.0)
    assert rejected[0].message == 'samples[3].value: expected a finite number or null, got "abc"'


@pytest.mark.parametrize("time", ["now", True, MAX_TIME + 1, -MAX_TIME - 1, 1.7e12, math.nan, None, 10**400])
def test_bad_time(time: object) -> None:
    with pytest.raises(SampleError) as caught:
        check_time(time)
    assert caught.value.code == "bad_time"


def test_milliseconds_are_recognised() -> None:
    assert refused({"metric": "m", "time": 1_700_000_000_000, "value": 1})[1].endswith("(milliseconds?)")


def test_columns_keep_the_good_and_name_the_bad() -> None:
    raw = {"metric": "m", "time": [1, 2, "x", 4, 5], "value": [1, None, 3, "y", True]}
    accepted, rejected = Validator().entries([raw], now=0.0)
    assert (accepted[0].times, accepted[0].values) == ([1.0, 2.0], [1.0, None])
    assert [r.code for r in rejected] == ["bad_time", "bad_value", "bad_value"]
    assert rejected[1].message.startswith("samples[0].value[3]: expected a finite number or null")


@pytest.mark.parametrize("bad", [math.nan, math.inf, 10**400])
def test_what_cancels_out_in_a_column_is_refused_all_the_same(bad: float) -> None:
    raw = {"metric": "m", "time": [1.0, 2.0, 3.0], "value": [bad, -bad, 0.5]}
    accepted, rejected = Validator().entries([raw], now=0.0)
    assert accepted[0].values == [0.5]
    assert [r.code for r in rejected] == ["bad_value", "bad_value"]


def test_a_column_whose_sum_is_beyond_a_float_is_taken() -> None:
    accepted, rejected = Validator().entries([{"metric": "m", "time": [1.0, 2.0], "value": [1.7e308, 1.7e308]}], 0.0)
    assert (accepted[0].values, rejected) == ([1.7e308, 1.7e308], [])


@pytest.mark.parametrize(("time", "value"), [([1, 2], [1]), (1, [1]), ([1], 1)])
def test_length_mismatch(time: object, value: object) -> None:
    assert refused({"metric": "m", "time": time, "value": value})[0] == "length_mismatch"


def test_an_array_of_values_needs_its_times() -> None:
    assert refused({"metric": "m", "value": [1, 2]})[0] == "length_mismatch"


@pytest.mark.parametrize("value", ["", "x" * 1001, 5, None])
def test_bad_event(value: object) -> None:
    assert refused({"metric": "m", "kind": "event", "value": value})[0] == "bad_value"


def test_a_known_event_series_need_not_repeat_its_kind() -> None:
    accepted, rejected = Validator(lambda series: "event").entries([{"metric": "m", "value": "deploy"}], now=1.0)
    assert (accepted[0].values, rejected) == (["deploy"], [])


def test_an_event_series_stays_one() -> None:
    code, message = refused({"metric": "m", "kind": "gauge", "value": 1}, kind="event")
    assert code == "bad_value"
    assert "of kind event, got gauge" in message


@pytest.mark.parametrize("field", ["unit", "help", "kind"])
def test_bad_description(field: str) -> None:
    code, message = refused({"metric": "m", "value": 1, field: "x" * 2000})
    assert code == "bad_message"
    assert message.startswith(f"samples[0].{field}: expected")


@pytest.mark.parametrize("raw", [None, 1, "x", []])
def test_an_entry_is_an_object(raw: object) -> None:
    code, message = refused(raw)
    assert code == "bad_message"
    assert message.startswith("samples[0]: expected an object, got")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["metric", "tags", "time", "value", "unit", "kind", "help"])
valid = st.fixed_dictionaries({"metric": st.just("m"), "value": st.floats(allow_nan=False, allow_infinity=False)})


@given(st.lists(json | st.dictionaries(fields, json) | valid, max_size=8))
def test_whatever_comes_is_accepted_or_named(raw: list[object]) -> None:
    accepted, rejected = Validator().entries(raw, now=1.0)
    assert len(accepted) + len({r.index for r in rejected}) >= len(raw)
    for entry in accepted:
        assert len(entry.times) == len(entry.values)
        assert all(abs(time) <= MAX_TIME for time in entry.times)
        assert check_series(entry.series.metric, dict(entry.series.tags)) == entry.series


few_tags = st.dictionaries(st.sampled_from("ab"), st.sampled_from("ab"), max_size=2)
near_valid = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["m", "m", "n", "e", "", 5, ["m"]]),
        "value": st.floats() | st.integers(-(2**60), 2**60) | st.sampled_from([None, "x", True, [1.0], 10**400]),
    },
    optional={
        "time": st.floats() | st.integers(0, 2**70) | st.sampled_from([None, "x", 1e12, [1.0]]),
        "tags": few_tags | st.sampled_from([None, [], {"a": ["b"]}, {"a": 5}, "ab", {"": "x"}]),
        "unit": st.sampled_from(["s", "ms", None, 5]),
        "kind": st.sampled_from(["gauge", "counter", "event", "other"]),
        "help": st.sampled_from(["one", "two"]),
        "other": st.just(1),
    },
)
Flat = tuple[Series, str | None, str | None, str | None, float, float | str | None]


def kind_of(series: Series) -> Kind | None:
    return "event" if series.metric == "e" else "gauge" if series.metric == "n" else None


def flat(accepted: list[Entry]) -> list[Flat]:
    return [
        (entry.series, entry.kind, entry.unit, entry.help, time, value)
        for entry in accepted
        for time, value in zip(entry.times, entry.values, strict=True)
    ]


@given(st.lists(near_valid, max_size=12))
def test_what_is_remembered_of_earlier_entries_changes_nothing(raw: list[dict[str, object]]) -> None:
    mine = Validator(kind_of)
    expected: list[tuple[list[Flat], list[str]]] = []
    for item in raw:
        accepted, rejected = Validator(kind_of).entries([item], 5.0)
        expected.append((flat(accepted), [rejection.code + rejection.message for rejection in rejected]))
    for _ in range(2):
        for item, (good, bad) in zip(raw, expected, strict=True):
            accepted, rejected = mine.entries([item], 5.0)
            assert flat(accepted) == good
            assert [rejection.code + rejection.message for rejection in rejected] == bad


@given(st.lists(near_valid, max_size=12))
def test_entries_of_many_messages_are_what_they_are_one_by_one(raw: list[dict[str, object]]) -> None:
    one_by_one, together = Validator(kind_of), Validator(kind_of)
    good: list[Flat] = []
    bad: list[Rejection] = []
    for item in raw * 2:
        accepted, rejected = one_by_one.entries([item], 5.0)
        good += flat(accepted)
        bad += rejected
    accepted, rejected = together.singles(raw * 2, 5.0)
    assert rejected == bad
    by_series = [[sample for sample in good if sample[0] == series] for series in dict.fromkeys(s[0] for s in good)]
    merged = flat(accepted)
    assert [[sample for sample in merged if sample[0] == samples[0][0]] for samples in by_series] == by_series
    assert len(merged) == len(good)


def test_what_is_remembered_of_a_series_holds_until_there_is_another_of_events() -> None:
    events: set[str] = set()
    mine = Validator(lambda series: "event" if series.metric in events else None, lambda: len(events))
    raw: list[object] = [{"metric": "a", "value": 1.0}]
    assert mine.entries(raw, 5.0)[1] == mine.singles(raw, 5.0)[1] == []
    events.add("a")  # another producer's, after the series was forgotten
    assert [rejection.code for rejection in mine.entries(raw, 5.0)[1]] == ["bad_value"]
    assert [rejection.code for rejection in mine.singles(raw, 5.0)[1]] == ["bad_value"]


def test_samples_of_a_series_that_come_together_become_one_entry() -> None:
    validator = Validator()
    raw = [{"metric": metric, "time": float(time), "value": time} for time, metric in enumerate("aabab")]
    validator.singles(raw[:3], 5.0)  # a series is described by its first sample
    accepted, _ = validator.singles(raw, 5.0)
    assert [(entry.series.metric, entry.times) for entry in accepted] == [("a", [0.0, 1.0, 3.0]), ("b", [2.0, 4.0])]


def test_the_caches_are_bounded() -> None:
    validator = Validator(cache_size=10)
    for index in range(100):
        validator.series("m", {"i": str(index)})
        validator.entries([{"metric": "m", "tags": {"j": str(index)}, "value": 1.0}], 5.0)
    assert len(validator._cache) <= 10
    assert len(validator._described) <= 10


@pytest.mark.parametrize("open", ['{"a":', "["])
def test_what_is_nested_too_deep_to_be_shown_is_refused_all_the_same(open: str) -> None:
    value: object = 1
    for _ in range(1_000):
        value = {"a": value} if open == '{"a":' else [value]
    with pytest.raises(SampleError) as refused:
        check_series(value, {})
    assert "nested too deep" in refused.value.message
