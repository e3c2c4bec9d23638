"""A program that repeats after a crash what may not have arrived: run as URL PRODUCER_ID FIRST LAST.

Portion n is ten samples in one message with the id n; its number is printed when it has been acknowledged.
"""

import sys
from uuid import UUID

import trio

from ingest import open_producer

PORTION = 10


async def main(url: str, id: str, first: int, last: int) -> None:
    options = {"producer_id": UUID(id), "first_id": first, "batch_samples": PORTION}
    async with open_producer(url, **options) as producer:  # type: ignore[arg-type]
        for portion in range(first, last):
            numbers = [float(portion * PORTION + index) for index in range(PORTION)]
            await producer.send_many("a", numbers, numbers)
            await producer.flush()
            print(portion, flush=True)
            await trio.sleep(0.005)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
