"""One client's limits together, without a client."""

from typing import Any

import pytest

from broadcaster.config import BroadcasterConfig
from broadcaster.limits import RateLimited
from broadcaster.quota import Quota
from broadcaster.refusals import Refusals
from broadcaster.subjects import Subjects


class House:
    def __init__(self, **settings: Any) -> None:
        self.subjects = Subjects(BroadcasterConfig(**settings))
        self.refusals = Refusals()

    def quota(self, name: str | None = None) -> Quota:
        quota = Quota(self.subjects, self.refusals, 0.0)
        quota.belongs_to(name, 0.0)
        return quota


def refused(quota: Quota, size: int, now: float) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        quota.pay(size, now)
    return caught.value


def test_messages_and_bytes_of_a_connection() -> None:
    house = House(messages_per_second=2, bytes_per_second=100)
    mine, other = house.quota(), house.quota()
    assert mine.pays(2, 40, 0.0)
    assert not mine.pays(1, 1, 0.0)
    problem = refused(mine, 10, 0.0)
    assert (problem.code, problem.after_s) == ("rate_limited", 0.5)
    assert problem.message == "messages: at most 2 a second from one connection: come again in 0.6 s"
    mine.pay(60, 0.5)
    assert "come again in 0.3 s" in refused(mine, 200, 0.8).message
    mine.pay(500, 2.0)
    assert refused(mine, 20, 3.0).message == (
        "bytes: at most 100 a second from one connection, got 20 more: come again in 3.1 s"
    )
    assert house.refusals.counts == mine.refused == {"messages_rate": 2, "bytes_rate": 1}
    assert (mine.over, other.over, other.refused) == (True, False, {})
    assert other.pays(2, 40, 0.0)


def test_all_connections_of_a_subject_share_its_limits() -> None:
    house = House(subject_messages_per_second=3, subject_samples_per_second=10)
    first, second, other = house.quota("ann"), house.quota("ann"), house.quota("bob")
    assert first.pays(2, 0, 0.0)
    assert not second.pays(2, 0, 0.0)
    assert second.pays(1, 0, 0.0)
    assert other.pays(3, 0, 0.0)
    assert "3 a second from one subject or address" in refused(first, 0, 0.0).message
    first.pay_samples(10, None, 0.0)
    with pytest.raises(RateLimited) as caught:
        second.pay_samples(4, 7, 0.0)
    assert (caught.value.id, caught.value.after_s) == (7, 0.1)
    assert house.refusals.counts == {"subject_messages_rate": 1, "subject_samples_rate": 1}


def test_what_one_limit_refuses_costs_nothing_of_the_others() -> None:
    house = House(samples_per_second=10, subject_samples_per_second=4)
    mine, sibling = house.quota("ann"), house.quota("ann")
    sibling.pay_samples(4, None, 0.0)
    for _ in range(5):
        with pytest.raises(RateLimited):
            mine.pay_samples(2, None, 0.0)
    assert mine.pays_samples(2, 0.5)
    mine.belongs_to(None, 0.5)
    assert mine.pays_samples(8, 0.5)
    assert not mine.pays_samples(1, 0.5)


def test_the_longest_wait_is_named() -> None:
    house = House(samples_per_second=10, subject_samples_per_second=2)
    mine = house.quota("ann")
    mine.pay_samples(12, None, 0.0)
    with pytest.raises(RateLimited) as caught:
        mine.pay_samples(1, None, 0.0)
    assert caught.value.after_s == 5.5
    assert "at most 2 a second from one subject" in caught.value.message


def test_new_series_of_a_connection_a_subject_and_all() -> None:
    house = House(series_per_minute=2, subject_series_per_minute=3, series_per_minute_max=5)
    first, second, other = house.quota("ann"), house.quota("ann"), house.quota("bob")
    assert [first.new_series(0.0) is None for _ in range(3)] == [True, True, False]
    assert [second.new_series(0.0) is None for _ in range(2)] == [True, False]
    assert [other.new_series(0.0) is None for _ in range(2)] == [True, True]
    problem = house.quota("eve").new_series(0.0)
    assert problem is not None
    assert (problem.code, problem.message) == (
        "too_many_series",
        "metric: at most 5 new series a minute from all: again in 12.1 s",
    )
    assert house.refusals.counts == {"series_rate": 1, "subject_series_rate": 1, "all_series_rate": 1}
    assert first.new_series(30.0) is None


def test_for_how_long_it_has_been_over() -> None:
    mine = House(messages_per_second=1).quota()
    mine.pay(1, 0.0)
    assert [refused(mine, 1, now).over_for_s for now in (0.1, 0.5, 0.9)] == [0.0, 0.4, 0.8]
    mine.pay(1, 1.0)
    assert refused(mine, 1, 1.5).over_for_s == 1.4
    mine.pay(1, 3.0)
    assert refused(mine, 1, 3.5).over_for_s == 0.0


def test_with_fresh_limits_it_may_be_forgotten() -> None:
    mine = House(messages_per_second=10).quota("ann")
    assert mine.idle(0.0)
    mine.pay(1, 0.0)
    assert [mine.idle(0.05), mine.idle(0.2)] == [False, True]


def test_no_bounds() -> None:
    rates = {name: 0 for name in BroadcasterConfig.model_fields if name.endswith("_per_second")}
    mine = House(**rates, series_per_minute=0, subject_series_per_minute=0, series_per_minute_max=0).quota("ann")
    for _ in range(3):
        assert mine.pays(10**9, 10**12, 0.0)
        mine.pay(10**12, 0.0)
        mine.pay_samples(10**9, None, 0.0)
        assert mine.new_series(0.0) is None
