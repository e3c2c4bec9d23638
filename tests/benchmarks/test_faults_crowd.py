"""What a subscriber of a crowd knows: exactly what comes next."""

from benchmarks.faults.crowd import Sums


def test_what_comes_next_is_right_and_nothing_else() -> None:
    sums = Sums(1)
    assert sums.take(7, [5, 6]) is None, "wherever it begins"
    assert sums.take(7, [7]) is None
    assert sums.take(7, [9]) == "9 came instead of 8"
    assert Sums(1).take(7, [1, 3]) == "2 numbers from 1 to 3"


def test_what_comes_twice_is_wrong() -> None:
    sums = Sums(1)
    sums.take(7, [5, 6])
    assert sums.take(7, [6]) == "6 came instead of 7"


def test_a_gap_is_left_out_exactly() -> None:
    sums = Sums(3)
    sums.take(7, [0, 3])
    sums.gap(2)
    assert (sums.take(7, [12]), sums.owed) == (None, 0)
    sums.gap(2)
    assert (sums.take(7, [18]), sums.owed) == (None, 1)


def test_series_share_what_a_gap_announced() -> None:
    sums = Sums(1)
    sums.take(1, [0])
    sums.take(2, [0])
    sums.gap(3)
    assert [sums.take(1, [2]), sums.take(2, [3])] == [None, None]
    assert sums.owed == 0


def test_a_resume_brings_again_what_came_since_the_cursor() -> None:
    sums = Sums(1)
    sums.take(1, [0, 1])
    sums.gap(5)
    sums.keep()
    sums.take(1, [2])
    sums.resumed()
    assert (sums.take(1, [2, 3]), sums.owed) == (None, 0)
    sums.settle()
    sums.resumed()
    assert sums.take(1, [4]) is None
