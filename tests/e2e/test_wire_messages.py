"""Messages that are none: each is answered with its error code, and the connection and all others go on."""

import json
from contextlib import suppress
from typing import Any

import pytest
import trio

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Wire, sample

NOT_JSON = [
    "",
    " ",
    "{",
    "{}}",
    "{'type':'ping'}",
    '{"type":"ping","time":1,}',
    '{"type":"ping" "time":1}',
    '{"type":"ping","time":NaN}',
    '{"type":"ping","time":Infinity}',
    '{"type":"ping","time":-Infinity}',
    '{"type":"publish","id":1,"samples":[{"metric":"m","value":NaN}]}',
    '{"type":"publish","id":1,"samples":[{"metric":"m","value":+1}]}',
    '{"type":"publish","id":1,"samples":[{"metric":"m","value":01}]}',
    '{"type":"publish","id":1,"samples":[{"metric":"m","value":1.}]}',
    '{"type":"publish","id":1,"samples":[{"metric":"m","value":0x10}]}',
    '{"type":"ping","time":1} {"type":"ping","time":2}',
    '{"type":"ping","time":1}\x00',
    '\ufeff{"type":"ping","time":1}',
    '{"type":"ping\n","time":1}',
    "[" * 100_000,
    '{"a":' * 100_000,
]


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: repr(text[:60]))
async def test_broken_json(broadcaster: Broadcaster, dial: Dial, text: str) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send_text(text)
    await wire.expect("error", code="bad_json")
    await still_works(wire, witness)


async def still_works(wire: Wire, witness: Wire) -> None:
    assert (await wire.publish(1000, [sample("after", 1)]))["accepted"] == 1
    await witness.ping()


@pytest.mark.parametrize("text", ["[]", "null", "1", '"ping"', "true", '[{"type":"ping","time":1}]'])
async def test_json_that_is_no_object(broadcaster: Broadcaster, dial: Dial, text: str) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send_text(text)
    await wire.expect("error", code="bad_message")
    await still_works(wire, witness)


@pytest.mark.parametrize("depth", [900, 50_000])
async def test_deep_nesting(broadcaster: Broadcaster, dial: Dial, depth: int) -> None:
    """Valid JSON, whatever its depth; a decoder may have its own bound, which it says."""
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send_text('{"type":"ping","time":1,"unknown":' + "[" * depth + "]" * depth + "}")
    answer = await wire.receive()
    assert answer["type"] == "pong" or answer["code"] == "bad_json"
    await wire.publish(1, [sample("good", 1)])
    await wire.send_text('{"type":"publish","id":2,"samples":[{"metric":"m","value":' + "[" * 900 + "]" * 900 + "}]}")
    await wire.receive()
    await still_works(wire, witness)


@pytest.mark.parametrize("type", ["unknown", "", "PING", "ping ", "welcome", "samples", "x" * 10_000])
async def test_unknown_types(broadcaster: Broadcaster, dial: Dial, type: str) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send(type, id=7)
    error = await wire.expect("error", code="unknown_type")
    assert error.get("id", 7) == 7
    assert len(error["message"]) < 500, "an error does not repeat what was sent at length"
    await still_works(wire, witness)


WRONG: list[Any] = [None, True, 1, -1.5, "x", [], {}, [[]], 1e300, 2**70]


def wrongs(*fine: type) -> list[Any]:
    """Values of every JSON type except these."""
    return [value for value in WRONG if type(value) not in fine]


@pytest.mark.parametrize("value", wrongs(str), ids=repr)
async def test_type_is_a_string(broadcaster: Broadcaster, dial: Dial, value: object) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send({"type": value})
    await wire.expect("error", code="bad_message")
    await still_works(wire, witness)


