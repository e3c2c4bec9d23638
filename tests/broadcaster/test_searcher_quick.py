"""What is quick is answered at once, but only so much of it before others have their turn."""

import pytest

from broadcaster import errors
from broadcaster.audience import Wish
from broadcaster.selection import parse_selection
from tests.broadcaster.test_searcher import Answers, finish, types, world_of
from tests.broadcaster.test_session_together import together
from tests.broadcaster.world import Client, Lookups, World

SERIES = 10
SUBSCRIBE = {"type": "subscribe", "id": 1, "select": [{}]}
UNSUBSCRIBE = {"type": "unsubscribe", "id": 1}


def full_world(monkeypatch: pytest.MonkeyPatch, at_once: int) -> tuple[World, Client]:
    """Whose searches are of one slice; and who is subscribed to everything."""
    monkeypatch.setattr(Lookups, "at_once", at_once)
    world = world_of(SERIES)
    world.searcher.step = None
    first = world.client()
    first.say(**SUBSCRIBE)
    finish(world)
    assert types(first) == ["subscribed"]
    world.searcher.turn()
    return world, first


def test_each_large_answer_has_a_turn_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """99 pairs in 8 KiB, each with 20,000 series, had kept everybody waiting for 3.9 s."""
    world, _ = full_world(monkeypatch, SERIES)
    client = world.client()
    assert together(client, *[SUBSCRIBE, UNSUBSCRIBE] * 5, SUBSCRIBE) == []
    for _ in range(5):
        world.searcher.turn()
        assert types(client) == ["subscribed", "unsubscribed"]
    world.searcher.turn()
    assert types(client) == ["subscribed"]
    assert world.searcher.under_way == 0


@pytest.mark.parametrize("scope", [None, object()])
def test_so_many_small_ones_are_answered_in_a_turn(scope: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be they known (`scope` is None: somebody is subscribed to it) or looked up."""
    world, _ = full_world(monkeypatch, 5 * SERIES)
    world.searcher._left = world.searcher.at_once
    answers, told = Answers(), []
    for _ in range(10):
        world.searcher.find(Wish(parse_selection([{}], 1), None, None, scope), answers)
        told.append(len(answers.metrics))
    most = 4 if scope is None else 2
    assert told == [min(count, most) for count in range(1, 11)]
    finish(world)
    assert answers.metrics == [[f"m.{number}" for number in range(SERIES)]] * 10


def test_what_comes_before_the_turn_is_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if those who were subscribed to it have gone."""
    world, first = full_world(monkeypatch, SERIES)
    client, other = world.client(), world.client()
    client.say(**SUBSCRIBE)
    other.say(**SUBSCRIBE)
    first.session.leave()
    other.session.leave()
    world.publish("new", 1.0)
    world.flush()
    assert world.hub.audiences == 0 and client.take() == []
    finish(world)
    (subscribed,) = client.take()
    assert [each["metric"] for each in subscribed["series"]] == [*(f"m.{number}" for number in range(SERIES)), "new"]
    world.publish("new", 2.0)
    world.flush()
    (samples,) = client.take()
    assert (samples["prev"], other.take()) == (subscribed["seq"], [])


def test_what_waits_for_a_turn_is_not_begun_when_the_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = full_world(monkeypatch, SERIES)
    client = world.client()
    together(client, *[SUBSCRIBE, UNSUBSCRIBE] * 5)
    client.on_send = lambda message: client.close(errors.TOO_SLOW)
    finish(world)
    assert types(client) == ["subscribed"]
    client.session.leave()
    assert (world.searcher.under_way, world.hub.audiences) == (0, 1)
