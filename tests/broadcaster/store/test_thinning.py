import logging
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcaster.store import thinning as module
from broadcaster.store.file import NAME, StoreFile
from broadcaster.store.thinning import Thinning, pressed
from broadcaster.store.units import Batch, Place, Unit
from tests.broadcaster.store.thinkit import ALL, LATER, crash, opened, put, steps, thin, thin_all, totals

ONE = ((1, 0.0),)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StoreFile]:
    made = opened(tmp_path)
    yield made
    made.close()


def fill(file: StoreFile, seconds: int = 1_300, series: int = 3) -> None:
    """Ten samples a second of each series, some late, and an event now and then."""
    for second in range(seconds):
        late = 300.0 if second % 50 == 0 else 0.0
        times = [second + part / 10 - late for part in range(10)]
        columns: dict[int, tuple[list[float], list[float | str | None]]] = {
            key: (times, [None if part == 3 else float(second * key + part) for part in range(10)])
            for key in range(1, series + 1)
        }
        if second % 100 == 0:
            columns[99] = [float(second)], [f"text {second}"]
        put(file, float(second), columns)


def test_nothing_is_lost_from_step_to_step(file: StoreFile) -> None:
    fill(file)
    before = totals(file._sql)
    assert (before[1].count, len(before[99].texts)) == (1_300 * 9, 13)
    for ages, least in ((ONE, 1), (ALL[:2], 10), (ALL, 60)):
        thin_all(file, ages)
        assert totals(file._sql) == before
        assert set(steps(file)) == {least}
    assert steps(file)[60] < 3 * 60 + 13
    assert list(file.batches(0)) == []


@pytest.mark.parametrize(
    ("share", "ages"),
    [(0.2, [10.0, 110.0]), (0.7, [10.0, 110.0]), (0.825, [10.0, 60.0]), (0.95, [10.0, 10.0]), (7, [10.0] * 2)],
)
def test_the_fuller_the_sooner_but_never_before_what_is_restored(share: float, ages: list[float]) -> None:
    assert [age for _, age in pressed([(1, 10.0), (60, 110.0)], 10.0, share)] == pytest.approx(ages)


def test_only_whole_windows_of_what_is_old_enough_are_thinned(file: StoreFile) -> None:
    fill(file, 1_300)
    thin_all(file, ((1, 100.0), (10, 500.0)), now=1_350.0)
    assert [batch.seq for batch in file.batches(0)] == list(range(1_201, 1_301))  # the window from 1,200 s on
    assert set(steps(file)) == {0, 1, 10}
    assert {step for (step,) in file._sql.execute("SELECT step FROM parts WHERE time < 600")} == {10}


def test_a_step_that_is_left_out_goes_to_the_next(file: StoreFile) -> None:
    fill(file, 601)
    before = totals(file._sql)
    thin_all(file, ((10, 0.0),), now=605.0)
    assert set(steps(file)) == {0, 10}
    assert totals(file._sql) == before
    assert not thin(file, (), LATER)


