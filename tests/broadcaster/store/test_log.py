"""SQLite's log, which cannot be emptied while anybody reads."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from broadcaster.selection import parse_select
from broadcaster.store import file as module
from broadcaster.store import reader
from broadcaster.store.file import StoreFile, log_bytes
from broadcaster.store.reader import Query, Reading
from broadcaster.store.units import Place
from broadcaster.store.writer import Bounds, Writer
from ingest.messages import MessageError
from tests.broadcaster.store.thinkit import opened, put

MOST = 1_000_000


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreFile]:
    monkeypatch.setattr(module, "LOG_BYTES", MOST)
    monkeypatch.setattr(reader, "LOG_BYTES", MOST)
    made = opened(tmp_path)
    put(made, 0.0, {1: ([0.0], [1.0])})
    yield made
    made.close()


def reading(file: StoreFile, within_s: float = 60.0, stopped: Callable[[], bool] = lambda: False) -> Reading:
    query = Query(frozenset([parse_select("*")]), lambda metric: True, 0.0, 10.0, None, 1_000, 10)
    return Reading(file.path, query, within_s, stopped)


def fill(file: StoreFile) -> sqlite3.Connection:
    """Somebody reads, and meanwhile the log gets too large."""
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM batches").fetchall()
    at = 1.0
    while log_bytes(file.path.parent) <= MOST:
        put(file, at, {1: ([at], [1.0])})
        at += 1.0
    return other


def test_a_log_that_is_too_large_is_emptied_when_nobody_reads(file: StoreFile) -> None:
    other = fill(file)
    assert file.empty_log(), "there is more to do"
    assert log_bytes(file.path.parent) > MOST
    other.close()
    assert not file.empty_log()
    assert log_bytes(file.path.parent) == 0


def test_the_writer_empties_it(file: StoreFile, tmp_path: Path) -> None:
    writer = Writer(tmp_path, lambda: file, Bounds(0.0, 0, 1_000, 600.0), Place("e", 0, 1), lambda: None)
    other = fill(file)
    writer._stopping = True  # it does not wait
    writer._step(file)
    assert log_bytes(tmp_path) > MOST
    assert writer._rest_s <= 0.5, "it tries again soon"
    other.close()
    writer._emptied -= 1
    writer._step(file)
    assert log_bytes(tmp_path) == 0


def test_nobody_begins_to_read_before_it_was_emptied(file: StoreFile, monkeypatch: pytest.MonkeyPatch) -> None:
    other, waits = fill(file), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.close()
        file.empty_log()

    monkeypatch.setattr(time, "sleep", sleep)
    answer = orjson.loads(reading(file).answer())
    assert answer["series"][0]["times"] == list(range(10))
    assert waits == [reader.LOG_WAIT_S] * 3


def test_whoever_waits_too_long_for_that_is_told(file: StoreFile) -> None:
    other = fill(file)
    with pytest.raises(MessageError, match="history: the log of the store is over 1000000 bytes; ask again") as caught:
        reading(file, within_s=0.0).answer()
    assert caught.value.code == "busy"
    with pytest.raises(TimeoutError):
        reading(file, stopped=lambda: True).answer()
    other.close()
