from ingest.backoff import Backoff


def highest(low: float, high: float) -> float:
    return high


def test_the_ceiling_doubles_and_stays() -> None:
    backoff = Backoff(highest)
    assert [backoff.failed(0.0) for _ in range(7)] == [1, 2, 4, 8, 30, 30, 30]
    assert backoff.exhausted and backoff.failures == 7


def test_delays_are_spread_from_zero() -> None:
    assert Backoff(lambda low, high: low).failed(0.0) == 0


def test_only_a_healthy_connection_starts_afresh() -> None:
    backoff = Backoff(highest)
    backoff.failed(0.0)
    backoff.connected(1.0)
    assert backoff.failed(30.9) == 2
    backoff.connected(40.0)
    assert backoff.failed(70.0) == 1
