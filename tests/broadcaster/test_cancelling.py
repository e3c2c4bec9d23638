"""Cancelled at each checkpoint: a consumer misses nothing, a connection leaves nothing behind and nothing half said."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial

import trio
from trio.testing import MockClock

from broadcaster.subscription import Samples
from tests.broadcaster.raw_client import RawClient, client_frame
from tests.broadcaster.test_subscriber import Peer, opened
from tests.broadcaster.transports.test_websocket import ALL, Service, service
from tests.cancelling import CancelAfter, any_task, this_task

SAMPLES = 12
LAST = 1.0, 77777.5
EVERY = 5  # of the steps of all tasks, of which there are many


async def some(peer: Peer, first: int, last: int) -> None:
    """Samples of the batches in (first, last], then the connection is cut."""
    asked = await peer.begin(first, resumed=first > 0)
    assert asked.get("resume") == (f"c{first}" if first else None)
    for seq in range(first + 1, last + 1):
        await peer.sample(seq, seq - 1)
    if last < SAMPLES:
        await trio.aclose_forcefully(peer.stream)
    else:
        await peer.answer()


async def test_a_consumer_that_is_cancelled_at_any_checkpoint_gets_the_next_message_later(
    autojump_clock: MockClock,
) -> None:
    steps, over = 0, True
    while over:
        got: list[float] = []
        async with opened(partial(some, first=0, last=5), partial(some, first=5, last=SAMPLES)) as subscriber:
            scope = trio.CancelScope()
            cancelling = CancelAfter(scope, steps, this_task())
            trio.lowlevel.add_instrument(cancelling)
            for one in (scope, trio.CancelScope()):
                with one:
                    while len(got) < SAMPLES:
                        if isinstance(message := await anext(subscriber), Samples):
                            got += [float(str(value)) for column in message.columns for value in column.values]
            trio.lowlevel.remove_instrument(cancelling)
            assert subscriber.statistics().chain.losses == 0
        assert got == [float(seq) for seq in range(1, SAMPLES + 1)]
        over, steps = cancelling.over, steps + 1
    assert steps > SAMPLES


def frames_of(data: bytes) -> Iterator[bytes]:
    """Whole frames at the beginning of it; the last may have been cut off."""
    while len(data) >= 2:
        size, head = data[1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[2:head], "big")
        assert data[0] in (0x81, 0x88, 0x89, 0x8A), "where a frame should begin, another goes on"
        if len(data) >= head + size:
            yield data[:head] + data[head : head + size]
        data = data[head + size :]


async def conversation(mine: Service, client: RawClient, received: bytearray) -> None:
    """A client that publishes while it is sent a backfill, until it has the last live sample."""
    with trio.fail_after(20), suppress(OSError):
        for n in range(1, 4):
            sample = f'{{"type":"publish","id":{n},"samples":[{{"metric":"a","value":{n}}}]}}'
            await client.send(client_frame(sample.encode()))
        mine.publish(*LAST)
        while str(LAST[-1]).encode() not in received[-200:] and (data := await client.sock.recv(200_000)):
            received += data


async def cancelled_at(steps: int) -> bool:
    """Whether there were so many steps until all was said."""
    received = bytearray()
    async with AsyncExitStack() as stack:
        mine = await stack.enter_async_context(service())
        for metric in "pq":
            mine.world.publish(metric, *[1.0] * 10_000)
            mine.world.flush()
        client, _ = await mine.client()
        await client.say(type="subscribe", id=1, select=ALL, history=1e12)
        assert mine.nursery is not None
        cancelling = CancelAfter(mine.nursery.cancel_scope, steps, any_task)
        trio.lowlevel.add_instrument(cancelling)
        with trio.CancelScope(shield=True):  # the client goes on: what is cancelled is the broadcaster
            await conversation(mine, client, received)
        trio.lowlevel.remove_instrument(cancelling)
    with client.sock, trio.fail_after(5), suppress(ConnectionError):
        while data := await client.sock.recv(200_000):
            received += data
    mine.world.flush()
    accepted = {value for _, _, value in mine.world.history.log}
    acked = {float(n) for n in range(1, 4) if b'"type":"ack","id":%d,' % n in b"".join(frames_of(bytes(received)))}
    assert acked <= accepted, "what was acknowledged was accepted"
    assert mine.world.hub.audiences == 0
    assert mine.ended.is_set(), "and it is told of its end"
    return cancelling.over


async def test_a_broadcaster_that_is_cancelled_at_any_checkpoint_leaves_nothing() -> None:
    steps = 0
    while await cancelled_at(steps):
        steps += EVERY
    assert steps > 10 * EVERY
