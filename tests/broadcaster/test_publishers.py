"""Publishing over HTTP: whose requests count together."""

from dataclasses import dataclass
from typing import Any

import pytest

from broadcaster.auth import EVERYTHING, Grant
from broadcaster.limits import RateLimited
from broadcaster.publishers import Publishers
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import World


@dataclass(frozen=True)
class Subject(Only):
    prefix: str = ""
    subject: str | None = None


class House:
    def __init__(self, most: int = 100, **settings: Any) -> None:
        self.world = World(**settings)
        self.publishers = Publishers(self.world.shared, most)

    def publish(self, host: str, count: int = 1, grant: Grant = EVERYTHING, size: int = 100) -> bool:
        """True if it was taken."""
        message: Message = {"samples": [{"metric": "a", "time": [1.0] * count, "value": [1.0] * count}]}
        try:
            return self.publishers.publish(message, size, grant, host, 5.0).accepted == count
        except RateLimited:
            return False


def test_requests_of_an_address_count_as_one_connection() -> None:
    house = House(samples_per_second=10)
    assert [house.publish(host, 10) for host in ("10.0.0.1", "10.0.0.1", "10.0.0.2")] == [True, False, True]
    assert house.world.shared.refusals.counts == {"samples_rate": 1}


def test_requests_of_a_subject_count_together_wherever_they_come_from() -> None:
    house, ann, bob = House(samples_per_second=10), Subject(subject="ann"), Subject(subject="bob")
    taken = [house.publish("10.0.0.1", 10, ann), house.publish("10.0.0.2", 10, ann), house.publish("10.0.0.1", 10, bob)]
    assert taken == [True, False, True]


def test_connections_and_requests_of_a_subject_share_its_limits() -> None:
    house, ann = House(subject_samples_per_second=10), Subject(subject="ann")
    client = house.world.client(ann)
    client.say(type="publish", samples=[{"metric": "a", "time": [1.0] * 10, "value": [1.0] * 10}])
    assert not house.publish("10.0.0.1", 1, ann)
    house.world.clock.now += 0.5
    assert house.publish("10.0.0.1", 5, ann)
    assert client.ask(type="publish", id=1, samples=[{"metric": "a", "value": 1}])[0]["code"] == "rate_limited"


@pytest.mark.parametrize("settings", [{"messages_per_second": 1}, {"bytes_per_second": 100}])
def test_messages_and_bytes_are_limited_too(settings: dict[str, int]) -> None:
    house = House(**settings)
    assert [house.publish("10.0.0.1") for _ in range(2)] == [True, False]
    house.world.clock.now += 1.0
    assert house.publish("10.0.0.1")


def test_who_was_refused_is_told_until_forgotten() -> None:
    house, ann = House(samples_per_second=10), Subject(subject="ann")
    for host, grant in (("10.0.0.1", EVERYTHING), ("10.0.0.2", ann), ("10.0.0.3", ann), ("10.0.0.4", EVERYTHING)):
        house.publish(host, 10, grant)
    assert not house.publish("10.0.0.1")
    told = [
        {"subject": None, "address": "10.0.0.1", "refused": {"samples_rate": 1}},
        {"subject": "ann", "address": "10.0.0.3", "refused": {"samples_rate": 1}},
    ]
    assert (house.publishers.refused(9), house.publishers.refused(1)) == (told, told[:1])
    house.publishers.sweep(house.world.clock.now + 2.0)
    assert house.publishers.refused(9) == []


def test_they_are_bounded_and_forgotten_when_it_changes_nothing() -> None:
    house = House(most=3, samples_per_second=10, subject_samples_per_second=10)
    for number in range(10):
        house.publish(f"10.0.0.{number}", 10)
    assert len(house.publishers) == 3
    assert not house.publish("10.0.0.9")
    house.publishers.sweep(house.world.clock.now)
    assert len(house.publishers) == 3
    house.publishers.sweep(house.world.clock.now + 2.0)
    house.world.shared.subjects.sweep(house.world.clock.now + 2.0)
    assert (len(house.publishers), len(house.world.shared.subjects)) == (0, 0)
