"""publish and ack: acceptance in part, order, ids, producers that come again."""

import time
import uuid
from typing import Any

import pytest

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Message, sample

PRODUCER = str(uuid.UUID(int=7))


async def test_unknown_fields_are_ignored_everywhere(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster, hello={"client": "tests", "future": {"a": [1]}, "producer": PRODUCER})
    ack = await wire.publish(1, [sample("m", 1, future=True)], future=[None])
    assert (ack["accepted"], ack["rejected"]) == (1, [])
    await wire.subscribe(1, select=[{"metric": "m", "future": 1}], history=60, future={})
    await wire.send("ping", time=1, future="x")
    await wire.until("pong")
    await wire.send("unsubscribe", id=1, future="x")
    await wire.until("unsubscribed")


async def test_values_and_times_arrive_as_sent(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    values = [0, -0.0, 1, -1.5, 1e308, -1e308, 5e-324, 0.1, 1e-7, 2**53, None, 123456789.987654321]
    times = [i + 0.25 for i in range(len(values))]
    await wire.publish(1, [sample("m", values, times), sample("m", 7.5, 1_700_000_000.123456)])
    await wire.until_samples(len(values) + 1)
    assert wire.rules.values("m") == [*values, 7.5]
    assert wire.rules.times("m") == [*times, 1_700_000_000.123456]


async def test_time_left_out_is_when_the_server_received_it(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    before = time.time()
    await wire.publish(1, [sample("m", 1)])
    await wire.until_samples(1)
    assert before - 0.001 <= wire.rules.times("m")[0] <= time.time() + 0.001


async def test_a_publish_without_id_has_no_ack(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    await wire.send("publish", samples=[sample("m", 1)])
    await wire.until_samples(1)
    await wire.ping()
    assert not [message for message in wire.received if message["type"] == "ack"]


async def test_a_publish_without_id_is_told_of_bad_samples(broadcaster: Broadcaster, dial: Dial) -> None:
    """Nothing is dropped silently."""
    wire = await dial(broadcaster)
    await wire.subscribe()
    await wire.send("publish", samples=[sample("m", "abc"), sample("m", 1)])
    error = await wire.until("error")
    assert error["code"] == "bad_value"
    assert "samples[0].value" in error["message"]
    await wire.until_samples(1)
    assert wire.rules.values("m") == [1]


async def test_an_empty_publish(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    ack = await wire.publish(1, [])
    assert (ack["type"], ack["accepted"], ack["rejected"]) == ("ack", 0, [])


async def test_acks_come_in_the_order_published(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    ids = [5, 3, 3, 0, 2**53, 4]  # without a producer, ids are the client's own affair
    await wire.send_many({"type": "publish", "id": id, "samples": [sample("m", 1)]} for id in ids)
    acks = [await wire.until("ack") for _ in ids]
    assert [ack["id"] for ack in acks] == ids
    assert all(ack["accepted"] == 1 for ack in acks)


BAD: list[tuple[str, Message, str]] = [
    ("bad_metric", sample("", 1), "samples[1].metric"),
    ("bad_metric", sample("9lives", 1), "samples[1].metric"),
    ("bad_metric", sample("a b", 1), "samples[1].metric"),
    ("bad_metric", sample("m" * 256, 1), "samples[1].metric"),
    ("bad_metric", sample("m\n", 1), "samples[1].metric"),
    ("bad_metric", sample("früh", 1), "samples[1].metric"),
    ("bad_metric", {"value": 1}, "samples[1].metric"),
    ("bad_metric", {"metric": None, "value": 1}, "samples[1].metric"),
    ("bad_metric", {"metric": 7, "value": 1}, "samples[1].metric"),
    ("bad_metric", {"metric": ["m"], "value": 1}, "samples[1].metric"),
    ("bad_metric", {"metric": {"m": 1}, "value": 1}, "samples[1].metric"),
    ("bad_tags", sample("m", 1, tags=[]), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags=[["k", "v"]]), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags="k=v"), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags=5), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags=True), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": 1}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": None}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": ["v"]}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": {}}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": ""}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": "v" * 257}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": "a\x00b"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k": "a\nb"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"": "v"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"k" * 65: "v"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"a b": "v"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={"ä": "v"}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={f"k{i}": "v" for i in range(17)}), "samples[1].tags"),
    ("bad_tags", sample("m", 1, tags={f"k{i}": "v" for i in range(50_000)}), "samples[1].tags"),
    ("bad_time", sample("m", 1, "now"), "samples[1].time"),
    ("bad_time", {"metric": "m", "value": 1, "time": None}, "samples[1].time"),
    ("bad_time", sample("m", 1, True), "samples[1].time"),
    ("bad_time", sample("m", 1, {}), "samples[1].time"),
    ("bad_time", sample("m", 1, 253402300800), "samples[1].time"),
    ("bad_time", sample("m", 1, -253402300800), "samples[1].time"),
    ("bad_time", sample("m", 1, 1e300), "samples[1].time"),
    ("bad_time", sample("m", 1, 1700000000000), "samples[1].time"),
    ("bad_time", sample("m", 1, 2**63), "samples[1].time"),
    ("bad_time", sample("m", 1, 10**300), "samples[1].time"),
    ("bad_value", sample("m", "abc"), "samples[1].value"),
    ("bad_value", sample("m", "1"), "samples[1].value"),
    ("bad_value", sample("m", ""), "samples[1].value"),
    ("bad_value", sample("m", True), "samples[1].value"),
    ("bad_value", sample("m", False), "samples[1].value"),
    ("bad_value", sample("m", {}), "samples[1].value"),
    ("bad_value", {"metric": "m"}, "samples[1].value"),
    ("length_mismatch", sample("m", [1, 2]), "samples[1]"),
    ("length_mismatch", sample("m", [1, 2], [1]), "samples[1]"),
    ("length_mismatch", sample("m", [1], [1, 2]), "samples[1]"),
    ("length_mismatch", sample("m", 1, [1]), "samples[1]"),
    ("length_mismatch", sample("m", [1], 1), "samples[1]"),
    ("length_mismatch", sample("m", [], [1]), "samples[1]"),
]


