"""Searches in turns: shared, cancelled, fair; what clients do meanwhile."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from broadcaster import searcher as searcher_module
from broadcaster.audience import Wish
from broadcaster.auth import Grant
from broadcaster.history import Record
from broadcaster.searcher import PAUSE_S, SLICE_S, Searcher
from broadcaster.selection import parse_selection
from broadcaster.subscribing import OPERATIONS_MAX
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


def world_of_prefixes(*metrics: str) -> World:
    """A token is the beginning of the metrics that it allows."""

    def authenticator(token: str | None) -> Grant:
        return Only(str(token))

    world = World(authenticator)
    world.accept(*(Entry(Series(metric), (), ()) for metric in metrics))
    world.searcher.step = 1
    return world


def wish(glob: str = "*", scope: object = None) -> Wish:
    return Wish(parse_selection([{"metric": glob}], 1), None, None, scope)


def finish(world: World) -> None:
    while world.searcher.under_way:
        world.searcher.turn()


def types(client: Client) -> list[str]:
    return [message["type"] for message in client.take()]


class Answers:
    def __init__(self) -> None:
        self.metrics: list[list[str]] = []

    def __call__(self, records: Iterable[Record]) -> None:
        self.metrics.append([record.series.metric for record in records])


def test_the_same_wish_is_looked_up_once_and_one_is_answered_in_a_turn() -> None:
    world, answers = world_of(), Answers()
    for _ in range(3):
        world.searcher.find(wish(), answers)
    assert (world.searcher.under_way, answers.metrics) == (1, [])
    for told in (1, 2, 3):
        while len(answers.metrics) < told:
            world.searcher.turn()
        assert len(answers.metrics) == told
    assert answers.metrics == [[f"m.{number}" for number in range(SERIES)]] * 3
    assert world.searcher.under_way == 0


def test_what_an_audience_has_is_not_looked_up() -> None:
    world, answers = world_of(), Answers()
    client = world.client()
    client.say(type="subscribe", id=1, select=[{}])
    finish(world)
    world.searcher.find(client.session._subscribing._wish(parse_selection([{}], 1)), answers)
    assert (len(answers.metrics), world.searcher.under_way) == (1, 0)


def test_a_search_that_nobody_waits_for_is_over() -> None:
    world, cancelled, answers = world_of(), Answers(), Answers()
    for number in range(100):
        world.searcher.find(wish("*", number), cancelled)
        world.searcher.turn()
        world.searcher.cancel(wish("*", number), cancelled)
        assert world.searcher.under_way == 0 and len(world.searcher._turns) <= 1
    world.searcher.turn()
    world.searcher.find(wish(), answers)
    finish(world)
    assert (len(cancelled.metrics), len(answers.metrics)) == (0, 1)


def test_a_new_search_has_its_turns_before_those_that_had_many() -> None:
    world, slow, answers = world_of(100), Answers(), Answers()
    for number in range(50):
        world.searcher.find(wish("*", number), slow)
    for _ in range(50 * 20):
        world.searcher.turn()
    world.searcher.find(wish("m.7"), answers)
    for _ in range(100):
        world.searcher.turn()
        if answers.metrics:
            break
    else:
        for _ in range(50 * 80):
            world.searcher.turn()
    assert answers.metrics == [["m.7"]]
    finish(world)
    assert len(slow.metrics) == 50


def test_a_fault_costs_one_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    world, answers = world_of(), Answers()

    def fault(records: Iterable[Record]) -> None:
        raise ZeroDivisionError

    for found in (answers, fault, answers):
        world.searcher.find(wish(), found)
    finish(world)
    assert len(answers.metrics) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_slice_ends_within_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """However quick those before it were."""
    now = 0.0
    monkeypatch.setattr(searcher_module, "time", SimpleNamespace(perf_counter=lambda: now))
    world = World()
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(10_000)))
    looked: list[float] = []

    def allows(metric: str) -> bool:
        nonlocal now
        now += 0.0 if int(metric[2:]) < 9_000 else 0.3 * SLICE_S
        looked.append(now)
        return True

    searcher, answers = Searcher(world.hub), Answers()
    searcher.find(Wish(parse_selection([{}], 1), None, allows), answers)
    while searcher.under_way:
        before = now
        searcher.turn()
        assert now - before <= 1.3 * SLICE_S
    assert (len(looked), len(answers.metrics[0])) == (10_000, 10_000)


@pytest.mark.parametrize("busy", [False, True])
async def test_turns_are_short_and_others_come_between(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(searcher_module, "SLICE_S", 0.0)
    world = World()
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(SERIES)))
    searcher = Searcher(world.hub, lambda: busy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(searcher.run)
        began = trio.current_time()
        assert len(list(await searcher.all_of(wish()))) == SERIES
        assert trio.current_time() - began == pytest.approx(PAUSE_S * SERIES if busy else 0)
        with trio.CancelScope() as scope:
            scope.cancel()
            await searcher.all_of(wish("*.1"))
        assert searcher.under_way == 0
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


def test_as_many_as_a_connection_may_have_can_be_asked_for_at_once() -> None:
    world = world_of()
    client = world.client()
    most = world.config.subscriptions_max + OPERATIONS_MAX
    for id in range(most + 2):
        client.say(type="subscribe", id=id, select=[{"metric": "m.1"}])
    (error,) = client.take()
    assert (error["code"], error["id"]) == ("rate_limited", most + 1)
    assert f"at most {most} may wait" in error["message"]
    finish(world)
    assert types(client).count("subscribed") == world.config.subscriptions_max


def test_who_leaves_meanwhile_is_not_answered() -> None:
    world = world_of()
    client = world.client()
    client.say(type="subscribe", id=1, select=[{}])
    client.session.leave()
    finish(world)
    assert client.take() == [] and world.hub.audiences == 0


def test_what_waits_for_a_backfill_is_over_with_who_leaves() -> None:
    world = World(history_points=100)
    world.publish("m", 1.0)
    world.flush()
    client = world.client()
    client.stuck = True
    client.say(type="subscribe", id=1, select=[{}], history=1e9)
    client.say(type="subscribe", id=2, select=[{}])
    client.session.leave()
    client.stuck = False
    client.pump()
    client.say(type="subscribe", id=3, select=[{}])
    assert world.hub.audiences == 0


def test_what_others_wanted_of_another_scope_is_theirs_alone() -> None:
    world = world_of_prefixes("a.x", "b.x", "b.y")
    client = world.client(Only("a."))
    client.stuck = True
    client.say(type="subscribe", id=1, select=[{"metric": "*.x"}], history=1e9)
    client.say(type="subscribe", id=2, select=[{"metric": "*.y"}])
    client.say(type="unsubscribe", id=1)
    client.say(type="authenticate", token="b.")
    client.stuck = False
    client.pump()
    other = world.client(Only("b."))
    other.say(type="subscribe", id=1, select=[{"metric": "*.y"}])
    finish(world)
    client.pump()
    (subscribed,) = other.take()
    assert [each["metric"] for each in subscribed["series"]] == ["b.y"]


def test_nothing_that_is_not_allowed_any_more_comes_before_a_lookup() -> None:
    world = world_of_prefixes("a.x", "b.x")
    world.publish("a.x", 1.0)
    world.flush()
    client = world.client(Only("a."))
    client.stuck = True
    client.say(type="subscribe", id=1, select=[{}], history=1e9)
    client.say(type="subscribe", id=2, select=[{"metric": "*.x"}])
    client.say(type="authenticate", token="b.")
    client.stuck = False
    client.pump()
    client.take()
    world.publish("a.x", 666.0)
    world.publish("b.x", 1.0)
    world.flush()
    finish(world)
    client.pump()
    assert not [each for each in client.take() if each["type"] == "samples" and "666" in str(each)]


def test_credentials_that_change_meanwhile_hold_for_what_is_found() -> None:
    world = world_of_prefixes("a.x", "b.x", "a.y", "b.y")
    client = world.client(Only("a."))
    client.say(type="subscribe", id=1, select=[{}])
    client.say(type="authenticate", token="b.")
    finish(world)
    (subscribed,) = client.take()
    assert [each["metric"] for each in subscribed["series"]] == ["b.x", "b.y"]
    world.publish("a.x", 1.0)
    world.flush()
    assert client.take() == []
