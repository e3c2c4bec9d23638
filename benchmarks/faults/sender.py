"""A producer as a process of its own, and what it knows of its samples: python -m benchmarks.faults.sender, see `main`.

Sample n has the value n and belongs to series n % LANES. A line is written when something has changed, so that what it
says was so even if the process is killed the next moment. SIGTERM ends it in good order.
"""

import argparse
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import orjson
import trio

from ingest import Producer, open_producer
from ingest.options import OnFull

METRIC = "fault.value"
LANES = 3
LOOK_S = 0.005
BURST_S = 0.01
FLUSH_S = 25.0
ON_FULL: OnFull = "block"


def told(producer: Producer) -> dict[str, Any]:
    now = producer.statistics()
    return {
        "state": now.state,
        "reason": now.reason,
        "sent": now.sent,
        "acked": now.acknowledged,
        "rejected": now.rejected,
        "dropped": now.dropped,
        "connections": now.connections,
    }


class Record:
    """Lines of JSON, each written at once and as a whole."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: dict[str, Any]) -> None:
        os.write(self._file, orjson.dumps({"t": time.monotonic(), **line}) + b"\n")


async def keep(producer: Producer, record: Record) -> None:
    last: dict[str, Any] = {}
    while True:
        if (now := told(producer)) != last:
            record.write(now)
            last = now
        await trio.sleep(LOOK_S)


async def send(producer: Producer, name: str, rate: float) -> None:
    """In bursts, at `rate` samples a second."""
    due, number = trio.current_time(), 0
    while True:
        burst = max(1, round(rate * BURST_S))
        for _ in range(burst):
            await producer.send(METRIC, number, producer=name, lane=number % LANES)
            number += 1
        due = max(due + burst / rate, trio.current_time() - 1)
        await trio.sleep_until(due)


async def run(given: argparse.Namespace) -> None:
    record = Record(given.record)
    async with open_producer(
        given.url, client=given.name, flush_interval_s=0.01, batch_samples=100, on_full=ON_FULL, flush_s=FLUSH_S
    ) as producer:
        with trio.open_signal_receiver(signal.SIGTERM) as ends:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(keep, producer, record)
                nursery.start_soon(send, producer, given.name, given.rate)
                async for _ in ends:
                    nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep, producer, record)
            with trio.move_on_after(FLUSH_S):
                await producer.flush()
            nursery.cancel_scope.cancel()
        record.write({**told(producer), "end": True})


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.faults.sender")
    parser.add_argument("url")
    parser.add_argument("name")
    parser.add_argument("record", type=Path)
    parser.add_argument("--rate", type=float, default=400.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random.seed(given.seed)  # of the schedule of reconnecting
    trio.run(run, given)


if __name__ == "__main__":
    main()