async def test_type_is_required(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send({"id": 1})
    await wire.expect("error", code="bad_message")
    await still_works(wire, witness)


FIELDS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("publish", {"samples": []}, "id", [*wrongs(int, type(None)), 2**70]),
    ("publish", {"id": 3}, "samples", [value for value in wrongs(list) if value is not None]),
    ("hello", {}, "producer", [*wrongs(str, type(None)), "not-a-uuid", ""]),
    ("hello", {}, "client", wrongs(str, type(None))),
    ("hello", {}, "overflow", [*wrongs(str, type(None)), "", "block", "Conflate"]),
    ("hello", {}, "max_rate", [*wrongs(int, float, type(None)), -1]),
    ("subscribe", {"select": [{}]}, "id", wrongs(int)),
    (
        "subscribe",
        {"id": 3},
        "select",
        [value for value in WRONG if value != [[]]] + [[1], ["m"], [None], [[]], [True]],
    ),
    ("subscribe", {"id": 3, "select": [{}]}, "history", [True, "x", [], {}, -1]),
    ("subscribe", {"id": 3, "select": [{}]}, "resume", [True, 1, [], {}]),
    ("unsubscribe", {}, "id", wrongs(int)),
    ("ping", {}, "time", wrongs(int, float)),
    ("authenticate", {}, "token", wrongs(str)),
]


@pytest.mark.parametrize(
    ("type", "fields", "name", "value"),
    [(type, fields, name, value) for type, fields, name, values in FIELDS for value in values],
    ids=lambda item: repr(item)[:30],
)
async def test_wrong_types(
    broadcaster: Broadcaster, dial: Dial, type: str, fields: dict[str, Any], name: str, value: object
) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send(type, **fields, **{name: value})
    error = await wire.expect("error", code="bad_token" if type == "authenticate" else "bad_message")
    assert name in error["message"], "the message names the field"
    assert error.get("id") == (fields.get("id") if name != "id" else None)
    await still_works(wire, witness)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "publish", "id": 3},
        {"type": "subscribe", "id": 3},
        {"type": "subscribe", "select": [{}]},
        {"type": "unsubscribe"},
        {"type": "ping"},
    ],
    ids=str,
)
async def test_missing_fields(broadcaster: Broadcaster, dial: Dial, message: dict[str, Any]) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send(message)
    error = await wire.expect("error", code="bad_message")
    assert error.get("id") == message.get("id")
    await still_works(wire, witness)


SELECTORS: list[Any] = [
    {"metric": 1},
    {"metric": ""},
    {"metric": None},
    {"metric": ["*"]},
    {"metric": "*" * 100_000},
    {"tags": []},
    {"tags": "k=v"},
    {"tags": {"k": 1}},
    {"tags": {"k": None}},
    {"tags": {f"k{i}": "*" for i in range(20_000)}},
]


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda item: repr(item)[:30])
async def test_bad_selectors(broadcaster: Broadcaster, dial: Dial, selector: object) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send("subscribe", id=4, select=[{"metric": "fine"}, selector])
    error = await wire.expect("error", code="bad_message", id=4)
    assert "select[1]" in error["message"]
    assert len(error["message"]) < 500
    await still_works(wire, witness)
    await wire.subscribe(4)  # the id is still free


async def test_too_many_selectors_and_subscriptions(start: Start, dial: Dial) -> None:
    broadcaster = await start(selectors_max=3, subscriptions_max=2)
    wire = await dial(broadcaster)
    await wire.send("subscribe", id=1, select=[{"metric": f"m{i}"} for i in range(4)])
    await wire.expect("error", code="bad_message", id=1)
    await wire.subscribe(1)
    await wire.subscribe(2)
    await wire.send("subscribe", id=3, select=[{}])
    await wire.expect("error", id=3)
    await wire.send("unsubscribe", id=2)
    await wire.until("unsubscribed")
    await wire.subscribe(3)


async def test_globs_that_blow_up_naive_matchers(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, select=[{"metric": "*a" * 100 + "b"}, {"metric": "*?" * 120}])
    await producer.publish(1, [sample("a" * 255, i, i) for i in range(100)])
    await wire.until_samples(100)


async def test_a_million_tags(start: Start, dial: Dial) -> None:
    broadcaster = await start(message_bytes=50_000_000)
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    tags = {f"k{i}": "v" for i in range(1_000_000)}
    ack = await wire.publish(1, [sample("m", 1, tags=tags), sample("good", 1)])
    assert ack["accepted"] == 1
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [(0, "bad_tags")]
    assert len(ack["rejected"][0]["message"]) < 500
    await still_works(wire, witness)


