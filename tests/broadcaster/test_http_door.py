"""Who gets to the HTTP server, over loopback and with a server that is a few lines long."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from broadcaster.addresses import Addresses
from broadcaster.config import BroadcasterConfig
from broadcaster.http_door import Door, PatientStream
from broadcaster.refusals import Refusals
from ingest.listening import listen
from ingest.settings import Address


@dataclass
class House:
    door: Door
    refusals: Refusals
    port: int
    broken: list[Exception] = field(default_factory=list)
    gave_up: trio.Event = field(default_factory=trio.Event)

    async def client(self, receive_buffer: int = 65_536) -> trio.SocketStream:
        sock = trio.socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        return trio.SocketStream(sock)

    async def handle(self, stream: PatientStream) -> None:
        """`ask` is a whole request; `much` gets more than any socket takes; `fail` shows a bug."""
        client = stream.socket.getpeername()
        while data := await stream.receive_some():
            if b"fail" in data:
                raise ZeroDivisionError
            if b"ask" in data:
                self.door.asked(client)
                await stream.send_all(b"here")
            elif b"much" in data:
                self.door.asked(client)
                try:
                    await stream.send_all(bytes(50_000_000))
                except trio.BrokenResourceError as error:
                    self.broken.append(error)
                    self.gave_up.set()
                    return


@asynccontextmanager
async def house(most: int = 10, *, sealed: bool = False, **settings: Any) -> AsyncIterator[House]:
    config, refusals = BroadcasterConfig(**settings), Refusals()
    door = Door(
        config, Addresses(config.connections_per_address, config.trusted_networks), refusals, most, sealed=sealed
    )
    with listen(Address("127.0.0.1", 0), 10) as sock:
        sock.setblocking(False)
        mine = House(door, refusals, sock.getsockname()[1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.serve, sock, mine.handle, nursery)
            yield mine
            nursery.cancel_scope.cancel()


async def heard(client: trio.SocketStream) -> bytes:
    with trio.fail_after(10):
        return b"".join([data async for data in client])


async def test_a_first_request_has_its_time_and_then_no_more_is_asked() -> None:
    async with house(handshake_s=0.2) as mine, await mine.client() as quick, await mine.client() as slow:
        await quick.send_all(b"ask")
        await slow.send_all(b"GET / HT")
        answer = await heard(slow)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert answer.endswith(b"no request within 0.2 s")
        assert await quick.receive_some() == b"here"
        await quick.send_all(b"ask")
        assert await quick.receive_some() == b"here"
        assert mine.refusals.counts == {"handshake_time": 1}
        assert len(mine.door) == 1


async def test_so_many_connections_in_all() -> None:
    async with house(most=1) as mine, await mine.client() as first:
        await first.send_all(b"ask")
        assert await first.receive_some() == b"here"
        async with await mine.client() as second:
            answer = await heard(second)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 1\r\n" in answer and answer.endswith(b"too many connections")
        await first.aclose()
        while len(mine.door):
            await trio.lowlevel.checkpoint()
        async with await mine.client() as third:
            await third.send_all(b"ask")
            assert await third.receive_some() == b"here"
        assert mine.refusals.counts == {"http_connections": 1}


@pytest.mark.parametrize("bound", ["connections_per_address", "http_connections_per_address"])
async def test_so_many_connections_of_an_address(bound: str) -> None:
    settings: dict[str, Any] = {bound: 1, "trusted_networks": ()}
    async with house(**settings) as mine, await mine.client() as first:
        await first.send_all(b"ask")
        assert await first.receive_some() == b"here"
        async with await mine.client() as second:
            assert b"too many connections: at most 1 from 127.0.0.1" in await heard(second)
        assert mine.refusals.counts == {bound: 1}
        assert mine.door.fullest == 1
        await first.aclose()
        while len(mine.door):
            await trio.lowlevel.checkpoint()
        async with await mine.client() as third:
            await third.send_all(b"ask")
            assert await third.receive_some() == b"here"


@pytest.mark.parametrize("first", [0, 1])
async def test_a_port_that_comes_again_before_its_last_connection_is_gone(nursery: trio.Nursery, first: int) -> None:
    """A client resets a connection and makes another from the same port: each is one of its own."""

    async def wait(stream: PatientStream) -> None:
        await stream.receive_some()

    async with house(handshake_s=0.05) as mine:
        pairs = [socket.socketpair() for _ in range(2)]
        for ours, _ in pairs:
            ours.setblocking(False)
            mine.door._accepted(wait, nursery, ours, "10.0.0.1", 5_000)
        mine.door.asked(("10.0.0.1", 5_000))
        assert (len(mine.door), mine.door.fullest) == (2, 2)
        for left, at in ((1, first), (0, 1 - first)):
            pairs[at][1].close()
            with trio.fail_after(10):
                while len(mine.door) > left:
                    await trio.lowlevel.checkpoint()
        assert mine.door.fullest == 0


async def test_nothing_is_said_in_the_clear_where_tls_is_spoken() -> None:
    async with house(sealed=True, handshake_s=0.1) as mine, await mine.client() as client:
        assert await heard(client) == b""
        assert mine.refusals.counts == {"handshake_time": 1}


async def test_who_takes_nothing_of_an_answer_is_cut_off() -> None:
    async with house(write_s=0.2) as mine, await mine.client(receive_buffer=4_096) as client:
        await client.send_all(b"much")
        with trio.fail_after(10):
            await mine.gave_up.wait()
        assert [str(error) for error in mine.broken] == ["nothing taken for 0.2 s"]
        assert mine.refusals.counts == {"write_time": 1}


async def test_who_takes_a_little_now_and_then_is_not() -> None:
    async with house(write_s=0.3) as mine, await mine.client(receive_buffer=4_096) as client:
        await client.send_all(b"much")
        for _ in range(6):
            await trio.sleep(0.1)
            await client.receive_some(400_000)
        assert (len(mine.door), mine.refusals.counts) == (1, {})


async def test_a_bug_costs_one_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async with house() as mine, await mine.client() as victim, await mine.client() as other:
        await victim.send_all(b"fail")
        assert await heard(victim) == b""
        await other.send_all(b"ask")
        assert await other.receive_some() == b"here"
    assert "unexpected error" in caplog.text
