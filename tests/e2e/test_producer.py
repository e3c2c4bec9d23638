"""The producer against real broadcasters over a network that is cut and held: each sample arrives exactly once."""

import random
from collections.abc import Awaitable, Callable

import pytest
import trio

from ingest import Producer, open_producer
from tests.e2e.conftest import Start
from tests.e2e.producing import accounted, between, held, impatient, numbers, until, until_seen, until_state, watching
from tests.e2e.proxy import DOWNSTREAM, UPSTREAM, Proxy

CUTS = 25


async def send_until(producer: Producer, done: trio.Event, pause_s: float = 0.001) -> int:
    """Two series, one of them in columns. Returns how many samples of each were sent."""
    count = 0
    while not done.is_set():
        await producer.send("a", count, time=float(count))
        await producer.send("a", count + 1, time=float(count + 1))
        times = [float(count), float(count + 1)]
        await producer.send_many("b", times, times, side="left")
        count += 2
        await trio.sleep(pause_s)
    return count


async def _cut_upstream(proxy: Proxy, dice: random.Random) -> None:
    before = proxy.cuts
    proxy.cut_after(dice.randrange(1, 2000), UPSTREAM)
    await until(lambda: proxy.cuts > before)


async def _cut_downstream(proxy: Proxy, dice: random.Random) -> None:
    before = proxy.cuts
    proxy.cut_after(dice.randrange(1, 1500), DOWNSTREAM)
    await until(lambda: proxy.cuts > before)


async def _cut_now(proxy: Proxy, dice: random.Random) -> None:
    await trio.sleep(dice.uniform(0, 0.05))
    proxy.cut()


async def _lose_answers(proxy: Proxy, dice: random.Random) -> None:
    """The broadcaster applies what it gets, and the acknowledgements are lost."""
    proxy.hold(DOWNSTREAM)
    await trio.sleep(dice.uniform(0.02, 0.05))
    proxy.cut()
    proxy.resume()


async def _hold(proxy: Proxy, dice: random.Random) -> None:
    proxy.hold()
    await trio.sleep(dice.uniform(0.01, 0.05))
    proxy.resume()


Mishap = Callable[[Proxy, random.Random], Awaitable[None]]
MISHAPS: tuple[Mishap, ...] = (_cut_upstream, _cut_downstream, _cut_now, _lose_answers, _hold)


@pytest.mark.parametrize("seed", range(3))
async def test_a_network_cut_again_and_again_loses_and_doubles_nothing(start: Start, seed: int) -> None:
    dice, done, counts = random.Random(seed), trio.Event(), list[int]()
    broadcaster = await start()

    async def send(producer: Producer) -> None:
        counts.append(await send_until(producer, done))

    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, batch_samples=9, window=6, flush_interval_s=0.005) as producer,
        impatient(producer),
    ):
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, producer)
                for _ in range(CUTS):
                    await dice.choice(MISHAPS)(proxy, dice)
                done.set()
            await producer.flush()
        now = producer.statistics()
        (count,) = counts
        await until_seen(wire, 2 * count)
    assert wire.rules.values("a") == wire.rules.values("b{side=left}") == numbers(count)
    history = await held(broadcaster.url, 2 * count)
    assert history.rules.values("a") == history.rules.values("b{side=left}") == numbers(count)
    assert history.rules.times("a") == numbers(count)
    assert (now.sent, now.acknowledged, now.dropped, now.rejected, now.unsent) == (2 * count, 2 * count, 0, 0, 0)
    assert now.connections > CUTS / 3


async def test_lost_acknowledgements_are_answered_as_duplicates(start: Start) -> None:
    broadcaster = await start()
    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, batch_samples=10, window=4) as producer,
        impatient(producer),
    ):
        await producer.connected()
        proxy.hold(DOWNSTREAM)
        await producer.send_many("a", numbers(100), numbers(100))
        await until_seen(wire, 40)
        await trio.sleep(0.1)
        now = producer.statistics()
        assert (now.unacknowledged, now.buffered, now.acknowledged) == (40, 60, 0)
        proxy.cut()
        proxy.resume()
        await producer.flush()
        now = producer.statistics()
        await until_seen(wire, 100)
    assert (now.acknowledged, now.duplicate_messages, now.connections) == (100, 4, 2)
    assert wire.rules.values("a") == numbers(100)


@pytest.mark.parametrize("cut_at", [1, 60, 150, 151, 500, 1100])
async def test_a_message_cut_in_the_middle_is_not_applied_by_half(start: Start, cut_at: int) -> None:
    """Each message here is larger than the position of the cut or about as large."""
    broadcaster = await start()
    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, batch_samples=50, window=2) as producer,
        impatient(producer),
    ):
        await producer.connected()
        proxy.cut_after(cut_at)
        await producer.send_many("a", numbers(500), numbers(500))
        with trio.fail_after(20):
            await producer.flush()
        now = producer.statistics()
        await until_seen(wire, 500)
    assert wire.rules.values("a") == numbers(500)
    assert (proxy.cuts, now.connections, now.acknowledged) == (1, 2, 500)


async def test_a_link_that_goes_silent_is_given_up(start: Start) -> None:
    """Nobody is told of the break: only that nothing is heard any more."""
    broadcaster = await start(ping_interval_s=0.2)
    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, batch_samples=10) as producer,
        impatient(producer),
    ):
        await producer.connected()
        proxy.hold()
        await producer.send_many("a", numbers(100), numbers(100))
        await until_state(producer, "reconnecting")
        assert "nothing heard for" in (producer.statistics().reason or "")
        assert accounted(producer.statistics())
        proxy.resume()
        with trio.fail_after(20):
            await producer.flush()
        assert producer.statistics().acknowledged == 100
        await until_seen(wire, 100)
    assert wire.rules.values("a") == numbers(100)


async def test_two_producers_on_one_bad_network_do_not_mix(start: Start) -> None:
    dice = random.Random(5)
    broadcaster = await start()
    async with (
        between(broadcaster) as proxy,
        open_producer(proxy.url, batch_samples=7, flush_interval_s=0.005) as one,
        open_producer(proxy.url, batch_samples=5, flush_interval_s=0.005) as two,
        impatient(one),
        impatient(two),
    ):
        for number in range(300):
            await one.send("a", number, who=1)
            await two.send("a", number, who=2)
            if number % 30 == 29:
                await _cut_now(proxy, dice)
        with trio.fail_after(20):
            await one.flush()
            await two.flush()
        assert one.statistics().acknowledged == two.statistics().acknowledged == 300
    history = await held(broadcaster.url, 600)
    assert history.rules.values("a{who=1}") == history.rules.values("a{who=2}") == numbers(300)
