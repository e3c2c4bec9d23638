"""A subscriber that stops reading: nobody waits for it, it stays within its bounds and is told exactly what it missed.

Sockets are real, so what the operating system holds for a slow reader is part of the picture: messages are large enough
to fill its buffers soon.
"""

import random
from typing import Any

import httpx
import pytest
import trio

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Message, Wire, sample

COLUMN = 1000  # samples a series and a message
MESSAGES = 800
NAMES = ("a", "b")
SENT = COLUMN * MESSAGES * len(NAMES)
SMALL = {"mailbox_batches": 8, "mailbox_bytes": 200_000, "history_points": 1000}
POLICIES = ("conflate", "drop_oldest")


def batch(number: int) -> list[Message]:
    """Values grow by one from sample to sample, so that what is missing can be seen."""
    values = list(range(number * COLUMN, number * COLUMN + COLUMN))
    return [sample(name, values, values) for name in NAMES]


async def publish_all(producer: Wire, messages: int = MESSAGES) -> None:
    """One after the other, each acknowledged: a producer that had to wait for a subscriber would stand still."""
    for number in range(messages):
        assert (await producer.publish(number, batch(number)))["accepted"] == COLUMN * len(NAMES)


async def slow_subscriber(broadcaster: Broadcaster, dial: Dial, overflow: str) -> Wire:
    wire = await dial(broadcaster, hello={"overflow": overflow}, receive_buffer=4096)
    await wire.subscribe()
    return wire


async def read_all(wire: Wire, count: int) -> None:
    await wire.until_samples(count)


@pytest.mark.parametrize("overflow", POLICIES)
async def test_it_slows_nobody_and_learns_what_it_missed(start: Start, dial: Dial, overflow: str) -> None:
    broadcaster = await start(**SMALL)
    slow = await slow_subscriber(broadcaster, dial, overflow)
    quick, producer = await dial(broadcaster), await dial(broadcaster)
    await quick.subscribe()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_all, quick, SENT)
        await publish_all(producer)
    assert quick.rules.counts == {"live": SENT, "backfill": 0, "conflated": 0, "gap": 0}
    await slow.until_samples(SENT)
    await slow.ping()
    assert slow.rules.accounted == SENT
    assert slow.rules.counts["gap"] > 0, "the buffers never filled, so nothing was tested"
    assert slow.rules.counts["live"] < SENT
    told = check_missing(slow)
    assert told == slow.rules.counts["gap"]
    for name in NAMES:
        assert slow.rules.values(name)[-1] == COLUMN * MESSAGES - 1, "the newest sample of each series is there"
    assert (slow.rules.counts["conflated"] > 0) == (overflow == "conflate")
    (described,) = [each for each in await connections(broadcaster) if each["session"] == slow.welcome["session"]]
    assert described["delivered_samples"] == slow.rules.counts["live"]
    assert described["dropped_samples"] == slow.rules.counts["gap"]
    assert (described["queued_batches"], described["queued_bytes"]) == (0, 0)


async def connections(broadcaster: Broadcaster) -> list[Message]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: list[Message] = (await http.get(f"{broadcaster.http_url}/v1/connections")).json()["connections"]
        return found


def check_missing(wire: Wire) -> int:
    """Live samples arrive in order and at most once; returns how many are missing."""
    missing = 0
    for name in NAMES:
        values = wire.rules.values(name, "live")
        assert values == sorted(set(values))
        missing += COLUMN * MESSAGES - len(values)
    return missing


async def test_conflated_is_the_newest_of_each_dropped_series(start: Start, dial: Dial) -> None:
    broadcaster = await start(**SMALL)
    slow = await slow_subscriber(broadcaster, dial, "conflate")
    producer = await dial(broadcaster)
    await publish_all(producer)
    await slow.until_samples(SENT)
    messages = [message for message in slow.received if message["type"] in ("gap", "samples")]
    for at, message in enumerate(messages):
        if message.get("conflated"):
            gap = messages[at - 1]
            assert gap["type"] == "gap", "the gap comes right before"
            assert message["seq"] == gap["to"]
            assert all(len(values) == 1 for _, _, values in message["series"])
            newest = {values[0] for _, _, values in message["series"]}
            assert newest == {gap_end(messages[at + 1 :])}


def gap_end(later: list[Message]) -> int:
    """The last value before the next live batch, or of all."""
    for message in later:
        if message["type"] == "samples" and "conflated" not in message:
            return int(message["series"][0][2][0]) - 1
        if message["type"] == "gap":
            raise AssertionError("two gaps with nothing between them are one")
    return COLUMN * MESSAGES - 1


async def test_a_gap_counts_only_what_was_selected(start: Start, dial: Dial) -> None:
    broadcaster = await start(**SMALL)
    slow = await dial(broadcaster, hello={"overflow": "drop_oldest"}, receive_buffer=4096)
    await slow.subscribe(1, "a")
    producer = await dial(broadcaster)
    await publish_all(producer)
    await slow.until_samples(SENT // 2)
    await slow.ping()
    assert slow.rules.accounted == SENT // 2
    assert slow.rules.counts["gap"] > 0


async def test_disconnect_closes_with_4008(start: Start, dial: Dial) -> None:
    broadcaster = await start(**SMALL)
    slow = await slow_subscriber(broadcaster, dial, "disconnect")
    quick, producer = await dial(broadcaster), await dial(broadcaster)
    await quick.subscribe()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_all, quick, SENT)
        await publish_all(producer)
    closed = await slow.until_closed()
    assert slow.rules.counts["gap"] == 0
    for name in NAMES:
        values = slow.rules.values(name)
        assert values == list(range(len(values))), "up to the end the chain is whole"
        assert len(values) < COLUMN * MESSAGES
    await producer.ping()
    assert closed.code in (4008, None)


