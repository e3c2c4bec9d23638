"""Connections that are of no use, take nothing, or send more than they may."""

from collections.abc import Iterator

import pytest
import trio
import trio.testing

from broadcaster import errors, time_slice
from broadcaster.backfill import OTHERS_FIRST
from tests.broadcaster.raw_client import client_frame
from tests.broadcaster.transports.test_websocket import service

pytestmark = pytest.mark.usefixtures("either_way")
ONE = client_frame(b'{"type":"publish","samples":[{"metric":"a","value":1}]}')


async def test_who_does_nothing_is_closed() -> None:
    async with service(idle_s=5.0) as mine:
        client, connection = await mine.client(client="nobody")
        with client.sock:
            now = trio.current_time()
            connection.check(now + 4.0)
            assert connection.closing is None
            connection.check(now + 5.5)
            assert connection.closing is errors.IDLE
            (bye,) = await client.receive_all()
            assert (bye["code"], bye["reconnect"], client.close_code) == (4002, True, 4002)
            assert mine.world.shared.refusals.counts == connection.session.quota.refused == {"idle": 1}


async def test_who_is_subscribed_is_not_idle() -> None:
    async with service(idle_s=5.0) as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            connection.check(trio.current_time() + 6.0)
            assert connection.closing is None


async def test_who_takes_nothing_is_closed() -> None:
    async with service(write_s=5.0, close_s=0.1) as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            while connection.stuck() is None:
                mine.publish(*[1.0] * 9_000)
                await trio.lowlevel.checkpoint()
            now = trio.current_time()
            connection.check(now)
            connection.check(now + 4.5)
            assert connection.closing is None
            connection.check(now + 6.0)
            assert connection.closing is errors.TOO_SLOW
            connection.check(now + 7.0)  # while it ends
            assert mine.world.shared.refusals.counts == {"write_time": 1}
            with trio.fail_after(10):
                await mine.ended.wait()


async def test_who_has_taken_all_is_not_waited_for_while_a_page_is_made() -> None:
    async with service(write_s=5.0) as mine:
        client, connection = await mine.subscriber()

        def payloads() -> Iterator[bytes]:
            while connection.closing is None:
                yield OTHERS_FIRST

        with client.sock:
            with trio.fail_after(10):
                while connection._stream.unread():  # noqa: ASYNC110  # the system tells nobody
                    await trio.sleep(0.01)
            connection.pull(payloads(), lambda: None)
            for _ in range(10):
                await trio.lowlevel.checkpoint()
            assert connection.writing
            for late_s in (0.0, 4.0, 8.0):
                connection.check(trio.current_time() + late_s)
            assert connection.closing is None
            connection.close(errors.SHUTTING_DOWN)


async def test_who_takes_a_little_stays() -> None:
    async with service(write_s=5.0) as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            while connection.stuck() is None:
                mine.publish(*[1.0] * 9_000)
                await trio.lowlevel.checkpoint()
            now = trio.current_time()
            connection.check(now)
            held = connection.stuck()
            while connection.stuck() == held:
                await client.sock.recv(65_536)
            connection.check(now + 6.0)
            assert connection.closing is None


@pytest.mark.parametrize("flood", [ONE, client_frame(b"x", 0x89)], ids=["messages", "pings"])
async def test_a_flood_is_read_piece_by_piece(flood: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REST_MIN_S", "REST_MAX_S"):
        monkeypatch.setattr(time_slice, name, 0.4)
    async with service(messages_per_second=10, rate_limited_s=100.0) as mine:
        client, connection = await mine.client()
        with client.sock:
            for _ in range(3):
                while not connection.session.quota.refused:
                    await client.send(flood * 20)
                    await trio.sleep(0.01)
                read, began = connection._stream.received_bytes, trio.current_time()
                await client.send(flood * 20)
                while connection._stream.received_bytes == read:
                    await trio.lowlevel.checkpoint()
                assert trio.current_time() - began > 0.1, "it was read a moment later"
                connection.session.quota.refused.clear()
            told = connection.describe(trio.current_time())
            assert (told["subject"], told["refused"]) == (None, {})


async def test_what_was_refused_is_told_of_each_connection() -> None:
    async with service(messages_per_second=3) as mine:
        client, connection = await mine.client()
        with client.sock:
            await client.send(ONE * 6)
            error = await client.receive("error")
            assert error["code"] == "rate_limited"
            assert error["message"].startswith("messages: at most 3 a second from one connection: come again in ")
            refused = connection.describe(trio.current_time())["refused"]
            assert refused == mine.world.shared.refusals.counts
            assert refused["messages_rate"] >= 1


async def test_a_flood_of_pings_counts_as_messages() -> None:
    async with service(messages_per_second=10, rate_limited_s=0.3) as mine:
        client, connection = await mine.client()
        with client.sock:
            await client.send(client_frame(b"x", 0x89) * 9)
            await client.say(type="ping", time=1)
            assert (await client.receive())["type"] == "pong"
            assert connection.session.quota.refused == {}
            with trio.fail_after(20):
                while connection.closing is None:
                    await client.send(client_frame(b"x", 0x89) * 50)
                    await trio.sleep(0.02)
            errors_then_bye = await client.receive_all()
            assert errors_then_bye[0]["message"].startswith("messages: at most 10 a second from one connection, got ")
            assert client.close_code == 4029
            assert set(connection.session.quota.refused) == {"messages_rate"}
