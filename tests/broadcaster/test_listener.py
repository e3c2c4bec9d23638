"""Handshakes over loopback: who gets in, who does not, and what a bug costs."""

import logging

import pytest
import trio
import trio.testing

from broadcaster import listener as listener_module
from broadcaster.session import Session
from tests.broadcaster.raw_client import KEY, REQUEST, RawClient, client_frame
from tests.broadcaster.transports.test_websocket import service

pytestmark = pytest.mark.usefixtures("either_way")
EARLY = client_frame(b'{"type":"ping","time":5}')


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
            assert (await client.open(*headers)).startswith(f"HTTP/1.1 {status} ")
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
            assert await ended(client)


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
            assert await ended(waiting[0])
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
