"""history and resume: what was missed comes as backfill, each sample once, and then live data."""

import time
from typing import Any

import pytest

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Message, Wire, sample


async def publish_values(wire: Wire, *values: int, metric: str = "m") -> None:
    for value in values:
        assert (await wire.publish(value, [sample(metric, value)]))["accepted"] == 1


async def nothing_more(wire: Wire) -> None:
    """Two round trips with no further data in them."""
    before = dict(wire.rules.counts)
    await wire.ping()
    await wire.ping()
    assert wire.rules.counts == before


async def test_history_is_backfilled_by_age(broadcaster: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    now = time.time()
    await producer.publish(1, [sample("m", [1, 2, 3, 4], [now - 500, now - 90, now - 30, now])])
    await producer.publish(2, [sample("old", 5, now - 500)])
    await wire.subscribe(1, history=100)
    await wire.until_backfilled(3)
    await nothing_more(wire)
    assert wire.rules.values("m", "backfill") == [2, 3, 4]


@pytest.mark.parametrize("fields", [{}, {"history": 0}], ids=str)
async def test_without_history_there_is_no_backfill(broadcaster: Broadcaster, dial: Dial, fields: Message) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, 1, 2)
    subscribed = await wire.subscribe(1, **fields)
    assert (subscribed["resumed"], len(subscribed["series"])) == (False, 1)
    await nothing_more(wire)
    await publish_values(producer, 3)
    await wire.until_samples(1)
    assert wire.rules.points["m"][0][0] == "live"
    assert wire.rules.values("m") == [3]


@pytest.mark.parametrize("history", [3600, 3600.5, 1e300])
async def test_history_then_live_without_seam(broadcaster: Broadcaster, dial: Dial, history: float) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, *range(10))
    await wire.subscribe(1, history=history)
    await publish_values(producer, *range(10, 20))
    await wire.until_samples(10)
    assert wire.rules.values("m", "backfill") == list(range(10))
    assert wire.rules.values("m", "live") == list(range(10, 20))


async def test_a_large_history_amid_live_data(start: Start, dial: Dial) -> None:
    """Backfill of many messages, while new batches come: each sample once, and backfill before live."""
    broadcaster = await start(samples_per_message=10_000)
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    for part in range(10):
        at = list(range(part * 3000, part * 3000 + 3000))
        await producer.publish(part, [sample("m", at, at)])
    await wire.send("subscribe", id=1, select=[{}], history=1e10)
    for part in range(100):
        await producer.publish(part, [sample("m", 30_000 + part, 30_000 + part)])
    while wire.rules.counts["backfill"] + wire.rules.counts["live"] < 30_100:
        await wire.receive()
    await nothing_more(wire)
    assert wire.rules.values("m") == list(range(30_100))
    lanes = [lane for lane, _, _ in wire.rules.points["m"]]
    assert lanes == sorted(lanes), "backfill comes before live"
    assert all(len(str(message)) < 2_000_000 for message in wire.received)


