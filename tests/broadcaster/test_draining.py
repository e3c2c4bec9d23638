from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import trio
from trio.testing import MockClock

from broadcaster.config import BroadcasterConfig
from broadcaster.draining import CLOSES_AT_ONCE, drain
from broadcaster.errors import Close
from tests.broadcaster.test_server import broadcaster, connect


class Client:
    """A connection: says when it was closed, and after how many flushes."""

    def __init__(self, hub: "Hub", *, published: int = 0, slow_s: float = 0.0) -> None:
        self._hub = hub
        self._slow_s = slow_s
        self.session = SimpleNamespace(published=published, producer=None)
        self.closed: Close | None = None
        self.closed_at = 0.0
        self.flushes = 0
        self.parted = False

    def part(self, close: Close) -> bool:
        self.close(close)
        self.parted = True
        return not self.writing

    @property
    def writing(self) -> bool:
        return self._slow_s > 0

    async def drained(self) -> None:
        await trio.sleep(self._slow_s)
        self._slow_s = 0.0

    def close(self, close: Close) -> None:
        if self.closed is None:
            self.closed, self.closed_at, self.flushes = close, trio.current_time(), self._hub.flushes


class Hub:
    flushes = 0

    def flush(self, now: float) -> None:
        self.flushes += 1


class Roster:
    def __init__(self, clients: list[Client]) -> None:
        self.clients = clients

    def __iter__(self) -> Iterator[Client]:
        return iter(self.clients)

    async def emptied(self) -> None:
        assert all(client.closed for client in self.clients)


async def drained(hub: Hub, *clients: Client, **settings: Any) -> list[float]:
    """When each was closed, in seconds since the beginning."""
    began = trio.current_time()
    shared = SimpleNamespace(config=BroadcasterConfig(**settings), hub=hub)
    await drain(cast(Any, shared), cast(Any, Roster(list(clients))))
    return [client.closed_at - began for client in clients]


async def test_producers_go_before_the_last_flush_and_subscribers_after_it(autojump_clock: MockClock) -> None:
    hub = Hub()
    subscriber, producer = Client(hub), Client(hub, published=3)
    await drained(hub, subscriber, producer, reconnect_spread_s=9)
    assert (producer.flushes, subscriber.flushes) == (0, 1)
    assert producer.closed == subscriber.closed == Close(4000, "shutting down", (0.0, 9.0))


async def test_closes_come_in_batches(autojump_clock: MockClock) -> None:
    hub = Hub()
    times = await drained(hub, *(Client(hub) for _ in range(10 * CLOSES_AT_ONCE)))
    assert max(times.count(at) for at in times) == CLOSES_AT_ONCE
    assert len(set(times)) == 10


async def test_nobody_is_left_out_when_the_time_is_short(autojump_clock: MockClock) -> None:
    hub = Hub()
    times = await drained(hub, *(Client(hub) for _ in range(100 * CLOSES_AT_ONCE)), drain_s=0.1)
    assert 0.08 <= max(times) < 0.1


async def test_who_is_slow_gets_half_the_time_and_holds_up_nobody(autojump_clock: MockClock) -> None:
    hub = Hub()
    slow, stuck, quick = Client(hub, slow_s=1.0), Client(hub, slow_s=60.0), Client(hub)
    times = await drained(hub, slow, stuck, quick, drain_s=4.0)
    assert times[2] == 0
    assert 1 <= times[0] <= times[1] <= 2.1


async def test_who_is_parted_from_is_told_once_and_closed() -> None:
    async with broadcaster() as (running, _):
        client = await connect(running)
        with client.sock:
            (connection,) = running._roster
            bye = Close(4000, "shutting down", (0.0, 5.0))
            assert connection.part(bye) and connection.part(bye)
            connection.close(bye)
            assert [message["type"] for message in await client.receive_all()] == ["bye"]
            assert client.close_code == 4000
