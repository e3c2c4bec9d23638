from dataclasses import dataclass

import pytest

from broadcaster import errors
from broadcaster.config import BroadcasterConfig
from broadcaster.patience import Patience


@dataclass
class Connection:
    useful: bool = False
    held: int | None = None

    def stuck(self) -> int | None:
        return self.held


def patience(idle_s: float = 10.0, write_s: float = 5.0) -> Patience:
    return Patience(BroadcasterConfig(idle_s=idle_s, write_s=write_s), 100.0)


def test_of_no_use_in_time() -> None:
    mine, connection = patience(), Connection()
    assert mine.ends(connection, 109.9) is None
    assert mine.ends(connection, 110.0) == ("idle", errors.IDLE)


def test_useful_once_is_enough() -> None:
    mine, connection = patience(), Connection(useful=True)
    assert mine.ends(connection, 101.0) is None
    connection.useful = False
    assert mine.ends(connection, 1e6) is None


def test_who_takes_nothing_of_what_waits() -> None:
    mine, connection = patience(), Connection(useful=True, held=4_000)
    assert [mine.ends(connection, now) for now in (200.0, 204.9)] == [None, None]
    assert mine.ends(connection, 205.0) == ("write_time", errors.TOO_SLOW)


@pytest.mark.parametrize("held", [3_999, 4_001, None])
def test_who_takes_anything_has_all_of_the_time_again(held: int | None) -> None:
    mine, connection = patience(), Connection(useful=True, held=4_000)
    mine.ends(connection, 200.0)
    connection.held = held
    assert mine.ends(connection, 204.0) is None
    connection.held = 4_000
    assert [mine.ends(connection, now) for now in (208.0, 212.9)] == [None, None]
    assert mine.ends(connection, 213.0) is not None


def test_nothing_waits_for_as_long_as_it_likes() -> None:
    mine, connection = patience(), Connection(useful=True)
    assert [mine.ends(connection, now) for now in (200.0, 300.0, 400.0)] == [None] * 3


def test_no_bounds() -> None:
    mine, connection = patience(idle_s=0, write_s=0), Connection(held=1)
    assert [mine.ends(connection, now) for now in (200.0, 1e6)] == [None, None]


def test_for_how_long_nothing_was_taken() -> None:
    mine, connection = patience(), Connection(useful=True, held=4_000)
    mine.ends(connection, 200.0)
    assert mine.motionless_s(203.0) == 3.0
    connection.held = 3_000
    mine.ends(connection, 204.0)
    assert mine.motionless_s(204.5) == 0.5
    for all_taken in (0, None):
        connection.held = all_taken
        mine.ends(connection, 205.0)
        assert mine.motionless_s(209.0) == 0.0