async def test_resume_brings_what_was_missed(broadcaster: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    await publish_values(producer, 1, 2, 3)
    await wire.until_samples(3)
    cursor = wire.cursor
    await wire.aclose()
    await publish_values(producer, 4, 5)
    await producer.publish(6, [sample("new.series", 6)])
    again = await dial(broadcaster)
    subscribed = await again.subscribe(1, resume=cursor)
    assert subscribed["resumed"] is True
    await publish_values(producer, 7)
    await again.until_samples(1)
    assert again.rules.points["m"][-1][0] == "live"
    assert again.rules.values("m") == [4, 5, 7]
    assert again.rules.values("new.series", "backfill") == [6]


async def test_every_cursor_is_a_place_to_resume_from(broadcaster: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    subscribed = await wire.subscribe()
    cursors = [subscribed["cursor"]]
    for value in range(5):
        await publish_values(producer, value)
        await wire.until_samples(value + 1)
        cursors.append(wire.cursor)
    for at, cursor in enumerate(cursors):
        again = await dial(broadcaster)
        assert (await again.subscribe(1, resume=cursor))["resumed"] is True
        await again.until_backfilled(5 - at)
        await nothing_more(again)
        assert again.rules.values("m") == list(range(at, 5))


async def test_a_subscribed_cursor_counts_from_there(broadcaster: Broadcaster, dial: Dial) -> None:
    """Not from the history that was there before and not asked for."""
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, 1, 2)
    cursor = (await wire.subscribe())["cursor"]
    await publish_values(producer, 3)
    again = await dial(broadcaster)
    assert (await again.subscribe(1, resume=cursor))["resumed"] is True
    await again.until_backfilled(1)
    await nothing_more(again)
    assert again.rules.values("m") == [3]


MALFORMED = ["", "x", ":", "1", "a:b", "a:-1", "a:1e5", "\x00", "früh:7", "a:" + "9" * 400, "z" * 512, "{}", "0:0"]


@pytest.mark.parametrize("cursor", MALFORMED, ids=lambda cursor: repr(cursor[:10]))
async def test_a_cursor_that_names_no_position_here(broadcaster: Broadcaster, dial: Dial, cursor: str) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, 1, 2)
    subscribed = await wire.subscribe(1, resume=cursor)
    assert subscribed["resumed"] is False
    await publish_values(producer, 3)
    await wire.until_samples(1)
    assert (wire.rules.values("m", "backfill"), wire.rules.values("m", "live")) == ([1, 2], [3])


