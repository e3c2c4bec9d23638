import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcaster.store.codec import DamagedError
from broadcaster.store.file import NAME, StoreFile, damaged, set_aside
from broadcaster.store.units import Batch, Place, SeriesRow, Unit


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StoreFile]:
    opened = StoreFile(tmp_path, "accepted")
    opened.begin(Place("e", 0, 1))
    yield opened
    opened.close()


def unit(*seqs: int, size: int = 10, time: float = 100.0) -> Unit:
    return Unit(1, [Batch(seq, time, 1, bytes(size)) for seq in seqs])


def seqs(file: StoreFile) -> list[int]:
    return [batch.seq for batch in file.batches(0)]


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path, file: StoreFile) -> None:
    rows: list[SeriesRow] = [(7, "a", '{"x":"y"}', "gauge", "s", None)]
    assert file.write([unit(1, 2), Unit(2, [Batch(3, 105.0, 4, b"x")], rows, [], [("p", 9, "[8]", 1.0)])]) == 3
    file.close()
    again = StoreFile(tmp_path, "committed")
    assert (again.epoch, again.seq, again.next_key, again.lost_seq, again.clean) == ("e", 3, 8, 0, False)
    assert list(again.batches(3)) == [Batch(3, 105.0, 4, b"x")]
    assert list(again.series()) == [(rows[0], None)]
    assert list(again.producers()) == [("p", 9, "[8]", 1.0)]
    again.end()
    again.close()
    ended = StoreFile(tmp_path, "committed")
    assert ended.clean
    ended.begin(Place("e", 3, 8))
    assert not ended.clean
    ended.close()


def test_a_transaction_that_fails_leaves_nothing(file: StoreFile) -> None:
    file.write([unit(1)])
    with pytest.raises(sqlite3.IntegrityError):
        file.write([unit(2), unit(1)])
    assert (seqs(file), file.seq) == ([1], 1)
    file.write([unit(2)])
    assert (seqs(file), file.seq, file.lost_seq) == ([1, 2], 2, 0)


def test_a_hole_is_known(file: StoreFile) -> None:
    file.write([unit(1), unit(4, 5)])
    assert (file.seq, file.lost_seq) == (5, 3)


def test_old_batches_and_series_go(file: StoreFile) -> None:
    file.write([unit(*range(1, 301), time=10.0), unit(301, time=20.0)])
    file.write([Unit(2, [], [(1, "a", "{}", "gauge", None, None)], [(300, 1)], [("p", 1, "[]", 5.0)])])
    assert file.trim(15.0, 0, 6.0)
    assert (seqs(file)[0], len(list(file.series())), list(file.producers())) == (201, 1, [])
    assert file.trim(15.0, 0, 0.0)
    assert (seqs(file), list(file.series())) == ([301], [])
    assert not file.trim(15.0, 0, 0.0)


def test_what_is_too_much_goes_the_oldest_first(file: StoreFile) -> None:
    for seq in range(1, 101):
        file.write([unit(seq, size=20_000)])
    before = file.bytes
    while file.trim(0.0, before // 2, 0.0):
        pass
    assert file.bytes <= before // 2
    assert 35 < len(seqs(file)) < 55
    assert seqs(file)[-1] == 100


def test_a_file_that_is_none_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all" * 1000)
    with pytest.raises(DamagedError):
        StoreFile(tmp_path, "accepted")
    aside = set_aside(tmp_path, 0.0)
    assert aside.name == f"{NAME}.aside-19700101T000000Z"
    assert aside.read_bytes().startswith(b"no database")
    (tmp_path / NAME).write_bytes(b"again")
    assert set_aside(tmp_path, 0.0).name.endswith("Z-2")
    StoreFile(tmp_path, "accepted").close()


def test_a_damaged_page_is_found(tmp_path: Path, file: StoreFile) -> None:
    for seq in range(1, 50):
        file.write([unit(seq, size=20_000)])
    file.close()
    content = bytearray((tmp_path / NAME).read_bytes())
    content[16_384 * 2 : 16_384 * 12] = b"\xff" * 16_384 * 10
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(DamagedError):
        StoreFile(tmp_path, "accepted")


def test_a_full_disk_is_no_damage(file: StoreFile) -> None:
    file._sql.execute("PRAGMA max_page_count = 20").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        file.write([unit(1, size=1_000_000)])
    assert not damaged(caught.value)
    file.write([unit(1)])
    assert seqs(file) == [1]
