import orjson
import pytest

from ingest.messages import MessageError, decode, decode_publish, encode_publish
from ingest.samples import Entry, Series, Validator


def publish(message: dict[str, object], samples_max: int = 100) -> object:
    return decode_publish(message, Validator(), 1.0, samples_max)


@pytest.mark.parametrize("data", ["", "{", b"\xff\xfe", '{"a": NaN}', "[1e400, NaN]", '"\\ud800"', b'{"a":"\xff"}'])
def test_not_json(data: str | bytes) -> None:
    with pytest.raises(MessageError) as caught:
        decode(data)
    assert caught.value.code == "bad_json"


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


def test_what_is_encoded_is_decoded_alike() -> None:
    entries = [
        Entry(Series("a", (("k", "v"),)), (1.5,), (2.0,), "counter", "B", "bytes"),
        Entry(Series("b"), [1.0, 2.0], [None, 4.0]),
        Entry(Series("c"), (3.0,), ("deploy",), "event"),
    ]
    decoded = decode_publish(decode(encode_publish(7, entries)), Validator(), 9.0, 100)
    assert (decoded.id, decoded.entries, decoded.rejected, decoded.accepted) == (7, entries, [], 4)


def test_a_single_sample_is_sent_without_arrays() -> None:
    message = orjson.loads(encode_publish(None, [Entry(Series("a"), (1.0,), (2.0,))]))
    assert message == {"type": "publish", "samples": [{"metric": "a", "time": 1.0, "value": 2.0}]}
