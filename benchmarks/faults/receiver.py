"""A subscriber as a process of its own, and all that it was told: python -m benchmarks.faults.receiver, see `main`.

Each line is written before the next message is taken. A record that is there already is taken up from its last cursor.
"""

import argparse
import random
from pathlib import Path
from typing import Any

import orjson
import trio

from benchmarks.faults.sender import METRIC, Record
from broadcaster.subscriber import open_subscriber
from broadcaster.subscription import GapReported, Message, Resynchronised, Samples, StateChanged


def line_of(message: Message) -> dict[str, Any] | None:
    match message:
        case Samples():
            how = "backfill" if message.backfill else "conflated" if message.conflated else "live"
            of = []
            for column in message.columns:
                tags = dict(column.of.series.tags)
                of.append([tags["producer"], tags["lane"], [int(value) for value in column.values]])  # type: ignore[arg-type]  # no nulls
            return {"is": "samples", "how": how, "cursor": message.cursor, "of": of}
        case GapReported():
            return {"is": "gap", "announced": message.announced, "samples": message.samples}
        case Resynchronised():
            return {"is": "again", "epoch_changed": message.epoch_changed}
        case StateChanged():
            return {"is": "state", "state": message.state, "reason": message.reason}
    return None


def last_cursor(path: Path) -> str | None:
    if not path.exists():
        return None
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return next((line["cursor"] for line in reversed(lines) if line.get("cursor")), None)


async def run(given: argparse.Namespace) -> None:
    cursor = last_cursor(given.record)
    record = Record(given.record)
    record.write({"is": "process"})
    async with open_subscriber(
        given.url,
        [{"metric": METRIC}],
        history_s=0.0 if cursor else 3600.0,
        resume=cursor,
        overflow=given.overflow,
        client="receiver",
    ) as subscriber:
        async for message in subscriber:
            if line := line_of(message):
                record.write(line)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.faults.receiver")
    parser.add_argument("url")
    parser.add_argument("record", type=Path)
    parser.add_argument("--overflow", default="drop_oldest")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random.seed(given.seed)
    trio.run(run, given)


if __name__ == "__main__":
    main()
