"""Who joins an audience that waits for a batch is told of all series before their samples."""

from tests.broadcaster.test_session import ALL
from tests.broadcaster.world import World


def test_a_series_that_appears_while_the_others_are_served_is_described_to_who_just_joined() -> None:
    world = World()
    first = world.client()
    first.say(type="subscribe", id=1, select=ALL)
    world.publish("a", 1.0)
    world.hub.collect(world.clock.now)
    second = world.client()
    second.say(type="subscribe", id=1, select=ALL)
    world.publish("b", 2.0)
    world.hub.serve(world.clock.now)  # not collected meanwhile, as while there is much to be served
    world.flush()
    for client, metrics in ((first, ["a", "b"]), (second, ["b"])):
        known: dict[int, str] = {}
        seen: list[str] = []
        for message in client.take():
            if message["type"] in ("series", "subscribed"):
                known |= {series["key"]: series["metric"] for series in message["series"]}
            elif message["type"] == "samples":
                seen += [known[key] for key, _, _ in message["series"]]
        assert seen == metrics
