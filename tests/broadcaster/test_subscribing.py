"""New credentials on a connection that is subscribed: what it sees changes at once."""

import gc

import pytest

from broadcaster import backfill as backfill_module
from broadcaster import selection as selection_module
from broadcaster import subscribing
from broadcaster.auth import Grant
from broadcaster.selection import parse_select
from ingest.samples import Entry, Series
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import Client, World

ALL: list[Message] = [{}]


def world_of_prefixes() -> World:
    """A token is the beginning of the metrics that it allows."""

    def authenticator(token: str | None) -> Grant:
        return Only(str(token))

    return World(authenticator)


def publish(world: World, *metrics: str) -> None:
    for metric in metrics:
        world.publish(metric, 1.0)
        world.flush()


def metrics(found: list[Message]) -> list[str]:
    """Of the descriptions, in `subscribed` and in `series`."""
    return [series["metric"] for each in found if each["type"] in ("series", "subscribed") for series in each["series"]]


def keys(found: list[Message]) -> set[int]:
    return {key for each in found if each["type"] == "samples" for key, _, _ in each["series"]}


def held(world: World, grant: Grant, **hello: object) -> Client:
    """It subscribed to everything, and has taken nothing of its backfill yet."""
    client = world.client(grant, **hello)
    client.stuck = True
    client.say(type="subscribe", id=1, select=ALL, history=1e12)
    return client


def released(client: Client) -> list[Message]:
    client.stuck = False
    while client.pump():
        pass
    return client.take()


def test_wider_credentials_describe_what_they_add() -> None:
    world = world_of_prefixes()
    publish(world, "a.x", "b.x")
    client = world.client(Only("a."))
    assert metrics(client.ask(type="subscribe", id=1, select=ALL)) == ["a.x"]
    assert metrics(client.ask(type="authenticate", token="")) == ["b.x"]
    publish(world, "b.x")
    assert keys(client.take()) == {2}


def test_a_renewal_that_changes_nothing_is_not_noticed() -> None:
    world = world_of_prefixes()
    publish(world, "a.x")
    client = world.client(Only("a."), max_rate=1)
    client.ask(type="subscribe", id=1, select=ALL)
    publish(world, "a.x")
    assert [each["type"] for each in client.ask(type="authenticate", token="a.")] == []


