"""subscribe and unsubscribe: who gets which samples, once, described, in order and in an unbroken chain."""

import time
from typing import Any

import pytest

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Message, sample

FLEET = [
    sample("host.cpu", 1, tags={"host": "a", "core": "0"}),
    sample("host.cpu", 2, tags={"host": "b", "core": "10"}),
    sample("host.memory", 3, tags={"host": "a"}),
    sample("shop.requests", 4, tags={"route": "/cart"}),
    sample("host", 5),
    sample("Host.cpu", 6),
]

SELECTIONS: list[tuple[list[Message], set[int]]] = [
    ([{"metric": "*"}], {1, 2, 3, 4, 5, 6}),
    ([{}], {1, 2, 3, 4, 5, 6}),
    ([{"tags": {}}], {1, 2, 3, 4, 5, 6}),
    ([{"metric": "host.cpu"}], {1, 2}),
    ([{"metric": "host.*"}], {1, 2, 3}),
    ([{"metric": "host*"}], {1, 2, 3, 5}),
    ([{"metric": "?ost.cpu"}], {1, 2, 6}),
    ([{"metric": "*.c*u"}], {1, 2, 6}),
    ([{"metric": "host.???"}], {1, 2}),
    ([{"metric": "host.cp"}], set()),
    ([{"metric": "[h]ost*"}], set()),
    ([{"metric": "h.*"}], set()),
    ([{"tags": {"host": "a"}}], {1, 3}),
    ([{"tags": {"host": "*"}}], {1, 2, 3}),
    ([{"tags": {"core": "?"}}], {1}),
    ([{"tags": {"core": "?*"}}], {1, 2}),
    ([{"tags": {"host": "a", "core": "*"}}], {1}),
    ([{"tags": {"route": "/*"}}], {4}),
    ([{"metric": "host.*", "tags": {"host": "b"}}], {2}),
    ([{"metric": "shop.*", "tags": {"host": "b"}}], set()),
    ([{"metric": "shop.*"}, {"tags": {"host": "b"}}], {2, 4}),
    ([{"metric": "host"}, {"metric": "host"}, {"metric": "hos?"}], {5}),
]


@pytest.mark.parametrize(("select", "expected"), SELECTIONS, ids=str)
async def test_selection(broadcaster: Broadcaster, dial: Dial, select: Any, expected: set[int]) -> None:
    """Any of the entries may match, within one all must; live, late and from history alike."""
    live, late, producer = [await dial(broadcaster) for _ in range(3)]
    await live.subscribe(1, select=select)
    await producer.publish(1, FLEET)
    subscribed = await late.subscribe(1, select=select, history=3600)
    for _ in (live, late):
        await _.subscribe(2, "the.end")
    await producer.publish(2, [sample("the.end", 0)])
    for wire in (live, late):
        await wire.until_samples(len(expected) + 1 if wire is live else 1)
        delivered = {value for points in wire.rules.points.values() for _, _, value in points} - {0}
        assert delivered == expected
    assert len(subscribed["series"]) == len(expected)


