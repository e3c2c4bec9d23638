"""What waits for the disk counts as much as it takes in memory."""

import sys
from pathlib import Path

import orjson
import pytest

from broadcaster.store.units import Batch, ProducerRow, SeriesRow, Unit
from ingest.samples import Series
from tests.broadcaster.store.keeping import Kept

IDS = list(range(10**17, 10**17 + 2_000, 2))  # as many as are remembered of a producer
PRODUCER: ProducerRow = ("p" * 36, 10**17, orjson.dumps(IDS).decode(), 1.5)
TAGS = orjson.dumps({f"key{number}": "\U0001f600" + "x" * 255 for number in range(16)}).decode()
SERIES: list[SeriesRow] = [
    (1_000, "a", "{}", "gauge", None, None),
    (1_001, "m" * 255, TAGS, "gauge", "s", "\U0001f600" + "h" * 999),
    (1_002, "n", "{}", "gauge", "\u00e9" * 64, "h" * 1_000),
]
BATCH = Batch(1_000, 1.5, 300, bytes(100), 2.5, 3.5)
UNITS = {
    "nothing": Unit(1_000),
    "a batch": Unit(1_000, [BATCH]),
    "a large batch": Unit(1_000, [Batch(1_000, 1.5, 300, bytes(100_000), 2.5, 3.5)]),
    "series": Unit(1_000, [BATCH], SERIES),
    "refused ids": Unit(1_000, [BATCH], [], [], [PRODUCER]),
    "forgotten series": Unit(1_000, [BATCH], [], [(number, number) for number in range(1_000, 2_000)]),
}


def taken(part: object) -> int:
    """With all that is in it, and without what CPython keeps in front of an object for its collector."""
    if isinstance(part, Unit):
        inside = [part.batches, part.series, part.gone, part.producers, part.number]
        return sys.getsizeof(part) + sum(map(taken, inside))
    if isinstance(part, Batch):
        inside = [part.seq, part.time, part.samples, part.data, part.low, part.high]
        return sys.getsizeof(part) + sum(map(taken, inside))
    inside = list(part) if isinstance(part, list | tuple) else []
    return sys.getsizeof(part) + sum(map(taken, inside))


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_counts_as_much_as_it_takes(name: str) -> None:
    unit = UNITS[name]
    assert taken(unit) <= unit.bytes <= 2 * taken(unit)


def test_refused_ids_fill_the_queue_of_a_disk_that_hangs(tmp_path: Path) -> None:
    world = Kept(tmp_path, queue_bytes=1_000_000)
    account = world.shared.ledger.account("p", world.clock.now)
    for id in IDS:
        account.refuse(id)
    for _ in range(100):
        world.recorder.touched("p", account)
        world.publish("a", 1.0)
        world.flush()
    waiting = world.writer.queued
    assert 20 <= waiting <= 26, "of 39 KB each"
    assert world.recorder.lost_batches == 100 - waiting
    assert world.writer.progress.queued_bytes == sum(unit.bytes for unit in world.writer._queue) <= 1_000_000


def test_what_was_counted_is_given_back(tmp_path: Path) -> None:
    world = Kept(tmp_path)
    record = world.history.add(Series("b", (("host", "\u20ac" * 256),)), None)
    record.describe(None, "s", "\U0001f600" * 1_000)
    world.recorder.described(record)
    world.publish("a", 1.0)
    world.flush()
    assert world.writer.progress.queued_bytes > 8_000
    world.commit()
    assert world.writer.progress.queued_bytes == 0