@pytest.mark.parametrize(("code", "bad", "where"), BAD, ids=lambda item: str(item)[:40])
async def test_a_bad_sample_among_good_ones(
    broadcaster: Broadcaster, dial: Dial, code: str, bad: Message, where: str
) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    ack = await wire.publish(1, [sample("good", 1), bad, sample("good", 2)])
    assert (ack["type"], ack["accepted"]) == ("ack", 2)
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [(1, code)]
    assert ack["rejected"][0]["message"].startswith(where), ack
    await wire.until_samples(2)
    assert wire.rules.values("good") == [1, 2]
    assert wire.rules.points.keys() == {"good"}


NO_SAMPLE: list[Any] = [None, 1, True, "m", [], ["m", 1]]


@pytest.mark.parametrize("bad", NO_SAMPLE, ids=repr)
async def test_what_is_no_sample_among_good_ones(broadcaster: Broadcaster, dial: Dial, bad: object) -> None:
    wire = await dial(broadcaster)
    ack = await wire.publish(1, [sample("good", 1), bad, sample("good", 2)])
    assert ack["accepted"] == 2
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [(1, "bad_message")]


@pytest.mark.parametrize("field", ["unit", "help", "kind"])
@pytest.mark.parametrize("bad", [1, True, [], {}, "x" * 5000], ids=lambda item: repr(item)[:9])
async def test_a_bad_description_among_good_samples(
    broadcaster: Broadcaster, dial: Dial, field: str, bad: object
) -> None:
    wire = await dial(broadcaster)
    ack = await wire.publish(1, [sample("good", 1), sample("bad", 1, **{field: bad}), sample("good", 2)])
    assert ack["accepted"] == 2
    assert [item["index"] for item in ack["rejected"]] == [1]
    assert f"samples[1].{field}" in ack["rejected"][0]["message"]