async def test_subscribed_describes_the_series(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.publish(
        1, [sample("m", 1, unit="B/s", kind="counter", help="bytes sent", tags={"k": "v"}), sample("n", 1)]
    )
    subscribed = await wire.subscribe(1)
    m, n = sorted(subscribed["series"], key=lambda descriptor: str(descriptor["metric"]))
    assert {**m, "key": 0} == {
        "key": 0, "metric": "m", "tags": {"k": "v"}, "unit": "B/s", "kind": "counter", "help": "bytes sent"
    }  # fmt: skip
    assert (n["unit"], n["kind"], n["help"], n["tags"]) == (None, "gauge", None, {})


async def test_keys_are_the_same_on_every_connection(broadcaster: Broadcaster, dial: Dial) -> None:
    one, two = await dial(broadcaster), await dial(broadcaster)
    await one.publish(1, FLEET)
    first, second = await one.subscribe(1, "host.*"), await two.subscribe(1, "*")
    keys = {descriptor["key"] for descriptor in second["series"]}
    assert len(keys) == len(FLEET)
    assert all(descriptor in second["series"] for descriptor in first["series"])


async def test_a_series_that_appears_later_joins(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    subscribed = await wire.subscribe(1, "late.*")
    assert subscribed["series"] == []
    await producer.publish(1, [sample("late.a", 1, unit="s"), sample("other", 2)])
    described = await wire.expect("series")
    assert [(item["metric"], item["unit"]) for item in described["series"]] == [("late.a", "s")]
    await wire.expect("samples")
    await producer.publish(2, [sample("late.a", 3), sample("late.b", 4)])
    described = await wire.expect("series")
    assert [item["metric"] for item in described["series"]] == ["late.b"]
    await wire.until_samples(3)
    assert (wire.rules.values("late.a"), wire.rules.values("late.b")) == ([1, 3], [4])


async def test_a_better_description_is_passed_on(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    await wire.publish(1, [sample("m", 1)])
    await wire.until_samples(1)
    await wire.publish(2, [sample("m", 2, unit="ms", help="how long")])
    await wire.until_samples(2)
    (descriptor,) = wire.rules.descriptors.values()
    assert (descriptor["unit"], descriptor["help"]) == ("ms", "how long")


async def test_a_sample_comes_once_however_many_subscriptions_select_it(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, "m.*")
    await wire.subscribe(2, "m.a")
    await wire.subscribe(3, select=[{"metric": "m.a"}, {"metric": "m.?"}])
    for id in range(10):
        await producer.publish(id, [sample("m.a", id), sample("m.b", id)])
    await wire.until_samples(20)
    await wire.ping()
    assert wire.rules.values("m.a") == wire.rules.values("m.b") == list(range(10))


async def test_unsubscribe_leaves_what_others_select(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, "m.*")
    await wire.subscribe(2, "m.a")
    await producer.publish(1, [sample("m.a", 1), sample("m.b", 1)])
    await wire.until_samples(2)
    await wire.send("unsubscribe", id=1)
    await wire.until("unsubscribed", lambda message: message["id"] == 1)
    await producer.publish(2, [sample("m.a", 2), sample("m.b", 2)])
    await wire.until_samples(3)
    await wire.send("unsubscribe", id=2)
    await wire.until("unsubscribed", lambda message: message["id"] == 2)
    await producer.publish(3, [sample("m.a", 3)])
    await wire.ping()
    assert (wire.rules.values("m.a"), wire.rules.values("m.b")) == ([1, 2], [1])


async def test_unsubscribe_of_an_unknown_id(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    error = await wire.refused("unsubscribe", id=9)
    assert (error["code"], error["id"]) == ("unknown_id", 9)
    await wire.subscribe(9)
    await wire.send("unsubscribe", id=9)
    await wire.until("unsubscribed")
    assert (await wire.refused("unsubscribe", id=9))["code"] == "unknown_id"


async def test_an_id_in_use_is_not_taken_silently(broadcaster: Broadcaster, dial: Dial) -> None:
    """The protocol leaves open whether the second replaces the first; either way there is one answer to it."""
    wire = await dial(broadcaster)
    await wire.subscribe(1, "m")
    await wire.send("subscribe", id=1, select=[{"metric": "n"}])
    answer = await wire.receive()
    assert (answer["type"], answer["id"]) in (("subscribed", 1), ("error", 1))
    await wire.publish(1, [sample("m", 1), sample("n", 1)])
    await wire.until_samples(1)
    assert wire.rules.points.keys() == ({"n"} if answer["type"] == "subscribed" else {"m"})


async def test_nothing_is_lost_when_subscriptions_change_in_full_flow(broadcaster: Broadcaster, dial: Dial) -> None:
    """Batches that are on their way when a second subscription comes are delivered before its answer or after it."""
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, "m")
    for round in range(30):
        await producer.send_many({"type": "publish", "samples": [sample("m", round * 10 + i)]} for i in range(10))
        if round % 3 == 1:
            await wire.subscribe(100 + round, "m", "x*")
        elif round % 3 == 2:
            await wire.send("unsubscribe", id=100 + round - 1)
            await wire.until("unsubscribed")
    await wire.until_samples(300)
    await wire.ping()
    assert wire.rules.values("m") == list(range(300))


async def test_samples_of_a_series_keep_the_order_of_acceptance(broadcaster: Broadcaster, dial: Dial) -> None:
    """Not the order of their times: a late measurement comes late."""
    wire = await dial(broadcaster)
    await wire.subscribe()
    times = [5, 3, 4, 1, 1, 9, -2]
    for id, at in enumerate(times):
        await wire.publish(id, [sample("m", id, at)])
    await wire.until_samples(len(times))
    assert wire.rules.times("m") == times


async def test_two_producers_one_series(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, one, two = [await dial(broadcaster) for _ in range(3)]
    await wire.subscribe()
    for id in range(10):
        await one.publish(id, [sample("m", id)])
        await two.publish(id, [sample("m", 100 + id)])
    await wire.until_samples(20)
    values = wire.rules.values("m")
    assert values == [value for id in range(10) for value in (id, 100 + id)]


async def test_seq_starts_where_subscribed_says(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    for id in range(5):
        await producer.publish(id, [sample("m", id)])
    subscribed = await wire.subscribe()
    await producer.publish(9, [sample("m", 9)])
    batch = await wire.until("samples")
    assert batch["prev"] == subscribed["seq"] < batch["seq"]
    assert wire.rules.values("m") == [9]


async def test_the_chain_holds_when_other_series_are_busy(broadcaster: Broadcaster, dial: Dial) -> None:
    """`prev` is the batch before it on this connection: batches that hold nothing for it leave no hole."""
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, "m")
    for id in range(20):
        await producer.publish(id, [sample("m" if id % 5 == 0 else "other", id)])
    await wire.until_samples(4)
    assert wire.rules.values("m") == [0, 5, 10, 15]


async def test_max_rate(broadcaster: Broadcaster, dial: Dial) -> None:
    """Fewer batches, not fewer samples: the default policy has room for those that wait."""
    slow = await dial(broadcaster, hello={"max_rate": 20})
    quick, producer = await dial(broadcaster), await dial(broadcaster)
    await slow.subscribe()
    await quick.subscribe()
    begin = time.monotonic()
    for id in range(200):
        await producer.publish(id, [sample("m", id)])
    await quick.until_samples(200)
    await slow.until_samples(200)
    took = time.monotonic() - begin
    batches = [message for message in slow.received if message["type"] == "samples"]
    assert slow.rules.values("m") == list(range(200))
    assert len(batches) <= took * 20 + 2


async def test_hello_in_full(broadcaster: Broadcaster, dial: Dial) -> None:
    hello = {
        "producer": "00000000-0000-0000-0000-00000000000a",
        "client": "a test, früh ☕",
        "overflow": "drop_oldest",
        "max_rate": 0.5,
    }
    wire = await dial(broadcaster, hello=hello)
    await wire.ping()
    assert [message["type"] for message in wire.received] == ["welcome", "pong"]


async def test_a_subscriber_may_publish_and_gets_its_own(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    await wire.publish(1, [sample("m", 1)])
    await wire.until_samples(1)


async def test_a_burst_in_one_segment_is_complete(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    await producer.send_many({"type": "publish", "samples": [sample("m", i, i)]} for i in range(1000))
    await wire.until_samples(1000)
    assert wire.rules.times("m") == list(range(1000))


async def test_many_subscribers_get_the_same(start: Start, dial: Dial) -> None:
    broadcaster = await start()
    producer = await dial(broadcaster)
    wires = [await dial(broadcaster) for _ in range(50)]
    for at, wire in enumerate(wires):
        await wire.subscribe(1, "m" if at % 2 else "*")
    for id in range(20):
        await producer.publish(id, [sample("m", id)])
    for wire in wires:
        await wire.until_samples(20)
        assert wire.rules.values("m") == list(range(20))
