"""An ordinary program: every thread uses the same producer, and a full buffer makes them wait rather than lose."""

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ingest import BlockingProducer, connect


def work(producer: BlockingProducer, worker: int) -> None:
    for _ in range(100):
        begun = time.perf_counter()
        time.sleep(random.uniform(0.005, 0.05))
        producer.send("job.duration", time.perf_counter() - begun, unit="s", worker=worker)
    producer.event("job.done", f"worker {worker} is done")


def main(url: str) -> None:
    with connect(url, on_full="block") as producer, ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work, producer, worker) for worker in range(8)]:
            future.result()
        producer.flush()
        print(producer.statistics())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765")