def test_more_than_goes_into_a_transaction_is_done_by_the_next(
    file: StoreFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOTS_AT_ONCE", 100)
    monkeypatch.setattr(module, "PARTS_AT_ONCE", 7)
    fill(file, 200, series=5)
    before, seen = totals(file._sql), set[frozenset[int]]()
    for ages in (ONE, ALL):
        while thin(file, ages):
            assert totals(file._sql) == before
            seen.add(frozenset(steps(file)))
    assert seen == {frozenset({0, 1}), frozenset({1}), frozenset({1, 60}), frozenset({60})}


def test_a_crash_at_any_moment_loses_and_doubles_nothing(
    file: StoreFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOTS_AT_ONCE", 500)
    monkeypatch.setattr(module, "PIECE", 20)
    fill(file, 60)
    before, number, going = totals(file._sql), 0, True
    while going:
        thinning = Thinning(file.parts, ALL, LATER)
        for _ in thinning.pieces():
            number += 1
            if number % 5 == 0:
                after = crash(file, tmp_path / str(number))
                assert totals(after._sql) == before
                after.close()
        going = thinning.done
        assert totals(file._sql) == before
    assert number > 20


def test_a_transaction_that_fails_leaves_all_as_it_was(file: StoreFile) -> None:
    fill(file, 50)
    before, held = totals(file._sql), steps(file)
    file._sql.execute("CREATE TRIGGER no BEFORE INSERT ON thinned BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        thin(file)
    assert (totals(file._sql), steps(file)) == (before, held)
    file._sql.execute("DROP TRIGGER no")
    thin_all(file)
    assert totals(file._sql) == before


def test_others_are_written_between_pieces(file: StoreFile) -> None:
    fill(file, 50)
    thinning = Thinning(file.parts, ONE, LATER)
    for number, _ in enumerate(thinning.pieces()):
        put(file, 50.0 + number / 1000, {1: ([50.0 + number], [1.0])})
    added = number + 1
    assert totals(file._sql)[1].count == 50 * 9 + added
    assert steps(file)[0] == added


def test_damaged_data_is_left_out_and_counted(file: StoreFile, caplog: pytest.LogCaptureFixture) -> None:
    fill(file, 20)
    file._sql.execute("UPDATE batches SET data = ? WHERE seq = 5", (b"nonsense" * 20,))
    thinning = Thinning(file.parts, ONE, LATER)
    list(thinning.pieces())
    assert (thinning.done, thinning.damaged, totals(file._sql)[1].count) == (True, 1, 19 * 9)
    file._sql.execute("UPDATE thinned SET data = ? WHERE key = 2", (b"nonsense" * 20,))
    merging = Thinning(file.parts, ALL, LATER)
    list(merging.pieces())
    assert (merging.done, merging.damaged, set(totals(file._sql))) == (True, 1, {1, 3, 99})
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_a_file_of_before_is_completed(tmp_path: Path) -> None:
    """Format 1 without the tables, and one that was used by a broadcaster that does not know them."""
    file = opened(tmp_path)
    fill(file, 30)
    before = totals(file._sql)
    for table in ("spans", "parts", "thinned"):
        file._sql.execute(f"DROP TABLE {table}")
    file.close()
    file = opened(tmp_path)
    assert not list(tmp_path.glob(f"{NAME}.aside*"))
    assert (totals(file._sql), steps(file)[0]) == (before, 30 * 30 + 1)
    file._sql.execute("DELETE FROM batches WHERE seq <= 5")
    file._sql.execute("DELETE FROM spans WHERE seq = 7")
    file.close()
    file = opened(tmp_path)
    before = totals(file._sql)
    thin_all(file)
    assert (before[1].count, totals(file._sql)) == (25 * 9, before)
    file.close()


def test_a_clock_that_went_back_thins_nothing_twice_and_all_in_the_end(file: StoreFile) -> None:
    for second in range(100):
        put(file, 1e9 + second, {1: ([float(second)], [1.0])})  # far in the future
    for second in range(100, 800):
        put(file, float(second), {1: ([float(second)], [1.0])})
    before = totals(file._sql)
    thin_all(file, now=1_000.0)
    assert steps(file) == {0: 800}, "it looks as if it were too new"
    file.correct(800.0)
    thin_all(file, ((1, 0.0), (10, 10_000.0)), now=1_300.0)
    assert (totals(file._sql), set(steps(file))) == (before, {1})
    thin_all(file, ((1, 0.0), (10, 10_000.0)), now=700.0)  # back again
    assert (totals(file._sql), set(steps(file))) == (before, {1})


def test_the_newest_of_a_part_says_how_old_it_is(file: StoreFile) -> None:
    fill(file, 1_300)
    thin_all(file, ONE)
    assert file.trim(600.0, 0, 0.0)
    assert not file.trim(600.0, 0, 0.0)
    assert totals(file._sql)[1].count == 700 * 9
    steps(file)


def test_the_oldest_goes_first_if_there_is_too_much(file: StoreFile) -> None:
    fill(file, 1_300)
    thin_all(file, ONE, now=700.0)
    assert set(steps(file)) == {0, 1}
    file.parts.correct(700.0)
    size = file.bytes
    assert file.trim(-math.inf, size - 1, 0.0)
    assert set(steps(file)) == {0}, "what is thinned is older than what is not"
    assert file.trim(-math.inf, 1, 0.0)
    assert next(file.batches(0)).seq > 601


def test_what_is_known_of_a_series_outlives_its_batches(file: StoreFile) -> None:
    put(file, 1.0, {1: ([1.0], [5.0])})
    put(file, 2.0, {2: ([2.0], [5.0])})
    file.write([Unit(1, [], [], [(2, 1)])])  # the first is forgotten
    thin_all(file, ONE)
    put(file, 10_000.0, {2: ([2.0], [5.0])})
    while file.trim(0.0, 0, 0.0):
        """Nothing is that old."""
    assert [row[0][0] for row in file.series()] == [2, 1]
    assert [row[0][0] for row in file.series(3)] == [2], "a restart needs only what may come back"
    while file.trim(5_000.0, 0, 0.0):
        """The part is."""
    assert [row[0][0] for row in file.series()] == [2]


def test_a_part_of_nothing_but_gaps_is_none(file: StoreFile) -> None:
    file.write([Unit(1, [Batch(1, 1.0, 0, b"nonsense")])])
    put(file, 2.0, {1: ([1.0], [None])})
    thin_all(file)
    assert (steps(file), list(file.batches(0))) == ({}, [])


def test_after_a_restart_thinned_batches_are_not_resumed_over(tmp_path: Path) -> None:
    file = opened(tmp_path)
    fill(file, 10)
    thin_all(file)
    assert (file.seq, next(file.newest(), None)) == (10, None)
    file.close()
    again = StoreFile(tmp_path, "accepted")
    again.begin(Place("e", again.seq, 1))
    assert (again.seq, again.lost_seq) == (10, 0)
    again.close()
