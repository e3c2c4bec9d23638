"""A broadcaster as a process: told to stop, killed, and started again."""

import signal
from collections.abc import Callable

import pytest
import trio

from tests.e2e.conftest import BroadcasterProcess, Dial
from tests.e2e.wire import Wire, sample
from tests.e2e.wire_frames import Closed

Make = Callable[..., BroadcasterProcess]
PRODUCER = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains(broadcaster_process: Make, dial: Dial, number: signal.Signals) -> None:
    process = broadcaster_process(reconnect_spread_s=3)
    await process.start()
    producer, subscriber = await dial(process.url), await dial(process.url)
    await subscriber.subscribe()
    await producer.send_many({"type": "publish", "id": id, "samples": [sample("m", id)]} for id in range(500))
    await producer.until("ack", lambda message: message["id"] == 499)
    process.send_signal(number)
    for wire in (producer, subscriber):
        closed = await wire.until_closed()
        bye = wire.received[-1]
        assert (bye["type"], bye["code"], bye["reconnect"], bye["after"]) == ("bye", 4000, True, [0, 3])
        assert closed.code == 4000
    assert subscriber.rules.values("m") == list(range(500)), "what was acknowledged is delivered"
    assert await process.wait() == 0
    assert "Traceback" not in await process.output()


async def test_killed_and_started_again(broadcaster_process: Make, dial: Dial) -> None:
    """The history is gone, and the epoch says so; the producer's unacknowledged message is applied once."""
    process = broadcaster_process()
    await process.start()
    producer, subscriber = await dial(process.url, hello={"producer": PRODUCER}), await dial(process.url)
    await subscriber.subscribe()
    for id in (1, 2, 3):
        await producer.publish(id, [sample("m", id)])
    await subscriber.until_samples(3)
    cursor = subscriber.cursor
    process.send_signal(signal.SIGKILL)
    assert (await ended(subscriber)).code is None, "no time for a bye"
    await process.wait()
    await process.start()
    again = await dial(process.url)
    assert again.welcome["epoch"] != subscriber.welcome["epoch"]
    assert again.welcome["seq"] == 0
    assert (await again.subscribe(1, resume=cursor))["resumed"] is False
    returned = await dial(process.url, hello={"producer": PRODUCER})
    for id in (3, 4):
        assert (await returned.publish(id, [sample("m", id)]))["accepted"] == 1
    await again.until_samples(2)
    assert again.rules.values("m") == [3, 4]


async def ended(wire: Wire) -> Closed:
    try:
        return await wire.until_closed()
    except trio.BrokenResourceError:
        return Closed(None)


async def test_producer_cut_between_send_and_ack(broadcaster_process: Make, dial: Dial) -> None:
    """The cut comes at any byte of a message; what is sent again is applied exactly once."""
    process = broadcaster_process()
    await process.start()
    subscriber = await dial(process.url)
    await subscriber.subscribe()
    acknowledged = 0
    for round in range(20):
        producer = await dial(process.url, hello={"producer": PRODUCER})
        messages = [{"type": "publish", "id": id, "samples": [sample("m", id)]} for id in range(acknowledged + 1, 200)]
        await producer.send_many(messages[:5])
        await producer.send_bytes(b"\x81\xfe\x01\x00mask" + b"x" * round)  # begun, and never ended
        if round % 2:
            acknowledged = (await producer.until("ack"))["id"]
        await producer.aclose()
    producer = await dial(process.url, hello={"producer": PRODUCER})
    last = acknowledged + 5
    for id in range(acknowledged + 1, last + 1):
        await producer.publish(id, [sample("m", id)])
    await subscriber.until_samples(last)
    await subscriber.ping()
    assert subscriber.rules.values("m") == list(range(1, last + 1))


async def test_the_tests_leave_no_warning_or_traceback(broadcaster_process: Make, dial: Dial) -> None:
    """Whatever a client does, the log has no traceback of it."""
    process = broadcaster_process(ping_interval_s=0.1, handshake_s=0.2, mailbox_batches=2, bad_messages_max=3)
    await process.start()
    rude = await dial(process.url, auto_pong=False)
    await rude.send_text("{")
    await rude.aclose()
    unmasked = await dial(process.url)
    await unmasked.send_frame(0x1, b"{}", masked=False)
    await unmasked.until_closed()
    silent = await dial(process.url, auto_pong=False)
    assert (await silent.until_closed()).code == 4001
    slow = await dial(process.url, hello={"overflow": "disconnect"}, receive_buffer=4096)
    await slow.subscribe()
    producer = await dial(process.url)
    at = list(range(1000))
    for id in range(400):
        await producer.publish(id, [sample("m", at, at)])
    await slow.until_closed()
    large = await dial(process.url)
    await large.send_text(" " * 1_048_577)
    await ended(large)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert "Traceback" not in await process.output()