async def test_disconnect_is_announced_to_a_client_that_reads_on(start: Start, dial: Dial) -> None:
    broadcaster = await start(**SMALL, close_s=30)
    slow = await slow_subscriber(broadcaster, dial, "disconnect")
    producer = await dial(broadcaster)
    await publish_all(producer)
    closed = await slow.until_closed()
    assert slow.received[-1]["type"] == "bye"
    assert (slow.received[-1]["code"], slow.received[-1]["reconnect"]) == (4008, True)
    assert closed.code == 4008


async def test_resume_after_4008_loses_nothing(start: Start, dial: Dial) -> None:
    broadcaster = await start(mailbox_batches=8, mailbox_bytes=200_000, close_s=5)
    slow = await slow_subscriber(broadcaster, dial, "disconnect")
    producer = await dial(broadcaster)
    for number in range(MESSAGES):  # one value each: the history of 36,000 points holds them all
        long = "x" * 240
        await producer.publish(
            number, [sample("a", number, number, tags={f"k{i}": long for i in range(16)}), *batch(number)]
        )
    await slow.until_closed()
    cursor = [message["cursor"] for message in slow.received if message["type"] == "samples"][-1]
    again = await dial(broadcaster)
    assert (await again.subscribe(1, select=[{"tags": {"k1": "*"}}], resume=cursor))["resumed"] is True
    (name,) = [name for name in slow.rules.points if name.startswith("a{")]
    seen = slow.rules.values(name)
    while len(seen) + len(again.rules.values(name)) < MESSAGES:
        await again.receive()
    assert seen + again.rules.values(name) == list(range(MESSAGES))


async def test_answers_are_never_dropped(start: Start, dial: Dial) -> None:
    """Control messages have their own lane: a full mailbox does not cost an ack, a pong or a subscribed."""
    broadcaster = await start(**SMALL)
    slow = await slow_subscriber(broadcaster, dial, "drop_oldest")
    producer = await dial(broadcaster)
    for number in range(MESSAGES):
        assert (await producer.publish(number, batch(number)))["type"] == "ack"
        if number % 100 == 0:
            await slow.send("publish", id=number, samples=[sample("from.slow", number)])
            await slow.send("ping", time=number)
            await slow.send("subscribe", id=1000 + number, select=[{"metric": "a"}])
    await slow.until_samples(SENT)
    await slow.ping()
    for kind, field, offset in (("ack", "id", 0), ("pong", "time", 0), ("subscribed", "id", 1000)):
        answers = [message[field] - offset for message in slow.received if message["type"] == kind]
        assert set(range(0, MESSAGES, 100)) <= set(answers), kind


async def test_backfill_to_a_client_that_does_not_read(start: Start, dial: Dial) -> None:
    """A large history is not put into the mailbox at once, nor does it keep live data from being accounted for."""
    broadcaster = await start(mailbox_batches=8, mailbox_bytes=200_000)
    producer = await dial(broadcaster)
    witness = await dial(broadcaster)
    await witness.subscribe(1, "old.19")
    at = list(range(36_000))
    for number in range(20):
        for part in range(4):
            chunk = at[part * 9000 : part * 9000 + 9000]
            await producer.publish(part, [sample(f"old.{number}", chunk, chunk)])
    await witness.until_samples(len(at))  # the last of it is flushed, and so is history
    slow = await dial(broadcaster, hello={"overflow": "drop_oldest"}, receive_buffer=4096)
    await slow.send("subscribe", id=1, select=[{}], history=1e10)
    await publish_all(producer, 50)
    await slow.until_samples(50 * COLUMN * len(NAMES))
    for number in range(20):
        assert slow.rules.values(f"old.{number}", "backfill") == at


class Plan:
    """A random run from a seed: who publishes how much, and when the slow subscriber reads how much."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sent = 0
        self.next: dict[str, int] = {}

    def message(self) -> Message:
        entries = [self._entry(self.random.choice("abcdef")) for _ in range(self.random.randint(1, 4))]
        return {"type": "publish", "samples": entries}

    def _entry(self, name: str) -> Message:
        count = self.random.choice((1, 1, 10, 1000, 4000))
        first = self.next.get(name, 0)
        self.next[name] = first + count
        self.sent += count
        values = list(range(first, first + count))
        return sample(name, values, values)


@pytest.mark.parametrize("overflow", POLICIES)
@pytest.mark.parametrize("seed", range(4))
async def test_received_and_gaps_make_what_was_sent(start: Start, dial: Dial, seed: int, overflow: str) -> None:
    plan = Plan(seed)
    limits: dict[str, Any] = {
        "mailbox_batches": plan.random.choice((1, 2, 20)),
        "mailbox_bytes": plan.random.choice((30_000, 300_000)),
        "samples_per_message": 0,
        "samples_per_second": 0,
    }
    broadcaster = await start(**limits)
    slow = await slow_subscriber(broadcaster, dial, overflow)
    producer = await dial(broadcaster)
    for _ in range(60):
        await producer.send_many(plan.message() for _ in range(plan.random.randint(1, 12)))
        await producer.ping()
        for _ in range(plan.random.choice((0, 0, 0, 3))):
            if slow.rules.accounted < plan.sent:
                await slow.receive()
    await slow.until_samples(plan.sent)
    await slow.ping()
    assert slow.rules.accounted == plan.sent
    for name, count in plan.next.items():
        if overflow == "conflate":
            assert slow.rules.values(name)[-1] == count - 1, "the newest of each series is never dropped"
        values = slow.rules.values(name, "live")
        assert values == sorted(set(values))
