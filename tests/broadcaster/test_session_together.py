"""Messages that come together are handled as if each had come alone."""

from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import errors
from broadcaster.config import BroadcasterConfig
from tests.broadcaster.frame_parts import QUICK, Message
from tests.broadcaster.world import Client, World

ALL = [{"metric": "*"}]


def single(metric: object = "a", value: object = 1.5, **rest: object) -> Message:
    return {"type": "publish", "samples": [{"metric": metric, "time": 1.0, "value": value}], **rest}


def together(client: Client, *said: Message | bytes) -> list[Message]:
    client.take()
    client.session.receive_all([data if isinstance(data, bytes) else orjson.dumps(data) for data in said])
    return client.take()


SAID = st.one_of(
    st.builds(single, st.sampled_from(["a", "b", "c", ""]), st.sampled_from([1.5, 2, None, "x", [1.0]])),
    st.builds(lambda id: single(id=id), st.integers(0, 3)),
    st.builds(lambda count: {"type": "publish", "samples": [{"metric": "m", "value": 1}] * count}, st.integers(0, 2)),
    st.builds(lambda time: {"type": "ping", "time": time}, st.sampled_from([1, "x"])),
    st.sampled_from([{"type": "hello"}, {"type": "subscribe", "id": 1, "select": ALL}, {"type": "what"}, {}, b"{"]),
)


def comparable(message: Message) -> bytes:
    return orjson.dumps({name: value for name, value in message.items() if name not in ("server_time", "cursor")})


@QUICK
@given(st.lists(SAID, max_size=12), st.sampled_from([0, 3]), st.sampled_from([0, 2]), st.sampled_from([2, 100]))
def test_together_or_one_by_one(said: list[Message | bytes], rate: int, series_max: int, bad_max: int) -> None:
    worlds = [World(samples_per_second=rate, series_max=series_max or 100, bad_messages_max=bad_max) for _ in range(2)]
    alone, at_once = (world.client() for world in worlds)
    expected: list[Message] = []
    for data in said:
        if alone.closed is None:
            expected += together(alone, data)
    found = together(at_once, *said)
    assert alone.closed == at_once.closed
    if alone.closed is not None:
        return  # what came behind the last of a run may have been taken as well
    for world in worlds:
        world.flush()
    assert Counter(map(comparable, found)) == Counter(map(comparable, expected))
    logs = [sorted(world.history.log, key=lambda item: item[1].metric) for world in worlds]
    assert [item[1:] for item in logs[0]] == [item[1:] for item in logs[1]]
    assert worlds[0].shared.counts.rejected == worlds[1].shared.counts.rejected
    assert alone.session.published == at_once.session.published


def test_a_sample_is_published_before_the_message_behind_it_is_handled() -> None:
    world = World()
    client = world.client()
    answers = together(client, single(), single("b"), {"type": "subscribe", "id": 1, "select": ALL}, single())
    assert [described["metric"] for described in answers[0]["series"]] == ["a", "b"]
    assert client.session.published == 3


def test_what_comes_behind_the_message_that_closes_is_not_handled() -> None:
    client = World(bad_messages_max=1).client()
    answers = together(client, b"{", b"{", {"type": "ping", "time": 1}, single())
    assert [answer["type"] for answer in answers] == ["error", "error"]
    assert client.closed is not None
    assert client.session.published == 0


def test_what_comes_behind_an_answer_that_the_client_is_too_slow_for_is_not_handled() -> None:
    client = World().client()
    client.on_send = lambda message: client.close(errors.TOO_SLOW)
    subscribe = {"type": "subscribe", "id": 1, "select": ALL}
    answers = together(client, {"type": "ping", "time": 1}, subscribe, {"type": "ping", "time": 2}, single())
    assert [answer["type"] for answer in answers] == ["pong"]
    assert (client.session.published, client.session.subscriptions) == (0, {})


def test_samples_that_go_over_the_rate_are_taken_as_far_as_they_go() -> None:
    world = World(samples_per_second=3)
    client = world.client()
    answers = together(client, *[single() for _ in range(5)])
    assert [answer["code"] for answer in answers] == ["rate_limited"] * 2
    assert client.session.published == 3


@pytest.mark.parametrize("bad", [single(""), single("a", "x")])
def test_a_bad_sample_costs_none_of_its_neighbours(bad: Message) -> None:
    world = World()
    client = world.client()
    answers = together(client, single(), bad, single("b"))
    assert [answer["message"].startswith("samples[0].") for answer in answers] == [True]
    world.flush()
    assert [series.metric for _, series, _ in world.history.log] == ["a", "b"]


def test_too_many_bad_samples_in_a_row_close() -> None:
    limit = BroadcasterConfig().bad_messages_max
    client = World().client()
    answers = together(client, *[single("") for _ in range(limit + 5)])
    assert len(answers) == limit + 1
    assert client.closed is not None
