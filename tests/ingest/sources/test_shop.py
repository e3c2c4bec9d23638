from itertools import islice

from ingest.sources.shop import ROUTES, Observation, steps


def flat(seed: int, seconds: int, rate_hz: float = 10.0) -> list[Observation]:
    return [each for step in islice(steps(seed, rate_hz), int(seconds * rate_hz)) for each in step]


def test_the_seed_says_it_all() -> None:
    assert flat(7, 60) == flat(7, 60) != flat(8, 60)


def test_there_is_something_to_see_in_two_minutes() -> None:
    for seed in range(10):
        seen = flat(seed, 120)
        assert any(each.metric == "shop.deploys" for each in flat(seed, 10))
        alarms = [str(each.value) for each in seen if each.metric == "shop.alarms"]
        assert any("requests fail" in text for text in alarms) and any("recovered" in text for text in alarms)


def test_the_figures_are_plausible() -> None:
    for step in islice(steps(7, 10.0), 3000):
        by = {(each.metric, *each.tags.values()): each.value for each in step if not isinstance(each.value, str)}
        latency = [by["shop.latency", quantile] for quantile in ("p50", "p95", "p99")]
        assert 10 < latency[0] < latency[1] < latency[2] < 5000
        for route in ROUTES:
            assert 0 <= by["shop.errors", route] <= by["shop.requests", route] < 200
