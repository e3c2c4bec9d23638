"""What tests of producers share: an impatient person, a raw subscriber that counts, what the history holds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio

from ingest import Producer, ProducerStatistics
from tests.e2e.proxy import Proxy, open_proxy
from tests.e2e.wire import Wire, connected

if TYPE_CHECKING:
    from broadcaster.server import Broadcaster

SETTLE_S = 0.1


@asynccontextmanager
async def between(broadcaster: "Broadcaster") -> AsyncIterator[Proxy]:
    """A network that can go bad."""
    to = urlsplit(broadcaster.url)
    async with open_proxy((to.hostname or "", to.port or 0)) as proxy:
        yield proxy


@asynccontextmanager
async def impatient(producer: Producer) -> AsyncIterator[None]:
    """Somebody who presses *retry now* whenever there is no connection, so that no test waits for the schedule."""

    async def press() -> None:
        while True:
            if producer.statistics().state in ("reconnecting", "cannot_connect"):
                producer.retry_now()
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(press)
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def watching(url: str, *metrics: str, **fields: Any) -> AsyncIterator[Wire]:
    """A raw subscriber that reads all the time, until the end of its connection or of the block."""
    async with connected(url) as wire:
        await wire.subscribe(1, *metrics, **fields)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.until_closed)
            yield wire
            nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool], bound_s: float = 20.0) -> None:
    """Looks again and again, for what no message announces."""
    with trio.fail_after(bound_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is the state of someone else
            await trio.sleep(0.005)


async def until_seen(wire: Wire, count: int) -> None:
    """Of a wire that somebody else reads."""
    await until(lambda: wire.rules.accounted >= count)


async def held(url: str, count: int, *metrics: str) -> Wire:
    """What the history holds, at least so many samples, as a new subscriber gets it; the connection is closed."""
    async with connected(url) as wire:
        await wire.subscribe(1, *metrics, resume="a cursor that nobody knows")
        await wire.until_backfilled(count)
        with trio.move_on_after(SETTLE_S):  # nothing says where a backfill ends: one sample too many would come now
            while True:
                await wire.receive()
    return wire


async def until_state(producer: Producer, *states: str) -> None:
    await until(lambda: producer.statistics().state in states)


def accounted(statistics: ProducerStatistics) -> bool:
    s = statistics
    return s.sent == s.buffered + s.unacknowledged + s.acknowledged + s.rejected + s.dropped


def numbers(count: int) -> list[Any]:
    return [float(number) for number in range(count)]
