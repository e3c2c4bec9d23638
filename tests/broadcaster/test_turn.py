"""How much of one client is worked on at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.turn import (
    BYTES_FIRST,
    BYTES_MAX,
    BYTES_MIN,
    OVER_TURN_S,
    REST_MAX_S,
    REST_MIN_S,
    REST_RATIO,
    TURN_S,
    Turn,
)


def worked(turn: Turn, seconds_per_byte: float, times: int = 20) -> float:
    """Turns of a client whose bytes all cost the same; returns how long the last one took."""
    seconds = 0.0
    for _ in range(times):
        seconds = turn.bytes * seconds_per_byte
        turn.took(turn.bytes, seconds)
    return seconds


def test_who_costs_little_is_read_in_large_pieces() -> None:
    turn = Turn()
    assert turn.bytes == BYTES_FIRST
    worked(turn, 1e-9)
    assert turn.bytes == BYTES_MAX


def test_who_costs_much_has_short_turns() -> None:
    turn = Turn()
    worked(turn, 1e-9)
    turn.took(BYTES_MAX, 20 * TURN_S)
    assert turn.bytes == BYTES_MAX // 20, "at once, not step by step"
    assert TURN_S / 4 <= worked(turn, TURN_S / 8_000) <= TURN_S


def test_who_sends_more_than_it_may_has_shorter_ones() -> None:
    turn = Turn()
    turn.took(8_000, TURN_S, over=True)
    assert turn.bytes == 8_000 * OVER_TURN_S / TURN_S


def test_one_large_message_in_many_pieces_makes_no_small_ones_of_them_for_long() -> None:
    turn = Turn()
    turn.took(10, 30 * TURN_S)  # the last piece, with which all of it was worked on
    assert turn.bytes == BYTES_MIN
    worked(turn, 0.0, 5)
    assert turn.bytes == BYTES_MAX


def test_a_little_that_took_no_time_says_nothing_of_more() -> None:
    turn = Turn()
    for _ in range(20):
        turn.took(60, 2e-6)
    assert turn.bytes == BYTES_FIRST


def test_a_rest_is_in_proportion() -> None:
    turn = Turn()
    assert turn.rest_s == REST_MIN_S
    turn.took(4_096, TURN_S)
    assert turn.rest_s == pytest.approx(REST_RATIO * TURN_S)
    turn.took(4_096, 1.0)
    assert turn.rest_s == REST_MAX_S


@given(st.lists(st.tuples(st.integers(0, BYTES_MAX), st.floats(0, 10))))
def test_bounds_hold(turns: list[tuple[int, float]]) -> None:
    turn = Turn()
    for size, seconds in turns:
        turn.took(size, seconds)
        assert BYTES_MIN <= turn.bytes <= BYTES_MAX
        assert REST_MIN_S <= turn.rest_s <= REST_MAX_S
