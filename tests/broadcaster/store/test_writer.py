"""The thread, with a real file."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broadcaster.store import writer as module
from broadcaster.store.file import NAME, StoreFile
from broadcaster.store.parts import RAW
from broadcaster.store.units import Batch, Place, Unit
from broadcaster.store.writer import Bounds, Writer
from tests.broadcaster.store.thinkit import put

START = Place("e", 0, 1)
ALL = Unit(0, [], [(1, "a", "{}", "gauge", None, None)], [], [("p", 1, "[]", 9e9)])


def unit(seq: int, size: int = 10) -> Unit:
    return Unit(seq, [Batch(seq, 9e9, 1, bytes(size))])


class Kit:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._news = threading.Condition()
        bounds = Bounds(0.0, 0, 10_000_000, 600.0)
        self.writer = Writer(directory, self.open, bounds, START, self._told)

    def open(self) -> StoreFile:
        return StoreFile(self.directory, "accepted")

    def begin(self) -> StoreFile:
        file = self.open()
        file.begin(START)
        self.writer.start(file, begun=True)
        return file

    def _told(self) -> None:
        with self._news:
            self._news.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(true, 10)

    def stored(self, number: int) -> None:
        self.until(lambda: self.writer.progress.stored >= number)

    def seqs(self) -> list[int]:
        file = self.open()
        found = [batch.seq for batch in file.batches(0)]
        file.close()
        return found

    def aside(self) -> list[Path]:
        return [path for path in self.directory.glob(f"{NAME}.aside-*") if not path.name.endswith(("-wal", "-shm"))]


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    made = Kit(tmp_path)
    yield made
    made.writer.stop(0, -1)


def test_units_are_written_and_the_end_is_clean(kit: Kit) -> None:
    kit.begin()
    for seq in range(1, 6):
        assert kit.writer.submit(unit(seq))
    kit.stored(5)
    assert kit.writer.stop(5, 5)
    assert (kit.seqs(), kit.writer.progress.batches, kit.writer.progress.queued_bytes) == ([1, 2, 3, 4, 5], 5, 0)
    assert kit.open().clean


def test_an_end_without_the_last_batch_is_not_clean(kit: Kit) -> None:
    kit.begin()
    kit.writer.submit(unit(1))
    assert not kit.writer.stop(5, 2)
    assert not kit.open().clean


def test_what_came_during_a_commit_goes_into_the_next(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    file, commits, going = kit.open(), list[int](), threading.Event()
    write = file.write

    def slow(units: list[Unit]) -> int:
        going.wait(5)
        commits.append(len(units))
        return write(units)

    monkeypatch.setattr(file, "write", slow)
    file.begin(START)
    kit.writer.start(file, begun=True)
    for seq in range(1, 12):
        kit.writer.submit(unit(seq))
    going.set()
    kit.stored(11)
    assert len(commits) <= 2
    assert sum(commits) == 11


def test_a_full_queue_takes_nothing_more(kit: Kit) -> None:
    kit.writer.submit(unit(1, 9_000_000))
    assert not kit.writer.submit(unit(2, 2_000_000))
    assert kit.writer.submit(unit(3, 500_000))
    kit.begin()


def test_a_full_disk_is_tried_again(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    file = kit.open()
    file.begin(START)
    file._sql.execute("PRAGMA max_page_count = 20").fetchall()
    kit.writer.start(file, begun=True)
    kit.writer.submit(unit(1, 1_000_000))
    kit.until(lambda: kit.writer.progress.failing)
    kit.writer.submit(unit(2))
    file._sql.execute("PRAGMA max_page_count = 100000").fetchall()
    kit.stored(2)
    assert not kit.writer.progress.failing
    assert [record.getMessage() for record in caplog.records] == [
        "the history cannot be stored",
        "the history is stored again",
    ]
    assert "full" in caplog.records[0].__dict__["problem"]
    assert kit.writer.stop(5, 2)
    assert kit.seqs() == [1, 2]


def test_a_file_that_breaks_is_set_aside_and_a_new_one_knows_all(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    file = kit.begin()
    kit.writer.submit(unit(1))
    kit.stored(1)
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def broken(units: object) -> int:
        raise error

    monkeypatch.setattr(file, "write", broken)
    kit.writer.submit(unit(2))
    kit.until(lambda: kit.writer.progress.wants_all)
    kit.writer.tell_all(ALL)
    kit.stored(2)
    assert kit.writer.stop(5, 2)
    (aside,) = kit.aside()
    new = kit.open()
    assert (new.epoch, new.seq, new.lost_seq, len(list(new.series()))) == ("e", 2, 1, 1)
    assert kit.seqs() == [2]
    assert aside.stat().st_size > 0


def test_a_file_of_another_life_is_set_aside(kit: Kit) -> None:
    """It could not be opened at the start, so nobody knows what is in it."""
    other = kit.open()
    other.begin(Place("other", 5, 1))
    other.close()
    kit.writer.start(None, begun=False)
    kit.writer.submit(unit(1))
    kit.until(lambda: kit.writer.progress.wants_all)
    kit.writer.tell_all(ALL)
    kit.stored(1)
    assert kit.writer.stop(5, 1)
    assert (len(kit.aside()), kit.open().epoch) == (1, "e")


def filled(directory: Path, *, at: float) -> StoreFile:
    """Two windows of batches that came at that time."""
    file = StoreFile(directory, "accepted")
    file.begin(START)
    for second in range(0, 1_200, 10):
        put(file, at + second, {1: ([at + second + part for part in range(10)], [float(part) for part in range(10)])})
    return file


def test_old_data_is_thinned_when_nothing_waits(tmp_path: Path, kit: Kit) -> None:
    kit.writer._bounds = replace(kit.writer._bounds, ages=((1, 3_600.0), (10, 86_400.0)))
    file = filled(tmp_path, at=time.time() // 600 * 600 - 10_200)
    kit.writer.start(file, begun=True)
    number = 0
    while not (RAW in kit.writer.progress.held and not kit.writer.progress.held[RAW].slots):
        number += 1
        kit.writer.submit(Unit(number, [], ALL.series))
        kit.stored(number)
    assert kit.writer.progress.thinned == 2
    assert kit.writer.progress.held[1].slots == 1_200
    assert not kit.writer.progress.failing
    assert kit.writer.stop(5, 120)


def test_detail_goes_before_data_does(tmp_path: Path, kit: Kit) -> None:
    """A file that is nearly full is thinned early, as far as what is restored allows."""
    file = filled(tmp_path, at=time.time() // 600 * 600 - 10_200)
    for second in range(0, 1_200, 10):
        put(file, time.time() - 3_000 + second / 10, {1: ([float(second)], [1.0])})
    ages = ((1, 86_400.0), (60, 864_000.0))
    kit.writer._bounds = replace(kit.writer._bounds, bytes=int(file.bytes / 0.96), ages=ages, raw_s=3_600.0)
    kit.writer.start(file, begun=True)
    number = 0
    while kit.writer.progress.thinned < 1:
        number += 1
        kit.writer.submit(Unit(number, [], ALL.series))
        kit.stored(number)
    assert kit.writer.stop(5, 240)
    assert kit.writer.progress.held[60].slots >= 1, "what is old goes to the coarsest step at once"
    assert 120 <= len(kit.seqs()) < 240, "what is younger than an hour stays as it came"


def test_what_cannot_be_thinned_is_kept_and_no_failure(
    tmp_path: Path, kit: Kit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THIN_RETRY_S", 0.0)
    kit.writer._bounds = replace(kit.writer._bounds, ages=((1, 3_600.0),))
    file = filled(tmp_path, at=time.time() // 600 * 600 - 10_200)
    file._sql.execute("CREATE TRIGGER no BEFORE INSERT ON thinned BEGIN SELECT raise(ABORT, 'no'); END")
    kit.writer.start(file, begun=True)
    for number in range(1, 6):
        kit.writer.submit(Unit(number, [], ALL.series))
        kit.stored(number)
    assert not kit.writer.progress.failing
    assert kit.writer.stop(5, 120)
    assert len(kit.seqs()) == 120
    assert {record.getMessage() for record in caplog.records} <= {"the stored history cannot be thinned"}
    assert len(caplog.records) <= 1
