"""Handshakes over loopback: who gets in, who does not, and what a bug costs."""

import logging

import pytest
import trio
import trio.testing

from broadcaster import listener as listener_module
from broadcaster.addresses import SPARE
from broadcaster.http_headers import PROTECTIVE
from broadcaster.session import Session
from tests.broadcaster.raw_client import KEY, REQUEST, RawClient, client_frame
from tests.broadcaster.transports.test_websocket import service

pytestmark = pytest.mark.usefixtures("either_way")
EARLY = client_frame(b'{"type":"ping","time":5}')


async def heard(client: RawClient) -> bytes:
    """All that comes to the end of the connection."""
    answer = b""
    with trio.fail_after(20):
        while data := await client.sock.recv(4096):
            answer += data
    return answer


async def ended(client: RawClient) -> bool:
    """True once the other side closed, within its time."""
    with trio.move_on_after(20):
        return await client.sock.recv(1) == b""
    return False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Sec-WebSocket-Protocol: streamgauge.v2"], 400),
        (["Origin: https://elsewhere.example"], 403),
        (["Authorization: Basic abc"], 401),
    ],
)
async def test_a_refusal_has_its_status(headers: list[str], status: int) -> None:
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            head = await client.open(*headers)
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert {f"{name.decode()}: {value.decode()}" for name, value in PROTECTIVE} <= set(head.split("\r\n"))
        assert mine.connections == []


async def test_the_subprotocol_is_answered_and_not_the_token() -> None:
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            head = await client.open("Sec-WebSocket-Protocol: streamgauge.v1, bearer.abc")
            assert "sec-websocket-protocol: streamgauge.v1" in head.lower().split("\r\n")
            assert "abc" not in head


async def test_messages_right_behind_the_handshake_are_answered_after_the_welcome() -> None:
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            await client.open(behind=EARLY * 2)
            assert [(await client.receive())["type"] for _ in range(3)] == ["welcome", "pong", "pong"]


async def test_a_handshake_byte_by_byte() -> None:
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            request = REQUEST + KEY + b"\r\n" + EARLY
            for at in range(len(request) - 1):
                await client.send(request[at : at + 1])
            await client.send(request[-1:])
            answer = b""
            while b'"pong"' not in answer:
                answer += await client.sock.recv(4096)
            assert answer.startswith(b"HTTP/1.1 101 ") and b'"welcome"' in answer


async def test_half_a_handshake_is_ended_in_time() -> None:
    async with service(handshake_s=0.1) as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            await client.send(REQUEST)
            answer = await heard(client)
            assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n")
            assert answer.endswith(b"\r\n\r\nno request within 0.1 s")
            assert mine.world.shared.refusals.counts == {"handshake_time": 1}


async def test_who_never_says_a_word_is_told_why_it_ends() -> None:
    async with service(handshake_s=0.1) as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            assert b"no request within 0.1 s" in await heard(client)


async def test_an_address_has_so_many_connections() -> None:
    async with service(connections_per_address=1, trusted_networks=()) as mine:
        first, _ = await mine.client()
        second = await RawClient.connect(mine.port)
        with first.sock, second.sock:
            head = await second.open()
            assert head.startswith("HTTP/1.1 503 ")
            assert "retry-after: 1" in head.lower()
            assert b"too many connections: at most 1 from 127.0.0.1" in second._bytes + await heard(second)
            assert mine.world.shared.refusals.counts == {"connections_per_address": 1}
            await first.say(type="ping", time=1)
            assert (await first.receive())["type"] == "pong"


async def test_far_more_connections_of_an_address_are_not_even_answered() -> None:
    async with service(connections_per_address=1, trusted_networks=()) as mine:
        clients = [await RawClient.connect_plainly(mine.port) for _ in range(SPARE + 3)]
        assert await clients[-1].recv(1) == b""
        assert mine.world.shared.refusals.counts == {"connections_per_address": 2}
        for each in clients:
            each.close()
        while len(mine.world.shared.addresses):
            await trio.lowlevel.checkpoint()
        client, _ = await mine.client()
        client.sock.close()


async def test_the_oldest_half_handshake_makes_room() -> None:
    async with service(handshakes_max=2) as mine:
        waiting: list[RawClient] = []
        for _ in range(2):
            waiting.append(await RawClient.connect(mine.port))
            await waiting[-1].send(REQUEST)
            await trio.testing.wait_all_tasks_blocked(0.01)
        client = await RawClient.connect(mine.port)
        with waiting[0].sock, waiting[1].sock, client.sock:
            await client.send(REQUEST)
            answer = await heard(waiting[0])
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"\r\nRetry-After: 1\r\n" in answer
            assert answer.endswith(b"too many handshakes at once")
            assert mine.world.shared.refusals.counts == {"handshakes": 1}
            await waiting[1].send(KEY + b"\r\n")
            assert (await waiting[1].sock.recv(12)) == b"HTTP/1.1 101"


async def test_a_bug_costs_one_connection_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Session, data: object) -> None:
        raise ZeroDivisionError

    async with service() as mine:
        victim, _ = await mine.client()
        other, connection = await mine.client()
        with victim.sock, other.sock, caplog.at_level(logging.ERROR, listener_module.log.name):
            await other.say(type="ping", time=1)
            await other.receive("pong")
            with monkeypatch.context() as patched:
                patched.setattr(Session, "receive_all", broken)
                await victim.say(type="ping", time=1)
                assert await ended(victim)
            await other.say(type="ping", time=1)
            assert (await other.receive())["type"] == "pong"
            assert connection.closing is None
    assert "unexpected error" in caplog.text


@pytest.mark.parametrize(
    "header",
    [b"Connection: Upgra\xc6de", b"Sec-WebSocket-Protocol: \x84", b"Sec-WebSocket-Extensions: \xff"],
)
async def test_a_head_that_the_parser_cannot_read_is_refused(header: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            await client.send(REQUEST + header + b"\r\n" + KEY + b"\r\n")
            assert (await client.sock.recv(4096)).startswith(b"HTTP/1.1 400 ")
            assert await ended(client)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_head_whose_lines_end_without_carriage_returns() -> None:
    """h11 takes it, so what follows has to be told from it and not be kept."""
    async with service() as mine:
        client = await RawClient.connect(mine.port)
        with client.sock:
            await client.send((REQUEST + KEY + b"\r\n").replace(b"\r\n", b"\n") + EARLY * 3)
            answer = b""
            while answer.count(b'"pong"') < 3:
                answer += await client.sock.recv(4096)
            assert answer.index(b'"welcome"') < answer.index(b'"pong"')
            (connection,) = mine.connections
            assert connection._stream.head == b""
