"""A trio program: two sensors as tasks; one sends single samples, the other columns."""

import math
import sys
import time

import trio

from ingest import Producer, open_producer


async def thermometer(producer: Producer) -> None:
    for n in range(50):
        await producer.send("bench.temperature", 20 + math.sin(n / 10), unit="Cel", sensor="t1")
        await trio.sleep(0.1)


async def vibration(producer: Producer) -> None:
    for _ in range(10):
        await trio.sleep(0.5)
        times = [time.time() - 0.5 + n / 1000 for n in range(500)]
        await producer.send_many("bench.vibration", times, [math.sin(40 * t) for t in times], unit="m/s2", sensor="v1")


async def main(url: str) -> None:
    async with open_producer(url) as producer:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(thermometer, producer)
            nursery.start_soon(vibration, producer)
        await producer.flush()
        print(producer.statistics())


if __name__ == "__main__":
    trio.run(main, sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765")