async def test_a_cursor_longer_than_any(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.send("subscribe", id=1, select=[{}], resume="z" * 100_000)
    answer = await wire.receive()
    assert answer.get("resumed") is False or answer["code"] == "bad_message"
    await wire.ping()


async def test_a_cursor_of_another_life(start: Start, dial: Dial) -> None:
    """Its numbers mean nothing here, even where they exist here too."""
    elsewhere, here = await start(), await start()
    other, producer = await dial(elsewhere), await dial(here)
    assert other.welcome["epoch"] != producer.welcome["epoch"]
    await other.subscribe()
    await publish_values(other, 1, 2)
    await other.until_samples(2)
    await publish_values(producer, 10, 20, 30)
    wire = await dial(here)
    assert (await wire.subscribe(1, resume=other.cursor))["resumed"] is False
    await wire.until_backfilled(3)
    await nothing_more(wire)
    assert wire.rules.values("m") == [10, 20, 30]


async def test_a_cursor_of_the_future(broadcaster: Broadcaster, dial: Dial) -> None:
    """A position that this epoch never reached is none of its own, so nothing can be promised after it."""
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    await publish_values(producer, 1)
    await wire.until_samples(1)
    cursor = wire.cursor
    again = await dial(broadcaster)
    assert (await again.subscribe(1, resume=cursor + "999"))["resumed"] is False


async def test_resume_when_the_history_is_gone(start: Start, dial: Dial) -> None:
    broadcaster = await start(history_points=5)
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    await publish_values(producer, 0)
    await wire.until_samples(1)
    cursor = wire.cursor
    await publish_values(producer, *range(1, 6))
    again = await dial(broadcaster)
    assert (await again.subscribe(1, resume=cursor))["resumed"] is True
    await again.until_backfilled(5)
    await publish_values(producer, 6)
    third = await dial(broadcaster)
    assert (await third.subscribe(1, resume=cursor))["resumed"] is False
    await third.until_backfilled(5)
    await nothing_more(third)
    assert third.rules.values("m") == [2, 3, 4, 5, 6]


async def test_the_history_of_others_does_not_matter(start: Start, dial: Dial) -> None:
    """A batch that this subscription does not select need not be held for it... nor may it hide what it does select."""
    broadcaster = await start(history_points=5)
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe(1, "m")
    await publish_values(producer, 0)
    await wire.until_samples(1)
    cursor = wire.cursor
    await publish_values(producer, *range(50), metric="busy")
    await publish_values(producer, 100)
    again = await dial(broadcaster)
    await again.subscribe(1, "m", resume=cursor)
    while "m" not in again.rules.points or again.rules.values("m")[-1] != 100:
        await again.receive()
    assert again.rules.values("m") in ([100], [0, 100])


async def test_resume_without_history_at_all(start: Start, dial: Dial) -> None:
    broadcaster = await start(history_points=0)
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    cursor = (await wire.subscribe())["cursor"]
    await publish_values(producer, 1)
    await wire.until_samples(1)
    again = await dial(broadcaster)
    assert (await again.subscribe(1, resume=cursor))["resumed"] is False
    await nothing_more(again)
    third = await dial(broadcaster)
    assert (await third.subscribe(1, resume=wire.cursor))["resumed"] is True


async def test_resume_in_full_flow(broadcaster: Broadcaster, dial: Dial) -> None:
    """Cut off again and again while a producer goes on: everything once, in order."""
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    cursor = (await wire.subscribe())["cursor"]
    values: list[Any] = []
    for round in range(10):
        await producer.send_many({"type": "publish", "samples": [sample("m", round * 40 + i)]} for i in range(40))
        while len(wire.rules.values("m")) < 15:  # no more than that is read before the cut
            await wire.receive()
        values += wire.rules.values("m")
        live = [message["cursor"] for message in wire.received if message["type"] == "samples"]
        cursor = live[-1]
        await wire.aclose()
        wire = await dial(broadcaster)
        assert (await wire.subscribe(1, resume=cursor))["resumed"] is True
    while len(values) + len(wire.rules.values("m")) < 400:
        await wire.receive()
    await nothing_more(wire)
    assert values + wire.rules.values("m") == list(range(400))


async def test_the_cursor_of_a_backfill_is_the_position_after_it(start: Start, dial: Dial) -> None:
    """A connection that breaks within a backfill takes it up where it broke off."""
    broadcaster = await start()
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    names = [f"m{i}" for i in range(5)]
    at = list(range(8000))
    for name in names:
        await producer.publish(1, [sample(name, at, at)])
    await wire.subscribe(1, history=1e10)
    await wire.expect("samples", backfill=True)
    again = await dial(broadcaster)
    assert (await again.subscribe(1, resume=wire.cursor))["resumed"] is True
    await nothing_more_after_backfill(again)
    for name in names:
        assert wire.rules.values(name) + again.rules.values(name) == at, name


async def nothing_more_after_backfill(wire: Wire) -> None:
    while True:
        before = dict(wire.rules.counts)
        await wire.ping()
        await wire.ping()
        if wire.rules.counts == before:
            return


async def test_a_second_subscription_does_not_repeat_what_came(broadcaster: Broadcaster, dial: Dial) -> None:
    """A sample is delivered once on a connection however many of its subscriptions select it."""
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, 1, 2)
    await publish_values(producer, 9, metric="other")
    await wire.subscribe(1, "m", history=3600)
    await wire.until_backfilled(2)
    await publish_values(producer, 3)
    await wire.until_samples(1)
    await wire.subscribe(2, "*", history=3600)
    await wire.until_backfilled(3)
    await nothing_more(wire)
    assert (wire.rules.values("m"), wire.rules.values("other")) == ([1, 2, 3], [9])


async def test_history_and_resume_of_other_selections_on_one_connection(broadcaster: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(broadcaster), await dial(broadcaster)
    await publish_values(producer, 1, metric="a")
    await publish_values(producer, 2, metric="b")
    await wire.subscribe(1, "a", history=3600)
    await wire.subscribe(2, "b", history=3600)
    await wire.until_backfilled(2)
    await publish_values(producer, 3, metric="a")
    await publish_values(producer, 4, metric="b")
    await wire.until_samples(2)
    assert (wire.rules.values("a"), wire.rules.values("b")) == ([1, 3], [2, 4])
