"""Other credentials on a connection that is subscribed, where looking up what they allow takes a while."""

from tests.broadcaster.test_publishing import Only
from tests.broadcaster.test_searcher import finish, types, world_of_prefixes
from tests.broadcaster.world import Client, World


def change(world: World, client: Client, token: str) -> None:
    """To other credentials, whose series are not looked up yet."""
    client.say(type="authenticate", token=token)
    assert world.searcher.under_way == 1


def seen(world: World, client: Client, *metrics: str) -> list[str]:
    """Of a sample each, what the client gets."""
    for metric in metrics:
        world.publish(metric, 1.0)
    world.flush()
    keys = {key for each in client.take() if each["type"] == "samples" for key, _, _ in each["series"]}
    return [series.metric for series, record in world.history.records.items() if record.key in keys]


def subscribed(token: str, *metrics: str) -> tuple[World, Client]:
    """To all; a token is the beginning of the metrics that it allows."""
    world = world_of_prefixes(*metrics)
    client = world.client(Only(token))
    client.say(type="subscribe", id=1, select=[{}])
    finish(world)
    client.take()
    return world, client


def test_narrower_credentials_hold_at_once_and_without_a_lookup_in_one_go() -> None:
    world, client = subscribed("", "a.x", "b.x", "a.y")
    change(world, client, "a.")
    assert seen(world, client, "a.x", "b.x", "a.new", "b.new") == ["a.x", "a.new"]
    finish(world)
    assert types(client) == []
    assert seen(world, client, "a.x", "b.x", "a.y", "a.new", "b.newer") == ["a.x", "a.y", "a.new"]


def test_what_wider_credentials_add_comes_when_it_was_looked_up() -> None:
    world, client = subscribed("a.", "a.x", "b.x", "a.y", "b.y")
    change(world, client, "")
    assert seen(world, client, "a.x", "b.x", "a.new") == ["a.x", "a.new"]
    finish(world)
    (described,) = client.take()
    assert [each["metric"] for each in described["series"]] == ["b.x", "b.y"]
    assert seen(world, client, "a.x", "b.x", "b.y", "b.new") == ["a.x", "b.x", "b.y", "b.new"]


def test_credentials_that_change_again_while_the_first_are_looked_up() -> None:
    world, client = subscribed("a.", "a.x", "b.x", "c.x")
    change(world, client, "b.")
    assert seen(world, client, "a.x", "b.x") == []
    for token in ("c.", "b.", "c."):
        change(world, client, token)
    finish(world)
    *gaps, described = client.take()
    assert {(each["type"], each["samples"]) for each in gaps} == {("gap", 0)}, "which only tell where the chain goes on"
    assert [each["metric"] for each in described["series"]] == ["c.x"]
    assert seen(world, client, "a.x", "b.x", "c.x") == ["c.x"]


def test_what_was_to_be_looked_up_before_the_credentials_changed_comes_after() -> None:
    world, client = subscribed("a.", "a.x", "b.x", "a.y", "b.y")
    client.say(type="subscribe", id=2, select=[{"metric": "*.y"}])
    client.say(type="unsubscribe", id=1)
    change(world, client, "b.")
    finish(world)
    first, second, third = client.take()
    assert [each["metric"] for each in first["series"]] == ["b.x", "b.y"]
    assert (second["type"], [each["metric"] for each in second["series"]]) == ("subscribed", ["b.y"])
    assert third["type"] == "unsubscribed"
    assert seen(world, client, "a.y", "b.x", "b.y") == ["b.y"]


def test_what_waited_may_have_to_be_looked_up_when_credentials_are_looked_up_already() -> None:
    """Another connection has what they allow: it is found at once, and all that waited begins."""
    world, client = subscribed("a.", "a.x", "b.x", "b.y", "b.z")
    client.say(type="subscribe", id=5, select=[{"metric": "*.y"}])
    finish(world)
    other = world.client(Only("b."))
    other.say(type="subscribe", id=1, select=[{}])
    finish(world)
    client.take()
    client.say(type="unsubscribe", id=5)
    client.say(type="unsubscribe", id=1)
    client.say(type="subscribe", id=2, select=[{"metric": "*.z"}])
    client.say(type="authenticate", token="b.")
    finish(world)
    told = client.take()
    assert [each["type"] for each in told] == ["series", "unsubscribed", "unsubscribed", "subscribed"]
    assert seen(world, client, "a.x", "b.x", "b.z") == ["b.z"]


def test_credentials_that_change_while_a_subscription_ends() -> None:
    world, client = subscribed("a.", "a.x", "b.x", "a.y", "b.y")
    client.ask(type="subscribe", id=2, select=[{"metric": "*.y"}])
    finish(world)
    client.take()
    client.say(type="unsubscribe", id=1)
    change(world, client, "b.")
    finish(world)
    assert types(client) == ["series", "unsubscribed"]
    assert seen(world, client, "a.x", "b.x", "a.y", "b.y") == ["b.y"]
