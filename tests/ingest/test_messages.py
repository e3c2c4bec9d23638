import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.messages import MessageError, decode, decode_publish, encode_publish
from ingest.samples import Entry, Series, Validator


def publish(message: dict[str, object], samples_max: int = 100) -> object:
    return decode_publish(message, Validator(), 1.0, samples_max)


@pytest.mark.parametrize("data", ["", "{", b"\xff\xfe", '{"a": NaN}', "[1e400, NaN]", '"\\ud800"', b'{"a":"\xff"}'])
def test_not_json(data: str | bytes) -> None:
    with pytest.raises(MessageError) as caught:
        decode(data)
    assert caught.value.code == "bad_json"


@pytest.mark.parametrize(
    "data", ['{"a": 1e400, "b": "\\ud800"}', '{"a": 1e400, "b": ' + "[" * 100_000 + "]" * 100_000 + "}"]
)
def test_beside_a_number_too_large_the_rest_is_no_less_checked(data: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode(data)
    assert caught.value.code == "bad_json"


@pytest.mark.parametrize("digits", [str(2**64), "9" * 299, "-" + "9" * 30])
def test_an_integer_beyond_64_bits_is_a_float_that_can_be_sent_on(digits: str) -> None:
    message = decode(f'{{"time": [1, 2], "value": [{digits}, 5], "other": 1e400}}')
    assert message["value"] == [float(digits), 5]
    assert type(message["value"][0]) is float


ANYTHING = st.recursive(
    st.sampled_from(
        ["1e400", "-1e999", "NaN", "null", "true", '"\\ud800"', '"x"', "9" * 25, "9" * 310, "-0.0", "}", ","]
    )
    | st.integers().map(str),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(["samples", "metric", "value", "time", "kind", "tags", "id"]), inner)).map(
            lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ANYTHING | st.text(max_size=20) | st.binary(max_size=20))
def test_whatever_comes_is_decoded_or_refused_by_the_protocols_errors(data: str | bytes) -> None:
    try:
        message = decode(data)
        orjson.dumps(message)
        published = decode_publish(message, Validator(), 1.0, 10)
    except MessageError as problem:
        assert problem.code in {"bad_json", "bad_message", "too_many_samples"}
    else:
        orjson.dumps([[entry.series.metric, entry.times, entry.values] for entry in published.entries])
        orjson.dumps([rejection.message for rejection in published.rejected])


@pytest.mark.parametrize("data", ["[]", "[1e400]", "1", "null", '"x"'])
def test_not_an_object(data: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode(data)
    assert caught.value.code == "bad_message"


@pytest.mark.parametrize("id", [-1, 2**63, 1.5, "1", True])
def test_bad_id(id: object) -> None:
    with pytest.raises(MessageError, match="id: expected an integer") as caught:
        publish({"id": id, "samples": []})
    assert caught.value.code == "bad_message"


def test_samples_is_an_array() -> None:
    with pytest.raises(MessageError, match="samples: expected an array, got null") as caught:
        publish({"id": 3})
    assert (caught.value.code, caught.value.id) == ("bad_message", 3)


def test_too_many_samples_are_counted_over_the_columns() -> None:
    column = {"metric": "m", "time": [1, 2, 3], "value": [1, 2, 3]}
    with pytest.raises(MessageError, match="at most 5 samples a message, got 6") as caught:
        publish({"id": 1, "samples": [column, column]}, samples_max=5)
    assert caught.value.code == "too_many_samples"


def test_entries_without_a_sample_count_as_one_each() -> None:
    """A megabyte holds 80,000 of them, each of which is checked and answered."""
    with pytest.raises(MessageError, match="at most 5 samples a message, got 6"):
        publish({"id": 1, "samples": [{"metric": "m", "time": [], "value": []}] * 6}, samples_max=5)


def test_what_is_encoded_is_decoded_alike() -> None:
    entries = [
        Entry(Series("a", (("k", "v"),)), [1.5], [2.0], "counter", "B", "bytes"),
        Entry(Series("b"), [1.0, 2.0], [None, 4.0]),
        Entry(Series("c"), [3.0], ["deploy"], "event"),
    ]
    decoded = decode_publish(decode(encode_publish(7, entries)), Validator(), 9.0, 100)
    assert (decoded.id, decoded.entries, decoded.rejected, decoded.accepted) == (7, entries, [], 4)


def test_a_single_sample_is_sent_without_arrays() -> None:
    message = orjson.loads(encode_publish(None, [Entry(Series("a"), (1.0,), (2.0,))]))
    assert message == {"type": "publish", "samples": [{"metric": "a", "time": 1.0, "value": 2.0}]}
