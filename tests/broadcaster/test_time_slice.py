"""How much of one client is worked on at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.time_slice import (
    BYTES_FIRST,
    BYTES_MAX,
    BYTES_MIN,
    OVER_TURN_S,
    REST_MAX_S,
    REST_MIN_S,
    REST_RATIO,
    TURN_S,
    TimeSlice,
)


def worked(client: TimeSlice, seconds_per_byte: float, times: int = 20) -> float:
    """Turns of a client whose bytes all cost the same; returns how long the last one took."""
    seconds = 0.0
    for _ in range(times):
        seconds = client.bytes * seconds_per_byte
        client.took(client.bytes, seconds)
    return seconds


def test_who_costs_little_is_read_in_large_pieces() -> None:
    client = TimeSlice()
    assert client.bytes == BYTES_FIRST
    worked(client, 1e-9)
    assert client.bytes == BYTES_MAX


def test_who_costs_much_has_short_turns() -> None:
    client = TimeSlice()
    worked(client, 1e-9)
    client.took(BYTES_MAX, 20 * TURN_S)
    assert client.bytes == BYTES_MAX // 20, "at once, not step by step"
    assert TURN_S / 4 <= worked(client, TURN_S / 8_000) <= TURN_S


def test_who_sends_more_than_it_may_has_shorter_ones() -> None:
    client = TimeSlice()
    client.took(8_000, TURN_S, over=True)
    assert client.bytes == 8_000 * OVER_TURN_S / TURN_S


def test_one_large_message_in_many_pieces_makes_no_small_ones_of_them_for_long() -> None:
    client = TimeSlice()
    client.took(10, 30 * TURN_S)  # the last piece, with which all of it was worked on
    assert client.bytes == BYTES_MIN
    worked(client, 0.0, 5)
    assert client.bytes == BYTES_MAX


def test_a_little_that_took_no_time_says_nothing_of_more() -> None:
    client = TimeSlice()
    for _ in range(20):
        client.took(60, 2e-6)
    assert client.bytes == BYTES_FIRST


def test_a_rest_is_in_proportion() -> None:
    client = TimeSlice()
    assert client.rest_s == REST_MIN_S
    client.took(4_096, TURN_S)
    assert client.rest_s == pytest.approx(REST_RATIO * TURN_S)
    client.took(4_096, 1.0)
    assert client.rest_s == REST_MAX_S


@given(st.lists(st.tuples(st.integers(0, BYTES_MAX), st.floats(0, 10))))
def test_bounds_hold(turns: list[tuple[int, float]]) -> None:
    client = TimeSlice()
    for size, seconds in turns:
        client.took(size, seconds)
        assert BYTES_MIN <= client.bytes <= BYTES_MAX
        assert REST_MIN_S <= client.rest_s <= REST_MAX_S