async def test_bad_samples_within_a_column(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    column = sample("m", [1, "x", None, 4, True, 6], [10, 11, 12, "y", 14, 15])
    ack = await wire.publish(1, [column])
    assert ack["accepted"] == 3
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [
        (0, "bad_value"),
        (0, "bad_time"),
        (0, "bad_value"),
    ]
    assert "samples[0].value[1]" in ack["rejected"][0]["message"]
    await wire.until_samples(3)
    assert wire.rules.points["m"] == [("live", 10, 1), ("live", 12, None), ("live", 15, 6)]


@pytest.mark.parametrize("time", [253402300799, -253402300799, 0, -1, 1e-300, 4e9])
async def test_times_far_away_are_taken(broadcaster: Broadcaster, dial: Dial, time: float) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe(1, history=1e10)
    assert (await wire.publish(1, [sample("m", 1, time)]))["accepted"] == 1
    await wire.until_samples(1)
    assert wire.rules.times("m") == [time]


async def test_bounds_of_names_and_tags_are_inclusive(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    tags = {f"{i:x}" * 64: "ü" * 256 for i in range(16)}
    ack = await wire.publish(
        1, [sample("_" + "m.:/-9" * 42 + "mm", 1, tags=tags), sample("m", 1, tags={"a.b-c_D": "\U0001f600 x"})]
    )
    assert (ack["accepted"], ack["rejected"]) == (2, [])
    subscribed = await wire.subscribe(1, history=60)
    assert tags in [descriptor["tags"] for descriptor in subscribed["series"]]


async def test_tags_in_another_order_are_the_same_series(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.publish(1, [sample("m", 1, tags={"a": "1", "b": "2"}), sample("m", 2, tags={"b": "2", "a": "1"})])
    await wire.publish(2, [sample("m", 3), sample("m", 4, tags={})])
    subscribed = await wire.subscribe(1, history=60)
    assert len(subscribed["series"]) == 2


async def test_too_many_samples(start: Start, dial: Dial) -> None:
    wire = await dial(await start(samples_per_message=10))
    await wire.subscribe()
    good = sample("m", list(range(5)), list(range(5)))
    assert (await wire.publish(1, [good, good]))["accepted"] == 10
    error = await wire.publish(2, [good, good, sample("m", 1)])
    assert (error["type"], error["code"]) == ("error", "too_many_samples")
    assert "10" in error["message"]
    assert (await wire.publish(3, [sample("m", 1)]))["accepted"] == 1
    await wire.until_samples(11)
    assert wire.rules.counts["live"] == 11


async def test_too_many_series(start: Start, dial: Dial) -> None:
    wire = await dial(await start(series_max=3))
    ack = await wire.publish(1, [sample(f"m{i}", i) for i in range(5)])
    assert ack["accepted"] == 3
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [
        (3, "too_many_series"),
        (4, "too_many_series"),
    ]
    assert "3" in ack["rejected"][0]["message"]
    assert (await wire.publish(2, [sample("m1", 1), sample("m9", 1)]))["accepted"] == 1


async def test_a_rejected_sample_makes_no_series(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.publish(1, [sample("ghost", "x"), sample("ghost2", 1, "x"), sample("real", 1)])
    subscribed = await wire.subscribe(1, history=60)
    assert [descriptor["metric"] for descriptor in subscribed["series"]] == ["real"]


async def test_null_is_an_explicit_gap(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, late = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    await wire.publish(1, [sample("m", None), sample("m", [1, None, 3], [1, 2, 3])])
    await wire.until_samples(4)
    await late.subscribe(1, history=1e10)
    await late.until_backfilled(4)
    assert wire.rules.values("m") == late.rules.values("m") == [None, 1, None, 3]


async def test_events(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, late = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    texts = ['deploy 1.2 \u2713 \U0001f600 "quoted" \\ \n next', "x" * 1000]
    ack = await wire.publish(1, [sample("deploys", texts, [1, 2], kind="event")])
    assert (ack["accepted"], ack["rejected"]) == (2, [])
    assert (await wire.publish(2, [sample("deploys", "again", 3)]))["accepted"] == 1, "the kind is known by now"
    await wire.until_samples(3)
    subscribed = await late.subscribe(1, history=1e10)
    assert subscribed["series"][0]["kind"] == "event"
    await late.until_backfilled(3)
    assert wire.rules.values("deploys") == late.rules.values("deploys") == [*texts, "again"]


@pytest.mark.parametrize("value", ["", "x" * 1001, 1, None, True, {}])
async def test_what_is_no_event(broadcaster: Broadcaster, dial: Dial, value: object) -> None:
    wire = await dial(broadcaster)
    ack = await wire.publish(1, [sample("deploys", value, kind="event")])
    assert [item["code"] for item in ack["rejected"]] == ["bad_value"]


async def test_a_text_for_a_number_series_and_the_reverse(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.publish(1, [sample("g", 1), sample("e", "text", kind="event")])
    ack = await wire.publish(2, [sample("g", "text", kind="event"), sample("e", 1), sample("e", 1, kind="gauge")])
    assert [item["code"] for item in ack["rejected"]] == ["bad_value"] * 3


async def test_a_resent_message_is_applied_once(broadcaster: Broadcaster, dial: Dial) -> None:
    first = await dial(broadcaster, hello={"producer": PRODUCER})
    subscriber = await dial(broadcaster)
    await subscriber.subscribe()
    for id in (1, 2, 3):
        await first.publish(id, [sample("m", id)])
    await first.aclose()
    again = await dial(broadcaster, hello={"producer": PRODUCER})
    await again.send_many({"type": "publish", "id": id, "samples": [sample("m", id)]} for id in (2, 3, 4, 5))
    acks = [await again.until("ack") for _ in range(4)]
    assert [(ack["id"], ack.get("duplicate", False)) for ack in acks] == [(2, True), (3, True), (4, False), (5, False)]
    assert [ack["accepted"] for ack in acks[2:]] == [1, 1]
    await subscriber.until_samples(5)
    await subscriber.ping()
    assert subscriber.rules.values("m") == [1, 2, 3, 4, 5]


async def test_a_resent_message_that_was_never_applied_is(broadcaster: Broadcaster, dial: Dial) -> None:
    first = await dial(broadcaster, hello={"producer": PRODUCER})
    await first.publish(10, [sample("m", 1)])
    await first.aclose()
    again = await dial(broadcaster, hello={"producer": PRODUCER})
    ack = await again.publish(11, [sample("m", 2)])
    assert (ack["accepted"], ack.get("duplicate", False)) == (1, False)


async def test_the_old_connection_may_still_be_open(broadcaster: Broadcaster, dial: Dial) -> None:
    """A cut network leaves the server with the old connection while the producer is back already."""
    old, subscriber = await dial(broadcaster, hello={"producer": PRODUCER}), await dial(broadcaster)
    await subscriber.subscribe()
    await old.publish(1, [sample("m", 1)])
    new = await dial(broadcaster, hello={"producer": PRODUCER})
    assert (await new.publish(1, [sample("m", 1)]))["duplicate"] is True
    assert (await new.publish(2, [sample("m", 2)]))["accepted"] == 1
    await subscriber.until_samples(2)
    await subscriber.ping()
    assert subscriber.rules.values("m") == [1, 2]


async def test_producers_do_not_share_ids(broadcaster: Broadcaster, dial: Dial) -> None:
    one = await dial(broadcaster, hello={"producer": str(uuid.UUID(int=1))})
    two = await dial(broadcaster, hello={"producer": str(uuid.UUID(int=2))})
    assert (await one.publish(5, [sample("m", 1)])).get("duplicate", False) is False
    assert (await two.publish(5, [sample("m", 1)])).get("duplicate", False) is False


async def test_uuids_are_compared_as_uuids(broadcaster: Broadcaster, dial: Dial) -> None:
    text = "c0ffee00-1234-4abc-8def-0123456789ab"
    first = await dial(broadcaster, hello={"producer": text})
    await first.publish(1, [sample("m", 1)])
    again = await dial(broadcaster, hello={"producer": text.upper()})
    assert (await again.publish(1, [sample("m", 1)])).get("duplicate") is True


async def test_ids_of_a_producer_grow(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster, hello={"producer": PRODUCER})
    await wire.subscribe()
    await wire.publish(5, [sample("m", 5)])
    answer = await wire.publish(4, [sample("m", 4)])
    assert (answer["type"], answer["code"]) == ("error", "id_not_increasing")
    assert (await wire.publish(6, [sample("m", 6)]))["accepted"] == 1
    await wire.until_samples(2)
    assert wire.rules.values("m") == [5, 6]


async def test_a_producer_without_ids_publishes_too(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster, hello={"producer": PRODUCER})
    await wire.subscribe()
    await wire.send("publish", samples=[sample("m", 1)])
    await wire.publish(1, [sample("m", 2)])
    await wire.send("publish", samples=[sample("m", 3)])
    await wire.until_samples(3)
    assert wire.rules.values("m") == [1, 2, 3]


async def test_a_partly_rejected_message_counts_as_applied(broadcaster: Broadcaster, dial: Dial) -> None:
    first = await dial(broadcaster, hello={"producer": PRODUCER})
    await first.publish(1, [sample("m", 1), sample("m", "x")])
    again = await dial(broadcaster, hello={"producer": PRODUCER})
    assert (await again.publish(1, [sample("m", 1), sample("m", "x")]))["duplicate"] is True
