"""Closes that the server starts: each has its code, and `bye` comes before it."""

import time

import pytest
import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.server import Broadcaster, serve
from tests.e2e.conftest import QUIET, Dial, Start
from tests.e2e.wire import Message, Refused, Wire, eventually, sample
from tests.e2e.wire_frames import PONG, Closed, open_socket


async def ends(wire: Wire, code: int) -> Message:
    """Reads on to the close, which must have this code and come right after a bye that says the same."""
    closed = await wire.until_closed()
    bye = wire.received[-1]
    assert bye["type"] == "bye", bye
    assert (bye["code"], closed.code) == (code, code)
    assert bye["reason"]
    return bye


async def test_no_pong_in_time(start: Start, dial: Dial) -> None:
    broadcaster = await start(ping_interval_s=0.1)
    wire = await dial(broadcaster, auto_pong=False)
    begin = time.monotonic()
    bye = await ends(wire, 4001)
    assert bye["reconnect"] is True
    assert wire.pings >= 1
    assert 0.1 < time.monotonic() - begin < 3


async def test_pongs_keep_a_quiet_connection(start: Start, dial: Dial) -> None:
    broadcaster = await start(ping_interval_s=0.05)
    wire = await dial(broadcaster)
    while wire.pings < 8:
        frame = await wire.receive_frame()
        wire.pings += 1
        await wire.send_frame(PONG, frame.payload)
    await wire.ping()


async def test_a_silent_subscriber_is_closed_though_data_flows_to_it(start: Start, dial: Dial) -> None:
    broadcaster = await start(ping_interval_s=0.1)
    wire = await dial(broadcaster, auto_pong=False)
    await wire.subscribe()

    async def publish(producer: Wire) -> None:
        for id in range(1000):
            await producer.publish(id, [sample("m", id)])
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish, await dial(broadcaster))
        await ends(wire, 4001)
        nursery.cancel_scope.cancel()


async def test_a_subscriber_that_does_not_read_at_all_goes(start: Start, dial: Dial) -> None:
    """Its pongs stay away too; nothing of it is left, though it never reads the close."""
    broadcaster = await start(ping_interval_s=0.1, connections_max=2)
    wire = await dial(broadcaster, auto_pong=False, receive_buffer=4096)
    await wire.subscribe()
    producer = await dial(broadcaster)

    async def place_is_free() -> bool:
        await producer.publish(1, [sample("m", list(range(1000)), list(range(1000)))])
        try:
            await dial(broadcaster)
        except (Refused, Closed, trio.BrokenResourceError):
            return False
        return True

    await eventually(place_is_free)


async def test_shutdown_tells_when_to_reconnect(nursery: trio.Nursery, dial: Dial) -> None:
    config = BroadcasterConfig(**{**QUIET, "reconnect_spread_s": 3.0, "drain_s": 2.0})
    scope, ended = trio.CancelScope(), trio.Event()

    async def run(task_status: trio.TaskStatus[Broadcaster]) -> None:
        with scope:
            await serve(config, task_status=task_status)
        ended.set()

    broadcaster: Broadcaster = await nursery.start(run)
    wire, subscriber = await dial(broadcaster), await dial(broadcaster)
    await subscriber.subscribe()
    await wire.publish(1, [sample("m", 1)])
    scope.cancel()
    for each in (wire, subscriber):
        bye = await ends(each, 4000)
        assert bye["reconnect"] is True
        assert bye["after"] == [0, 3]
    assert subscriber.rules.values("m") == [1], "what was accepted is delivered before the end"
    with trio.fail_after(3):
        await ended.wait()
    with pytest.raises(OSError):
        await open_socket(broadcaster.url)


async def test_shutdown_does_not_wait_for_a_client_that_hangs(nursery: trio.Nursery, dial: Dial) -> None:
    config = BroadcasterConfig(**{**QUIET, "drain_s": 0.3})
    ended = trio.Event()
    scope = trio.CancelScope()

    async def run(task_status: trio.TaskStatus[Broadcaster]) -> None:
        with scope:
            await serve(config, task_status=task_status)
        ended.set()

    broadcaster: Broadcaster = await nursery.start(run)
    hanging, producer = await dial(broadcaster, receive_buffer=4096), await dial(broadcaster)
    await hanging.subscribe()
    half_open = await open_socket(broadcaster.url)
    at = list(range(1000))
    for id in range(300):
        await producer.publish(id, [sample("m", at, at)])
    scope.cancel()
    with trio.fail_after(3):
        await ended.wait()
    await trio.aclose_forcefully(half_open)