def test_narrower_credentials_end_a_backfill_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever reads slowly enough would see for ever what only an older token allowed."""
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 1)
    world = world_of_prefixes()
    publish(world, *["a.x", "b.x"] * 5)
    client = held(world, Only(""))
    publish(world, "b.new", "a.new", "b.x")
    client.say(type="authenticate", token="a.")
    publish(world, "b.newer", "b.x", "a.x")
    found = released(client)
    chain = [each for each in found if each["type"] != "subscribed"]
    assert set(metrics(chain)) == {"a.x", "a.new"}
    allowed = {record.key for series, record in world.history.records.items() if series.metric.startswith("a.")}
    assert keys(found) == allowed, "the message that was made before was of a.x"
    assert not [each for each in found if each["type"] == "gap" and each["samples"]]
    seqs = [each["seq"] for each in found if each["type"] == "samples" and not each.get("backfill")]
    assert seqs == sorted(seqs) and seqs[-1] == world.history.seq


def test_what_a_slow_rate_keeps_back_is_not_told_behind_a_backfill_to_narrower_credentials() -> None:
    world = world_of_prefixes()
    publish(world, "a.x", "b.x")
    client = held(world, Only(""), max_rate=0.1)
    publish(world, "b.x")
    client.say(type="authenticate", token="a.")
    publish(world, "a.x", "b.new", "b.x", "a.new")  # which wait for the ten seconds to pass
    found = released(client)
    assert set(metrics(found)) == {"a.x", "b.x", "a.new"}  # the first answer was given before
    allowed = {record.key for series, record in world.history.records.items() if series.metric.startswith("a.")}
    live = [each for each in found if each["type"] == "samples" and not each.get("backfill")]
    assert keys(live) == allowed
    assert sum(len(times) for each in live for _, times, _ in each["series"]) == 2
    assert live[-1]["seq"] == world.history.seq
    world.clock.now += 20.0
    publish(world, "b.x", "a.x")
    assert keys(client.take()) <= allowed


def test_narrower_credentials_are_never_too_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "OPERATIONS_MAX", 1)
    world = world_of_prefixes()
    publish(world, "a.x", "b.x", "a.x", "b.x")
    client = held(world, Only(""))
    client.say(type="unsubscribe", id=7)
    for token in ("a.", "c.", "a."):
        client.say(type="authenticate", token=token)
    assert "bad_token" not in str(released(client))
    publish(world, "a.x", "b.x")
    assert keys(client.take()) == {1}


def test_what_was_withheld_is_described_when_it_may_be_seen_again() -> None:
    world = world_of_prefixes()
    publish(world, "a.x")
    client = held(world, Only(""))
    publish(world, "b.x")
    client.say(type="authenticate", token="a.")
    client.stuck = True
    client.say(type="authenticate", token="")
    found = released(client)
    publish(world, "b.x")
    assert "b.x" in metrics(found)
    assert keys(client.take()) == {2}


def test_what_was_concealed_is_described_before_its_samples_if_it_may_be_seen_again() -> None:
    world = world_of_prefixes()
    publish(world, "a.x", "b.x")
    client = held(world, Only(""))
    publish(world, "b.new", "a.new")
    client.say(type="authenticate", token="a.")
    found = list[Message]()
    while "a.new" not in metrics(found[1:]):  # its turn came, and that of what is not allowed
        client.pump(1)
        found += client.take()
    assert "b.new" not in metrics(found)
    client.say(type="authenticate", token="")
    found += released(client)
    key = next(record.key for series, record in world.history.records.items() if series.metric == "b.new")
    described = next(at for at, each in enumerate(found) if "b.new" in metrics([each]))
    assert key in keys(found) and key not in keys(found[:described])


def test_who_may_not_see_a_series_any_more_is_not_told_what_is_said_of_it_since() -> None:
    """Its description waits behind a full socket."""
    world = world_of_prefixes()
    publish(world, "a.x", "b.x")
    client = world.client(Only(""))
    client.say(type="subscribe", id=1, select=[{}])
    client.stuck = True
    for text in ("before", "since"):
        described = [Entry(Series(metric), [1.0], [1.0], unit="s", help=text) for metric in ("a.x", "b.x")]
        world.accept(*described)
        world.flush()
        client.say(type="authenticate", token="a.")
    client.take()
    client.pump()
    told = [
        (each["metric"], each["unit"], each["help"])
        for m in client.take()
        if m["type"] == "series"
        for each in m["series"]
    ]
    assert told == [("a.x", "s", "since"), ("b.x", None, None)]


@pytest.mark.parametrize("first", [None, "ann"])
def test_a_connection_stays_whose_it_is(first: str | None) -> None:
    world = World(lambda token: Only("", subject=token))
    client = world.client(Only("", subject=first))
    client.say(type="authenticate", token="ann")
    assert client.take() == []
    (problem,) = client.ask(type="authenticate", token="bob")
    assert (problem["code"], client.session.grant.subject) == ("bad_token", "ann")
    assert "of another subject (sub)" in problem["message"]
    assert world.shared.refusals.counts == {"bad_token": 1}


def compiled(client: Client) -> set[int]:
    """The subscriptions whose globs are kept compiled."""
    return set(client.session._subscribing._matchers)


def test_globs_are_kept_compiled_for_what_is_subscribed_only() -> None:
    world = World(subscriptions_max=2)
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(5)))
    world.searcher.step = 1
    client = world.client()
    for id in (1, 1, 2, 3):  # the second and the last are refused
        client.say(type="subscribe", id=id, select=[{"metric": f"m.?*{id}"}])
        assert compiled(client) <= set(client.session.subscriptions)
    while world.searcher.under_way:
        world.searcher.turn()
        assert compiled(client) <= set(client.session.subscriptions)
    assert compiled(client) == set(client.session.subscriptions) == {1, 2}
    client.say(type="unsubscribe", id=2)
    client.session.leave()  # while what is left is looked up
    assert compiled(client) == {1}
    other = world.client()
    other.say(type="subscribe", id=1, select=[{"metric": "left.?*alone"}])
    other.session.leave()
    assert compiled(other) == set()
    gc.collect()
    never = parse_select("left.?*alone")
    assert frozenset({never}) not in selection_module._matchers, "nobody keeps what was never subscribed"


def test_a_lookup_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.accept(*(Entry(Series(f"m.{number}"), (), ()) for number in range(5)))
    world.searcher.step = 1
    client = world.client()

    def failing(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(subscribing.Subscribing, "_begun", failing)
        client.say(type="subscribe", id=1, select=[{"metric": "m.?*"}])
        while world.searcher.under_way:
            world.searcher.turn()
    assert compiled(client) == set()
    client.say(type="subscribe", id=1, select=[{"metric": "m.?*"}])
    while world.searcher.under_way:
        world.searcher.turn()
    assert [message["type"] for message in client.take()] == ["subscribed"]
    assert compiled(client) == {1}
