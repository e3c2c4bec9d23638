"""SIGKILL of a broadcaster with a data directory: a producer and a subscriber notice a pause, and nothing else."""

import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from broadcaster.subscriber import open_subscriber
from broadcaster.subscription import Resynchronised
from ingest import open_producer
from ingest.backoff import Backoff
from tests.e2e.conftest import BroadcasterProcess
from tests.e2e.test_subscriber import Collector, numbers
from tests.e2e.wire import eventually

KILLS = 3


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients come back at once: what is tested is not when."""
    monkeypatch.setattr(Backoff, "failed", lambda backoff, now: 0.05)


async def test_what_was_acknowledged_outlives_kills(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    process, chance = broadcaster_process(data_dir=tmp_path, durability="committed"), random.Random(5)
    await process.start()
    sent, killing = 0, True

    def more(than: int) -> bool:
        return len(collector.values) > than

    async def send() -> None:
        nonlocal sent
        async with open_producer(process.url, flush_interval_s=0.001) as producer:
            while killing:
                sent += 1
                await producer.send("a", float(sent), time=time.time())
                await trio.sleep(0.002)

    async with open_subscriber(process.url, [{"metric": "a"}]) as subscriber, trio.open_nursery() as nursery:
        collector = Collector(subscriber)
        await collector.until_live()
        nursery.start_soon(send)
        for _ in range(KILLS):
            enough = len(collector.values) + 20
            await collector.until(partial(more, enough))
            with trio.move_on_after(chance.uniform(0, 0.3)):
                await collector.until(lambda: False)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await process.start()
        killing = False
        await collector.until(lambda: len(collector.values) >= sent)
        statistics = subscriber.statistics()
    assert collector.values == numbers(range(1, sent + 1))
    assert not [message for message in collector.messages if isinstance(message, Resynchronised)]
    assert statistics.connections == KILLS + 1
    assert (statistics.chain.losses, statistics.chain.restarts, statistics.chain.gaps) == (0, 0, 0)


async def test_what_was_accepted_and_stored_outlives_a_kill_unnoticed(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    """Acknowledged before it was stored: the next broadcaster has to know that nothing is missing."""
    process = broadcaster_process(data_dir=tmp_path, durability="accepted")
    await process.start()
    async with open_subscriber(process.url, [{"metric": "a"}]) as subscriber, open_producer(process.url) as producer:
        collector = Collector(subscriber)
        await collector.until_live()
        await producer.send("a", 1.0)
        await collector.until(lambda: len(collector.values) == 1)
        async with httpx.AsyncClient() as http:

            async def stored() -> bool:
                return "streamgauge_stored_batches_total 1.0" in (await http.get(f"{process.http_url}/metrics")).text

            await eventually(stored, 20)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await process.start()
        await producer.send("a", 2.0)
        await collector.until(lambda: len(collector.values) == 2)
    assert collector.values == numbers(range(1, 3))
    assert not [message for message in collector.messages if isinstance(message, Resynchronised)]