async def test_over_the_rate_for_too_long(start: Start, dial: Dial) -> None:
    broadcaster = await start(samples_per_second=100, rate_limited_s=0.3)
    wire, witness, subscriber = [await dial(broadcaster) for _ in range(3)]
    await subscriber.subscribe()
    accepted = 0
    codes = set()
    at = list(range(50))
    try:
        for id in range(10_000):
            answer = await wire.publish(id, [sample("m", at, at)])
            if answer["type"] == "ack":
                accepted += answer["accepted"]
                codes |= {rejection["code"] for rejection in answer["rejected"]}
            else:
                codes.add(answer["code"])
    except (Closed, trio.BrokenResourceError):
        pass
    bye = wire.received[-1]
    assert (bye["type"], bye["code"], bye["reconnect"]) == ("bye", 4029, True)
    assert codes == {"rate_limited"}
    await witness.publish(1, [sample("w", 1)])
    await subscriber.until_samples(accepted + 1)
    await subscriber.ping()
    assert subscriber.rules.counts["live"] == accepted + 1, "what was acknowledged was delivered, and no more"


async def test_over_the_rate_for_a_moment(start: Start, dial: Dial) -> None:
    broadcaster = await start(samples_per_second=50, rate_limited_s=5)
    wire = await dial(broadcaster)
    at = list(range(50))
    await wire.publish(1, [sample("m", at, at)])
    answer = await wire.publish(2, [sample("m", at, at)])
    refused = [rejection["code"] for rejection in answer.get("rejected", [])] or [answer.get("code")]
    assert set(refused) == {"rate_limited"}

    async def accepted_again() -> bool:
        return (await wire.publish(3, [sample("m", 1)])).get("accepted") == 1

    await eventually(accepted_again)


async def test_too_many_bad_messages(start: Start, dial: Dial) -> None:
    broadcaster = await start(bad_messages_max=5)
    wire, witness = await dial(broadcaster), await dial(broadcaster)
    for _ in range(5):
        await wire.send("nope")
        await wire.expect("error", code="unknown_type")
    await wire.ping()
    await wire.send("nope")
    bye = await ends(wire, 4500)
    assert bye["reconnect"] is False
    await witness.ping()


async def test_bad_samples_are_not_bad_messages(start: Start, dial: Dial) -> None:
    """They have their own answer, and a producer whose sensor fails should not lose the others."""
    broadcaster = await start(bad_messages_max=5)
    wire = await dial(broadcaster)
    for id in range(20):
        assert (await wire.publish(id, [sample("m", "NaN"), sample("m", 1)]))["accepted"] == 1
    await wire.ping()


async def test_a_client_that_never_reads_its_answers(start: Start, dial: Dial) -> None:
    """Answers are never dropped, so they are bounded by an end of the connection, or by not reading more."""
    broadcaster = await start(control_bytes=20_000, close_s=0.2)
    wire, witness = await dial(broadcaster, receive_buffer=4096), await dial(broadcaster)
    sent = 0
    with trio.move_on_after(2):
        try:
            while sent < 200_000:
                await wire.send_many({"type": "ping", "time": number} for number in range(sent, sent + 2000))
                sent += 2000
                await witness.ping()
        except trio.BrokenResourceError:
            pass
    await witness.ping()
    try:
        while True:
            await wire.receive()
    except (Closed, trio.BrokenResourceError) as end:
        assert getattr(end, "code", None) in (4008, None)
    except trio.TooSlowError:
        raise AssertionError("still open, and no answer comes") from None
    pongs = [message["time"] for message in wire.received if message["type"] == "pong"]
    assert pongs == list(range(len(pongs))), "what was answered was answered in order"


async def test_a_vanished_connection_frees_its_place(start: Start, dial: Dial) -> None:
    broadcaster = await start(connections_max=3)
    for _ in range(30):
        wire = await dial_when_free(broadcaster, dial)
        await wire.subscribe()
        await wire.aclose()
    await (await dial_when_free(broadcaster, dial)).ping()


async def dial_when_free(broadcaster: Broadcaster, dial: Dial) -> Wire:
    made: list[Wire] = []

    async def attempt() -> bool:
        try:
            made.append(await dial(broadcaster))
        except (Refused, Closed, trio.BrokenResourceError):
            return False
        return True

    await eventually(attempt)
    return made[0]
