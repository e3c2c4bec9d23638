"""The ends of producers, broadcasters and buffers: what was accepted is there once, and the counts say so."""

import logging
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trio

from ingest import Producer, open_producer
from tests.e2e.conftest import BroadcasterProcess, Start
from tests.e2e.producing import accounted, between, held, impatient, numbers, until, until_seen, until_state, watching
from tests.e2e.proxy import DOWNSTREAM, UPSTREAM
from tests.e2e.repeating_producer import PORTION

ROOT = Path(__file__).parents[2]
EVERYTHING = "a cursor that nobody knows"  # resuming there gets the whole history


class Repeating:
    """A producer process; `acknowledged` is the number of the last portion it knows to have arrived."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.acknowledged = -1

    async def follow(self) -> None:
        assert self.process.stdout is not None
        text = b""
        async for chunk in self.process.stdout:
            *lines, text = (text + chunk).split(b"\n")
            self.acknowledged = max([self.acknowledged, *map(int, lines)])

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert await self.process.wait() == -signal.SIGKILL


@asynccontextmanager
async def repeating(url: str, id: UUID, first: int, last: int) -> AsyncIterator[Repeating]:
    command = [sys.executable, "-m", "tests.e2e.repeating_producer", url, str(id), str(first), str(last)]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, cwd=ROOT)
    program = Repeating(process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(program.follow)
        try:
            with trio.fail_after(20):
                yield program
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
    assert process.stdout is not None
    await process.stdout.aclose()


@pytest.mark.parametrize("held_direction", [DOWNSTREAM, UPSTREAM])
async def test_a_producer_killed_between_send_and_ack_repeats_itself(start: Start, held_direction: str) -> None:
    """Once the message had arrived and only its acknowledgement is missing; once the message itself is lost."""
    id, portions = uuid4(), 50
    broadcaster = await start()
    async with between(broadcaster) as proxy, watching(broadcaster.url, "a") as wire:
        async with repeating(proxy.url, id, 0, portions) as program:
            await until(lambda: program.acknowledged >= 3)
            proxy.hold(held_direction)
            await until(lambda: proxy.held > 0)
            in_doubt = 2 if held_direction == DOWNSTREAM else 1
            await until(lambda: wire.rules.accounted == (program.acknowledged + in_doubt) * PORTION)
            await program.kill()
        arrived, known = wire.rules.accounted, (program.acknowledged + 1) * PORTION
        assert arrived == known + (PORTION if held_direction == DOWNSTREAM else 0) < portions * PORTION
        proxy.cut()
        proxy.resume()
        async with repeating(proxy.url, id, program.acknowledged + 1, portions) as program:
            assert await program.process.wait() == 0
        await until_seen(wire, portions * PORTION)
    assert wire.rules.values("a") == numbers(portions * PORTION)
    assert (await held(broadcaster.url, portions * PORTION)).rules.values("a") == numbers(portions * PORTION)


async def test_a_producer_killed_again_and_again(start: Start) -> None:
    """It starts from the very first portion each time: what arrived before is not applied twice."""
    dice, id, portions = random.Random(11), uuid4(), 40
    broadcaster = await start()
    async with between(broadcaster) as proxy, watching(broadcaster.url, "a") as wire:
        for _ in range(3):
            before = wire.rules.accounted
            proxy.cut_after(dice.randrange(3000, 6000), dice.choice([UPSTREAM, DOWNSTREAM]))
            async with repeating(proxy.url, id, 0, portions) as program:
                await until(lambda before=before: wire.rules.accounted > before)  # type: ignore[misc]
                await program.kill()
        async with repeating(proxy.url, id, 0, portions) as program:
            assert await program.process.wait() == 0
        await until_seen(wire, portions * PORTION)
    assert wire.rules.values("a") == numbers(portions * PORTION)


async def send_on(producer: Producer, done: trio.Event) -> None:
    count = 0
    while not done.is_set():
        await producer.send("a", count)
        count += 1
        await trio.sleep(0.001)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_a_broadcaster_that_ends_and_comes_back(
    broadcaster_process: Callable[..., BroadcasterProcess], end: signal.Signals
) -> None:
    """Its successor gets, from the first unacknowledged sample on, each sample once."""
    process = broadcaster_process(reconnect_spread_s=0.2, drain_s=1)
    done, known = trio.Event(), 0
    await process.start()
    async with (
        open_producer(process.url, batch_samples=20, flush_interval_s=0.005) as producer,
        impatient(producer),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(send_on, producer, done)
        for life in range(2):
            async with watching(process.url, "a", resume=EVERYTHING) as wire:
                await until(lambda known=known: producer.statistics().acknowledged > known + 200)  # type: ignore[misc]
                if life == 0:
                    process.send_signal(end)
                    await process.wait()
                    await until_state(producer, "reconnecting", "cannot_connect")
                else:
                    done.set()
                    await producer.flush()
                    await until(lambda: wire.rules.values("a")[-1] == producer.statistics().sent - 1)
                got = wire.rules.values("a")
                assert got == numbers(10**6)[known : known + len(got)]
                now = producer.statistics()
                known = now.acknowledged
                assert accounted(now)
            if life == 0:
                await process.start()
        assert (now.acknowledged, now.unsent, now.dropped, now.rejected) == (now.sent, 0, 0, 0)
        assert now.connections == 2


async def test_a_drain_is_told_and_obeyed(broadcaster_process: Callable[..., BroadcasterProcess]) -> None:
    process = broadcaster_process(reconnect_spread_s=0.4)
    await process.start()
    async with open_producer(process.url) as producer:
        await producer.send("a", 1)
        await producer.flush()
        process.send_signal(signal.SIGTERM)
        await until_state(producer, "reconnecting")
        now = producer.statistics()
        assert (now.reason, now.failures) == ("shutting down", 0)
        assert await process.wait() == 0
        await producer.send("a", 2)
        await process.start()
        producer.retry_now()
        with trio.fail_after(10):
            await producer.flush()
        assert producer.statistics().acknowledged == 2
    assert (await held(process.url, 1)).rules.values("a") == [2]


async def test_a_full_buffer_drops_the_oldest_and_counts_them(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    broadcaster = await start()
    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, buffer_samples=100, batch_samples=10, window=3, flush_interval_s=0) as producer,
    ):
        await producer.connected()
        proxy.hold()
        await producer.send_many("a", numbers(30), numbers(30))
        await until(lambda: producer.statistics().unacknowledged == 30)
        for number in range(30, 1000):
            await producer.send("a", number)
        now = producer.statistics()
        assert (now.sent, now.unacknowledged, now.buffered, now.dropped) == (1000, 30, 100, 870)
        proxy.resume()
        await producer.flush()
        now = producer.statistics()
        await until_seen(wire, now.acknowledged)
    assert wire.rules.values("a") == numbers(30) + numbers(1000)[900:]
    assert (now.sent, now.acknowledged, now.dropped, now.rejected, now.unsent) == (1000, 130, 870, 0, 0)
    assert "the buffer is full: 1 samples dropped so far" in caplog.text


async def test_a_full_buffer_makes_senders_wait_and_loses_nothing(start: Start) -> None:
    broadcaster = await start()
    async with (
        between(broadcaster) as proxy,
        watching(broadcaster.url) as wire,
        open_producer(proxy.url, buffer_samples=50, batch_samples=10, window=2, on_full="block") as producer,
        trio.open_nursery() as nursery,
    ):

        async def send(sender: int) -> None:
            for number in range(200):
                await producer.send("a", number, sender=sender)

        await producer.connected()
        proxy.hold()
        for sender in range(4):
            nursery.start_soon(send, sender)
        nursery.start_soon(producer.send_many, "b", numbers(200), numbers(200))
        await until(lambda: producer.statistics().unacknowledged == 20)
        await trio.sleep(0.1)
        now = producer.statistics()
        assert (now.sent, now.buffered, now.unacknowledged, now.dropped) == (70, 50, 20, 0)
        proxy.resume()
        await until_seen(wire, 1000)
    for sender in range(4):
        assert wire.rules.values(f"a{{sender={sender}}}") == numbers(200)
    assert wire.rules.values("b") == numbers(200)
    assert (producer.statistics().acknowledged, producer.statistics().unsent) == (1000, 0)


async def test_what_the_broadcaster_rejects_is_counted(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    broadcaster = await start(series_max=3)
    async with watching(broadcaster.url) as wire, open_producer(broadcaster.url, batch_samples=7) as producer:
        for number in range(100):
            await producer.send("a", number, n=number % 5)
        await producer.flush()
        now = producer.statistics()
        assert (now.sent, now.acknowledged, now.rejected, now.unsent) == (100, 60, 40, 0)
        await until_seen(wire, 60)
    assert {name: len(points) for name, points in wire.rules.points.items()} == {f"a{{n={n}}}": 20 for n in range(3)}
    assert "the broadcaster rejected" in caplog.text


async def test_over_the_rate_it_takes_longer_and_loses_nothing(start: Start) -> None:
    broadcaster = await start(samples_per_second=1000)
    async with (
        watching(broadcaster.url) as wire,
        open_producer(broadcaster.url, batch_samples=100, flush_s=20) as producer,
    ):
        begun = trio.current_time()
        await producer.send_many("a", numbers(2500), numbers(2500))
        await producer.flush()
        assert 1 < trio.current_time() - begun < 10
        now = producer.statistics()
        await until_seen(wire, 2500)
    assert sorted(wire.rules.values("a")) == numbers(2500)
    assert (now.acknowledged, now.rejected, now.connections) == (2500, 0, 1)


async def test_an_end_that_comes_too_soon_is_told(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    broadcaster = await start()
    async with between(broadcaster) as proxy:
        async with open_producer(proxy.url, flush_s=0.2) as producer:
            await producer.connected()
            proxy.hold()
            await producer.send_many("a", numbers(10), numbers(10))
            begun = trio.current_time()
        assert trio.current_time() - begun < 5
        proxy.resume()
    assert producer.statistics().unsent == 10
    assert "closed with 10 samples of which it is not known that they arrived" in caplog.text
