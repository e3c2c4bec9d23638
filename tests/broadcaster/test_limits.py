import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.limits import Overrun, TokenBucket, rounded
from tests.broadcaster.frame_parts import QUICK


def test_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(2.0, 4.0, 100.0)
    assert [bucket.take(1, 100.0) for _ in range(5)] == [True] * 4 + [False]
    assert [bucket.take(1, 100.5), bucket.take(1, 100.5)] == [True, False]
    assert [bucket.take(1, 200.0) for _ in range(5)] == [True] * 4 + [False]


def test_more_than_the_burst_is_allowed_once_and_paid_back() -> None:
    bucket = TokenBucket(10.0, 10.0, 0.0)
    assert bucket.take(30, 0.0)
    assert not bucket.take(1, 2.0)
    assert bucket.take(1, 2.1)


def test_a_rate_of_0_is_no_bound() -> None:
    bucket = TokenBucket(0, 0, 0.0)
    assert all(bucket.take(10**9, 0.0) for _ in range(3))


def test_what_is_affordable_can_be_taken_in_parts() -> None:
    bucket = TokenBucket(2.0, 4.0, 0.0)
    assert [bucket.affords(5, 0.0), bucket.affords(4, 0.0)] == [False, True]
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True] * 4
    assert [bucket.affords(1, 0.0), bucket.affords(1, 0.5), bucket.affords(2, 0.5)] == [False, True, False]
    assert TokenBucket(0, 0, 0.0).affords(10**9, 0.0)


def test_a_slow_rate_allows_its_burst() -> None:
    bucket = TokenBucket(0.1, 0.5, 0.0)
    assert [bucket.take(1, 0.0), bucket.take(1, 4.9), bucket.take(1, 10.1)] == [True, False, True]


@QUICK
@given(
    st.floats(1, 100),
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 50)), max_size=30),
)
def test_on_average_no_more_than_the_rate(rate: float, asks: list[tuple[float, int]]) -> None:
    bucket, now, taken = TokenBucket(rate, rate, 0.0), 0.0, 0.0
    for after, amount in asks:
        now += after
        if bucket.take(amount, now):
            taken += amount
    assert taken <= rate + now * rate + 50  # the burst, the rate, and one amount on credit


ASKS = st.lists(st.tuples(st.floats(0, 2), st.integers(0, 50)), max_size=30)


@QUICK
@given(st.floats(0.1, 100), st.floats(0.1, 100), ASKS)
def test_one_by_one_never_more_than_the_rate_and_the_burst(
    rate: float, burst: float, asks: list[tuple[float, int]]
) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
    for after, amount in asks:
        now += after
        taken += sum(bucket.take(1, now) for _ in range(amount))
        assert taken <= max(burst, 1) + rate * now + 1e-6


@QUICK
@given(st.floats(0.1, 100), st.floats(0.1, 100), ASKS)
def test_what_is_affordable_never_exceeds_the_rate_and_the_burst(
    rate: float, burst: float, asks: list[tuple[float, int]]
) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
    for after, amount in asks:
        now += after
        if bucket.affords(amount, now):
            bucket.spend(amount)
            taken += amount
        assert taken <= burst + rate * now + 1e-6


@QUICK
@given(st.floats(0.1, 100), st.floats(0.1, 100), ASKS, st.integers(1, 50))
def test_whoever_waits_as_long_as_told_has_waited_just_long_enough(
    rate: float, burst: float, asks: list[tuple[float, int]], amount: int
) -> None:
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    for after, asked in asks:
        now += after
        bucket.take(asked, now)
    wait_s = bucket.wait_s(amount, now)
    if wait_s > 0.001:
        assert not bucket.take(amount, now + wait_s - 0.001)
    assert bucket.take(amount, now + wait_s + 1e-6)


@pytest.mark.parametrize(("wait_s", "told"), [(0.01, 0.1), (0.1, 0.2), (0.42, 0.5), (29.99, 30.0), (3.0, 3.1)])
def test_a_wait_is_told_in_tenths_and_a_little_more(wait_s: float, told: float) -> None:
    assert rounded(wait_s) == told


@pytest.mark.parametrize("quiet_s", [0.5, 1.0])
def test_an_overrun_lasts_while_refusals_follow_each_other(quiet_s: float) -> None:
    overrun = Overrun(quiet_s)
    assert overrun.refused(100.0) == 0.0
    assert overrun.refused(100.0 + quiet_s) == quiet_s
    assert overrun.refused(100.0 + 2 * quiet_s) == 2 * quiet_s
    assert overrun.refused(101.0 + 3 * quiet_s) == 0.0
