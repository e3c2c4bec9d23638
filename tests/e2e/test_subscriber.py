"""The subscriber against real broadcasters: killed ones, cut connections, a consumer that is too slow."""

import signal
from collections.abc import Callable
from urllib.parse import urlsplit

import trio

from broadcaster.subscriber import Subscriber, open_subscriber
from broadcaster.subscription import GapReported, Message, Resynchronised, Samples, StateChanged
from tests.e2e.conftest import BroadcasterProcess, Start
from tests.e2e.proxy import open_proxy
from tests.e2e.wire import Wire, connected, sample

SELECT = [{"metric": "a"}]


class Collector:
    """Takes what a subscriber yields, until told that it is enough."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.messages: list[Message] = []

    @property
    def values(self) -> list[object]:
        return [
            value
            for message in self.messages
            if isinstance(message, Samples) and not message.conflated
            for column in message.columns
            for value in column.values
        ]

    async def until(self, enough: Callable[[], bool]) -> None:
        with trio.fail_after(30):
            while not enough():
                self.messages.append(await anext(self._subscriber))

    async def until_live(self) -> None:
        await self.until(lambda: StateChanged("live") in self.messages)


async def publish(wire: Wire, numbers: range) -> None:
    for number in numbers:
        await wire.publish(number, [sample("a", float(number))])


def numbers(of: range) -> list[float]:
    return [float(number) for number in of]


async def test_a_broadcaster_that_is_killed_and_comes_back(
    broadcaster_process: Callable[..., BroadcasterProcess],
) -> None:
    process = broadcaster_process()
    await process.start()
    async with open_subscriber(process.url, SELECT) as subscriber:
        collector = Collector(subscriber)
        await collector.until_live()
        async with connected(process.url) as wire:
            await publish(wire, range(1, 11))
            await collector.until(lambda: len(collector.values) >= 10)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await process.start()
        async with connected(process.url) as wire:
            await publish(wire, range(11, 21))
            await collector.until(lambda: len(collector.values) >= 20)
        statistics = subscriber.statistics()
    assert collector.values == numbers(range(1, 21))
    assert [message.epoch_changed for message in collector.messages if isinstance(message, Resynchronised)] == [True]
    assert (statistics.connections, statistics.chain.losses) == (2, 0)


async def test_a_connection_that_is_cut_is_resumed_with_nothing_lost_or_doubled(start: Start) -> None:
    broadcaster = await start()
    to = urlsplit(broadcaster.url)
    async with (
        open_proxy((to.hostname or "", to.port or 0)) as proxy,
        open_subscriber(proxy.url, SELECT) as subscriber,
        connected(broadcaster.url) as wire,
    ):
        collector = Collector(subscriber)
        await collector.until_live()
        for cut in range(3):
            await publish(wire, range(cut * 100 + 1, cut * 100 + 51))
            await collector.until(lambda cut=cut: len(collector.values) >= cut * 100 + 10)  # type: ignore[misc]
            proxy.cut()
            await publish(wire, range(cut * 100 + 51, cut * 100 + 101))
            subscriber.retry_now()
        await collector.until(lambda: len(collector.values) >= 300)
        statistics = subscriber.statistics()
    assert collector.values == numbers(range(1, 301))
    assert statistics.chain.losses == 0
    assert not [message for message in collector.messages if isinstance(message, Resynchronised)]


async def test_what_a_slow_consumer_missed_is_counted(start: Start) -> None:
    """Received and announced as dropped together are what was sent; the producer is never held up."""
    broadcaster = await start(mailbox_batches=4, mailbox_bytes=100_000)
    messages, samples_each = 400, 1000
    times = [float(index) for index in range(samples_each)]
    async with (
        open_subscriber(broadcaster.url, SELECT, overflow="drop_oldest", queue_messages=1) as subscriber,
        connected(broadcaster.url) as wire,
    ):
        collector = Collector(subscriber)
        await collector.until_live()
        with trio.fail_after(20):
            for id in range(messages):
                await wire.publish(id, [sample("a", times, times)])
        sent = messages * samples_each

        def accounted() -> bool:
            return len(collector.values) + subscriber.statistics().chain.gap_samples >= sent

        await collector.until(accounted)
        statistics = subscriber.statistics()
    assert len(collector.values) + statistics.chain.gap_samples == sent
    assert statistics.chain.gap_samples > 0
    assert [message for message in collector.messages if isinstance(message, GapReported)]
    assert statistics.chain.losses == 0
