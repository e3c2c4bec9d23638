"""Searches in turns: shared, cancelled, bounded; what clients do meanwhile."""

from collections.abc import Iterable
from typing import Any

import pytest
import trio
import trio.testing

from broadcaster import searcher as searcher_module
from broadcaster.audience import Wish
from broadcaster.auth import Grant
from broadcaster.history import Record
from broadcaster.searcher import PAUSE_S, SEARCHES_MAX, STEP_SERIES, Searcher
from broadcaster.selection import parse_selection
from ingest.samples import Entry, Series
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import Client, World

SERIES = 10


def world_of(series: int = SERIES, **settings: Any) -> World:
    """One series is looked at in a turn, and the first turn is taken at once."""
    world = World(**settings)
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(series)))
    world.searcher.step = 1
    return world


def wish(glob: str = "*", scope: object = None) -> Wish:
    return Wish(parse_selection([{"metric": glob}], 1), None, None, scope)


def finish(world: World) -> None:
    while world.searcher.active:
        world.searcher.turn()


def types(client: Client) -> list[str]:
    return [message["type"] for message in client.take()]


class Answers:
    def __init__(self) -> None:
        self.metrics: list[list[str]] = []

    def __call__(self, records: Iterable[Record]) -> None:
        self.metrics.append([record.series.metric for record in records])


def test_the_same_wish_is_looked_up_once() -> None:
    world, answers = world_of(), Answers()
    for _ in range(3):
        world.searcher.find(wish(), None, answers)
    assert (world.searcher.active, answers.metrics) == (1, [])
    finish(world)
    assert answers.metrics == [[f"m.{number}" for number in range(SERIES)]] * 3


def test_what_an_audience_has_is_not_looked_up() -> None:
    world, answers = world_of(), Answers()
    client = world.client()
    client.say(type="subscribe", id=1, select=[{}])
    finish(world)
    world.searcher.find(client.session._subscribing._wish(parse_selection([{}], 1)), None, answers)
    assert (len(answers.metrics), world.searcher.active) == (1, 0)


def test_nobody_waits_for_a_search_that_was_cancelled() -> None:
    world, cancelled, answers = world_of(), Answers(), Answers()
    world.searcher.find(wish(), None, cancelled)
    world.searcher.cancel(wish(), cancelled)
    world.searcher.turn()
    assert (world.searcher.active, cancelled.metrics) == (0, [])
    world.searcher.find(wish(), None, answers)
    finish(world)
    assert (len(cancelled.metrics), len(answers.metrics)) == (0, 1)


def test_no_more_than_some_have_turns_and_none_is_forgotten() -> None:
    world, answers = world_of(), Answers()
    for number in range(3 * SEARCHES_MAX):
        world.searcher.find(wish("*", number), None, answers)
        assert world.searcher.active <= SEARCHES_MAX
    finish(world)
    assert len(answers.metrics) == 3 * SEARCHES_MAX


@pytest.mark.parametrize("busy", [False, True])
async def test_turns_are_short_and_others_come_between(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(searcher_module, "SLICE_S", 0.0)
    world = World()
    turns = 20
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(STEP_SERIES * turns)))
    searcher = Searcher(world.hub, lambda: busy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(searcher.run)
        began = trio.current_time()
        assert len(list(await searcher.all_of(wish()))) == STEP_SERIES * turns
        assert trio.current_time() - began == pytest.approx(PAUSE_S * turns if busy else 0)
        with trio.move_on_after(PAUSE_S):
            await searcher.all_of(wish("*.1"))
        await trio.sleep(1)
        assert searcher.active == 0
        nursery.cancel_scope.cancel()


# What clients do meanwhile.


def test_what_is_published_meanwhile_comes_and_nothing_twice() -> None:
    world = world_of()
    client = world.client()
    client.say(type="subscribe", id=1, select=[{}])
    client.say(type="ping", time=1)
    assert types(client) == ["pong"]
    world.publish("m.0", 1.0)
    world.publish("new", 2.0)
    world.flush()
    assert types(client) == []
    finish(world)
    (subscribed,) = client.take()
    assert len(subscribed["series"]) == SERIES + 1
    assert {each["metric"] for each in subscribed["series"]} == {*(f"m.{number}" for number in range(SERIES)), "new"}
    world.publish("new", 3.0)
    world.flush()
    (samples,) = client.take()
    assert samples["prev"] == subscribed["seq"] and samples["series"][0][2] == [3.0]


def test_operations_wait_for_a_lookup_in_order() -> None:
    world = world_of()
    client = world.client()
    for id in (1, 2):
        client.say(type="subscribe", id=id, select=[{"metric": f"m.{id}*"}])
    client.say(type="unsubscribe", id=1)
    assert types(client) == []
    finish(world)
    assert types(client) == ["subscribed", "subscribed", "unsubscribed"]
    world.publish("m.1", 1.0)
    world.publish("m.2", 1.0)
    world.flush()
    (samples,) = client.take()
    assert len(samples["series"]) == 1


def test_too_many_operations_are_refused() -> None:
    world = world_of()
    client = world.client()
    for id in range(18):
        client.say(type="subscribe", id=id, select=[{"metric": "m.1"}])
    (error,) = client.take()
    assert (error["code"], error["id"]) == ("rate_limited", 17)
    assert "at most 16 may wait" in error["message"]


def test_who_leaves_meanwhile_is_not_answered() -> None:
    world = world_of()
    client = world.client()
    client.say(type="subscribe", id=1, select=[{}])
    client.session.leave()
    finish(world)
    assert client.take() == [] and world.hub.audiences == 0


def test_credentials_that_change_meanwhile_hold_for_what_is_found() -> None:
    def authenticator(token: str | None) -> Grant:
        return Only(str(token))

    world = World(authenticator)
    world.accept(*(Entry(Series(metric), (), ()) for metric in ("a.x", "b.x", "a.y", "b.y")))
    world.searcher.step = 1
    client = world.client(Only("a."))
    client.say(type="subscribe", id=1, select=[{}])
    client.say(type="authenticate", token="b.")
    finish(world)
    (subscribed,) = client.take()
    assert [each["metric"] for each in subscribed["series"]] == ["b.x", "b.y"]
    world.publish("a.x", 1.0)
    world.flush()
    assert client.take() == []