async def test_a_million_tags_over_the_limit_of_bytes(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    with suppress(trio.BrokenResourceError):  # a reset, because the server does not read the rest
        await wire.send("publish", id=1, samples=[sample("m", 1, tags={f"k{i}": "v" for i in range(1_000_000)})])
        assert (await wire.until_closed()).code == 1009
    await witness.ping()


HUGE_NUMBERS = ["1e400", "-1e400", "1" + "0" * 400, "-1" + "0" * 5000, "1" + "0" * 400 + ".5"]


@pytest.mark.parametrize("number", HUGE_NUMBERS, ids=lambda text: text[:8])
async def test_numbers_beyond_a_float(broadcaster: Broadcaster, dial: Dial, number: str) -> None:
    """They are good JSON, and no finite float: the sample is refused and the others of the message are taken."""
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    bad = '{"metric":"m","value":' + number + "}"
    await wire.send_text('{"type":"publish","id":1,"samples":[{"metric":"good","value":1},' + bad + "]}")
    ack = await wire.answer(1)
    assert (ack["accepted"], [(item["index"], item["code"]) for item in ack["rejected"]]) == (1, [(1, "bad_value")])
    bad = '{"metric":"m","value":1,"time":' + number + "}"
    await wire.send_text('{"type":"publish","id":2,"samples":[{"metric":"good","value":1},' + bad + "]}")
    ack = await wire.answer(2)
    assert (ack["accepted"], [(item["index"], item["code"]) for item in ack["rejected"]]) == (1, [(1, "bad_time")])
    await still_works(wire, witness)


async def test_numbers_close_to_the_bounds_of_a_float(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    values = [10**300, 2**64, 2**63, -(2**63) - 1, 1.7976931348623157e308, 2**53 + 1]
    ack = await wire.publish(1, [sample("m", value, at) for at, value in enumerate(values)])
    assert (ack["accepted"], ack["rejected"]) == (len(values), [])
    ack = await wire.publish(2, [sample("column", values, list(range(len(values))))])
    assert ack["accepted"] == len(values)
    await wire.until_samples(2 * len(values))
    expected = [float(value) for value in values]
    assert [float(value) for value in wire.rules.values("m")] == expected
    assert [float(value) for value in wire.rules.values("column")] == expected


async def test_strings_with_lone_surrogates(broadcaster: Broadcaster, dial: Dial) -> None:
    """JSON can spell half a character, which no UTF-8 text can carry on to subscribers."""
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await witness.subscribe()
    await wire.send_text(
        r'{"type":"publish","id":1,"samples":[{"metric":"m","value":1,"tags":{"k":"\ud800"}},{"metric":"m","value":2}]}'
    )
    answer = await wire.receive()
    assert answer["type"] in ("ack", "error")
    assert answer.get("code", "bad_json") == "bad_json"
    await still_works(wire, witness)


async def test_names_given_twice(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    await wire.send_text('{"type":"nope","type":"ping","time":1,"time":2}')
    answer = await wire.receive()
    assert answer["type"] in ("pong", "error")
    await still_works(wire, witness)


async def test_errors_do_not_reorder_acks(broadcaster: Broadcaster, dial: Dial) -> None:
    """Every message has its answer, in the order sent."""
    wire = await dial(broadcaster)
    good = json.dumps({"type": "publish", "id": 1, "samples": [sample("m", 1)]})
    for _ in range(20):
        await wire.send_text(good)
        await wire.send_text("{")
        await wire.send("nope")
        await wire.send("ping", time=1)
    for _ in range(20):
        await wire.expect("ack", id=1)
        await wire.expect("error", code="bad_json")
        await wire.expect("error", code="unknown_type")
        await wire.expect("pong")


@pytest.mark.parametrize("number", ["0", "-1.5", "1e300", "12345678901234567890"])
async def test_pong_echoes_any_number(broadcaster: Broadcaster, dial: Dial, number: str) -> None:
    wire = await dial(broadcaster)
    await wire.send_text('{"type":"ping","time":' + number + "}")
    assert (await wire.expect("pong"))["time"] == json.loads(number)
