"""What a connection costs the others: writes while it is there, memory when it is gone."""

import gc
from collections import Counter

import pytest
import trio
import trio.testing

from broadcaster import errors
from broadcaster.stream import FrameStream
from tests.broadcaster.raw_client import client_frame
from tests.broadcaster.transports.test_websocket import Service, service

pytestmark = pytest.mark.usefixtures("either_way")
OWN = ("broadcaster.", "trio_websocket.", "wsproto.", "h11.")


async def test_answers_to_what_came_together_go_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service() as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            written: list[bytes] = []

            def taken(stream: FrameStream, data: bytes) -> bool:
                written.append(data)
                return True

            monkeypatch.setattr(type(connection._stream), "try_send", taken)
            ping = b'{"type":"ping","time":%d}'
            subscribe = b'{"type":"subscribe","id":7,"select":[{"metric":"b"}]}'
            pings = b"".join(client_frame(ping % number) for number in range(20))
            sent = pings + client_frame(subscribe) + pings + client_frame(b"[]")
            connection._stream.reader(sent)
            kinds = [[part.partition(b'"')[0] for part in each.split(b'"type":"')[1:]] for each in written]
            assert kinds == [[*[b"pong"] * 20, b"subscribed"], [*[b"pong"] * 20, b"error"]]


async def come_and_go(mine: Service, *, politely: bool) -> None:
    client, _ = await mine.subscriber()
    with client.sock:
        await client.say(type="publish", id=1, samples=[{"metric": "a", "value": 1}])
        while (await client.receive())["type"] != "ack":
            pass
        if politely:
            await client.send(client_frame(b"\x03\xe8", 0x88))
            await client.receive_all()
    await mine.ended.wait()
    mine.ended = trio.Event()


def living() -> Counter[str]:
    kinds = (type(each) for each in gc.get_objects())
    return Counter(kind.__qualname__ for kind in kinds if kind.__module__.startswith(OWN))


@pytest.mark.parametrize("politely", [True, False])
async def test_nothing_of_a_connection_is_left_when_it_is_over(politely: bool) -> None:
    """Without looking for cycles: that is done so seldom that those who come and go would fill the memory."""
    async with service() as mine:
        await come_and_go(mine, politely=politely)
        mine.connections.clear()
        await trio.testing.wait_all_tasks_blocked()
        gc.collect()
        gc.disable()
        try:
            before = living()
            for _ in range(5):
                await come_and_go(mine, politely=politely)
                mine.connections.clear()
            await trio.testing.wait_all_tasks_blocked()
            assert living() - before == Counter()
        finally:
            gc.enable()


async def test_who_has_gone_can_still_be_asked_and_told() -> None:
    """Draining goes through all who were there when it began, and waits between them."""
    async with service() as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            await client.say(type="publish", samples=[{"metric": "a", "value": 1}])
            while not connection.session.published:
                await trio.lowlevel.checkpoint()
        await mine.ended.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert (connection.session.published, list(connection.session.subscriptions)) == (1, [1])
        assert connection.describe(trio.current_time())["role"] == "subscriber"
        assert not connection.part(errors.SHUTTING_DOWN)
        connection.close(errors.SHUTTING_DOWN)
        connection.session.receive('{"type":"ping","time":1}')
        connection.check(trio.current_time())
