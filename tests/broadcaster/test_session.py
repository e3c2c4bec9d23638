"""The protocol of one connection, without one."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import errors, subscribing
from broadcaster.auth import Grant
from ingest.messages import MessageError
from tests.broadcaster.frame_parts import QUICK, Message
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import Client, World

PRODUCER = str(uuid.UUID(int=7))
ALL = [{"metric": "*"}]
WHOLE = 1e12  # seconds


def sample(metric: str = "a", value: object = 1) -> Message:
    return {"metric": metric, "time": 1.0, "value": value}


def only(found: list[Message]) -> Message:
    assert len(found) == 1, found
    return found[0]


def refused(client: Client, /, **message: object) -> tuple[str, str, int | None]:
    problem = only(client.ask(**message))
    assert problem["type"] == "error"
    return problem["code"], problem["message"], problem.get("id")


def subscribe(client: Client, id: int = 1, select: object = ALL, **rest: object) -> list[Message]:
    return client.ask(type="subscribe", id=id, select=select, **rest)


def test_the_welcome_states_position_and_limits() -> None:
    world = World(samples_per_message=5, message_bytes=1000, series_max=7, samples_per_second=9)
    world.publish("a", 1.0)
    world.flush()
    client = world.client()
    client.session.start()
    welcome = only(client.take())
    limits = {"message_bytes": 1000, "samples_per_message": 5, "samples_per_second": 9, "series": 7}
    assert (welcome["type"], welcome["version"], welcome["seq"], welcome["limits"]) == ("welcome", 1, 1, limits)
    assert (welcome["epoch"], welcome["session"]) == (world.history.epoch, client.session.id)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *(("{", "bad_json"), (b"\xff", "bad_json"), ("[]", "bad_message"), ("{}", "bad_message")),
        *(('{"type":5}', "bad_message"), ('{"type":"nonsense"}', "unknown_type"), ('{"type":"ack"}', "unknown_type")),
    ],
)
def test_what_is_no_message_is_answered_and_counted(data: str | bytes, code: str) -> None:
    world = World()
    client = world.client()
    client.session.receive(data)
    assert only(client.take())["code"] == code
    assert world.shared.errors == {code: 1}
    assert client.closed is None


def test_an_error_names_the_id_of_the_message() -> None:
    client = World().client()
    assert refused(client, type="nonsense", id=5)[2] == 5
    assert refused(client, type="nonsense", id="x")[2] is None
    assert refused(client, type="nonsense", id=2**64 - 1)[2] is None


@pytest.mark.parametrize(
    "hello",
    [
        *({"producer": "x"}, {"producer": 5}, {"client": 5}, {"overflow": "wait"}, {"overflow": None}),
        *({"max_rate": 0}, {"max_rate": -1}, {"max_rate": "x"}, {"max_rate": True}),
    ],
)
def test_a_bad_hello_names_its_field(hello: Message) -> None:
    code, message, _ = refused(World().client(), type="hello", **hello)
    assert code == "bad_message"
    assert message.startswith(f"{next(iter(hello))}: expected")


def test_hello_is_the_first_message_only() -> None:
    client = World().client()
    client.say(type="ping", time=1)
    assert refused(client, type="hello")[:2] == ("bad_message", "hello: expected as the first message only")


def test_hello_is_taken_over() -> None:
    client = World().client()
    assert client.ask(type="hello", producer=PRODUCER, client="x" * 1000, overflow="drop_oldest", future=1) == []
    assert (client.session.producer, client.session.client) == (PRODUCER, "x" * 256)
    assert client.mailbox.overflow == "drop_oldest"


def test_ping_is_answered_with_its_time() -> None:
    client = World().client()
    assert only(client.ask(type="ping", time=1.5))["time"] == 1.5
    assert refused(client, type="ping")[0] == "bad_message"
    assert refused(client, type="ping", time="x")[0] == "bad_message"
    client.session.receive('{"type":"ping","time":1e400}')
    assert only(client.take())["code"] == "bad_message"


# Publishing.


def test_a_publish_is_acknowledged_if_it_has_an_id() -> None:
    client = World().client()
    ack = only(client.ask(type="publish", id=4, samples=[sample(), sample(metric="")]))
    assert (ack["type"], ack["id"], ack["accepted"]) == ("ack", 4, 1)
    assert [(rejection["index"], rejection["code"]) for rejection in ack["rejected"]] == [(1, "bad_metric")]
    assert client.ask(type="publish", samples=[sample()]) == []
    assert refused(client, type="publish", samples=[sample(metric="")])[0] == "bad_metric"
    assert client.session.published == 2


def test_a_message_sent_again_on_another_connection_is_applied_once() -> None:
    world = World()
    for duplicate in (False, True):
        client = world.client(producer=PRODUCER)
        ack = only(client.ask(type="publish", id=4, samples=[sample()]))
        assert ack.get("duplicate", False) is duplicate
    world.flush()
    assert len(world.history.log) == 1
    assert world.shared.counts.duplicates == 1


def test_a_message_refused_as_a_whole_can_be_sent_again() -> None:
    world = World(samples_per_second=1)
    client = world.client(producer=PRODUCER)
    client.say(type="publish", id=1, samples=[sample()])
    assert refused(client, type="publish", id=2, samples=[sample()])[0] == "rate_limited"
    world.clock.now += 10
    assert only(client.ask(type="publish", id=3, samples=[sample()]))["accepted"] == 1
    world.clock.now += 10
    again = only(client.ask(type="publish", id=2, samples=[sample()]))
    assert (again["accepted"], "duplicate" in again) == (1, False)
    assert refused(client, type="publish", id=2, samples=[sample()])[::2] == ("id_not_increasing", 2)


def test_a_producer_over_its_rate_for_too_long_is_closed() -> None:
    world = World(samples_per_second=1, rate_limited_s=2.0, bad_messages_max=1)
    client = world.client()
    client.say(type="publish", samples=[sample()] * 100)
    for _ in range(6):
        assert client.closed is None
        client.say(type="publish", samples=[sample()])
        world.clock.now += 0.5
    assert client.closed is errors.RATE_LIMITED


@pytest.mark.parametrize(("say", "close"), [("nonsense", errors.BAD_MESSAGES), ("subscribe", errors.FORBIDDEN)])
def test_a_client_that_goes_on_with_bad_messages_is_closed(say: str, close: errors.Close) -> None:
    world = World(bad_messages_max=3)
    client = world.client(grant=Only("b."))
    for _ in range(3):
        client.say(type=say, id=1, select=[{"metric": "a"}])
        assert client.closed is None
    client.say(type=say, id=1, select=[{"metric": "a"}])
    assert client.closed is close


def test_bad_messages_now_and_then_close_nothing() -> None:
    world = World(bad_messages_max=3)
    client = world.client()
    for _ in range(20):
        client.say(type="nonsense")
        world.clock.now += 21
    assert client.closed is None


# Subscribing.


@pytest.mark.parametrize(
    ("message", "field"),
    [
        *(({"id": None}, "id"), ({"id": -1}, "id"), ({"select": []}, "select"), ({"history": -1}, "history")),
        *(({"history": "x"}, "history"), ({"history": 1, "resume": "e:1"}, "history"), ({"resume": 5}, "resume")),
        ({"resume": "x" * 513}, "resume"),
    ],
)
def test_a_bad_subscribe_names_its_field(message: Message, field: str) -> None:
    code, text, _ = refused(World().client(), **{"type": "subscribe", "id": 1, "select": ALL} | message)
    assert code == "bad_message"
    assert text.startswith(f"{field}: expected")


def test_ids_of_subscriptions_are_unique_bounded_and_free_again() -> None:
    world = World(subscriptions_max=2)
    client = world.client()
    subscribe(client, 1)
    assert only(subscribe(client, 1))["code"] == "bad_message"
    subscribe(client, 2)
    assert only(subscribe(client, 3))["message"] == "id: at most 2 subscriptions a connection"
    assert world.shared.refusals.counts == client.session.quota.refused == {"subscriptions": 1}
    assert only(client.ask(type="unsubscribe", id=1))["type"] == "unsubscribed"
    assert refused(client, type="unsubscribe", id=1)[::2] == ("unknown_id", 1)
    assert only(subscribe(client, 1))["type"] == "subscribed"


@pytest.mark.parametrize("at", [0, 2, 3])
def test_resume_brings_what_came_after_the_cursor(at: int) -> None:
    world = World()
    for number in range(3):
        world.publish("a", float(number))
        world.flush()
    answer, *backfill = subscribe(world.client(), resume=f"{world.history.epoch}:{at}")
    assert answer["resumed"]
    values = [value for message in backfill for _, _, values in message["series"] for value in values]
    assert values == [0.0, 1.0, 2.0][at:]
    assert all(message["backfill"] for message in backfill)


@pytest.mark.parametrize("cursor", ["other:1", "{epoch}:9", "nonsense", "", "{epoch}:-1", "{epoch}:x", "{epoch}:0"])
def test_what_cannot_be_resumed_brings_the_whole_history(cursor: str) -> None:
    world = World(history_points=2)
    for number in range(3):
        world.publish("a", float(number))
        world.flush()
    answer, backfill = subscribe(world.client(), resume=cursor.format(epoch=world.history.epoch))
    assert not answer["resumed"]
    assert backfill["series"][0][2] == [1.0, 2.0]


def test_an_overlapping_subscription_repeats_nothing_also_of_series_that_appeared_since() -> None:
    world = World()
    client = world.client()
    subscribe(client, 1)
    world.publish("new", 1.0)
    world.flush()
    assert [message["type"] for message in subscribe(client, 2, history=WHOLE)] == ["subscribed"]


def test_a_series_that_appears_while_the_client_subscribes_is_described() -> None:
    world = World()
    client = world.client()
    subscribe(client, 1, [{"metric": "a.*"}])
    world.publish("a.new", 1.0)
    subscribe(client, 2, [{"metric": "b.*"}])
    world.flush()
    assert [message["type"] for message in client.take()] == ["series", "samples"]


def test_operations_during_a_backfill_wait_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "OPERATIONS_MAX", 2)
    world = World()
    world.publish("a", 1.0)
    world.flush()
    client = world.client()
    client.stuck = True
    subscribe(client, 1, history=WHOLE)
    client.say(type="unsubscribe", id=1)
    subscribe(client, 2)
    subscribe(client, 3)
    client.pump()
    found = [(message["type"], message.get("id")) for message in client.take()]
    answers = [("unsubscribed", 1), ("subscribed", 2)]
    assert found == [("subscribed", 1), ("error", 3), ("samples", None), *answers]


def test_what_comes_during_a_backfill_follows_it_in_the_chain() -> None:
    world = World()
    world.publish("a", 1.0)
    world.flush()
    client = world.client()
    client.stuck = True
    subscribe(client, 1, history=WHOLE)
    world.publish("a", 2.0)
    world.publish("b", 3.0)
    world.flush()
    client.pump()
    answer, backfill, described, live = client.take()
    assert (answer["seq"], backfill["backfill"], backfill["series"]) == (1, True, [[1, [world.clock.now], [1.0]]])
    assert described["series"][0]["metric"] == "b"
    assert (live["prev"], live["seq"], len(live["series"])) == (1, 2, 2)


def test_what_the_history_lets_go_before_its_turn_is_announced() -> None:
    world = World(history_points=2)
    world.publish("a", 1.0, 2.0)
    world.publish("b", 3.0)
    world.flush()
    client = world.client()
    subscribe(client, 1, [{"metric": "nothing"}])
    client.stuck = True
    subscribe(client, 2, history=WHOLE)
    subscribe(client, 3, [{"metric": "x"}], history=WHOLE)
    world.publish("a", 4.0, 5.0, 6.0)
    world.flush()
    client.pump()
    gaps = [message for message in client.take() if message["type"] == "gap"]
    assert [(gap["from"], gap["to"], gap["samples"]) for gap in gaps] == [(1, 2, 3)]


# Permission.


def test_what_the_token_does_not_allow_is_not_shown() -> None:
    world = World()
    client = world.client(grant=Only("a."))
    world.publish("a.x", 1.0)
    world.publish("b.x", 1.0)
    world.flush()
    answer, backfill = subscribe(client, history=WHOLE)
    assert [descriptor["metric"] for descriptor in answer["series"]] == ["a.x"]
    assert len(backfill["series"]) == 1
    assert only(subscribe(client, 2, [{"metric": "b.x"}]))["code"] == "forbidden"


def test_authenticating_anew_changes_what_is_seen() -> None:
    def authenticator(token: str | None) -> Grant:
        if token is None:
            raise MessageError("bad_token", "no token")
        return Only(token)

    world = World(authenticator)
    client = world.client(grant=Only("a."))
    subscribe(client)
    assert refused(client, type="authenticate", token=5)[0] == "bad_token"
    client.ask(type="authenticate", token="b.")
    world.publish("a.x", 1.0)
    world.publish("b.x", 2.0)
    world.flush()
    described, samples = client.take()
    assert [each["metric"] for each in described["series"]] == ["b.x"]
    assert [series[2] for series in samples["series"]] == [[2.0]]


def test_authenticating_anew_keeps_the_chain_of_what_was_still_on_its_way() -> None:
    world = World(lambda token: Only(str(token)))
    client = world.client(max_rate=1)
    subscribe(client)
    for value in (1.0, 2.0):
        world.publish("a", value)
        world.flush()
    assert [short["seq"] for short in client.take() if short["type"] == "samples"] == [1]
    assert [(short["prev"], short["seq"]) for short in client.ask(type="authenticate", token="a")] == [(1, 2)]


def test_who_left_is_delivered_nothing() -> None:
    world = World()
    client = world.client()
    subscribe(client)
    client.session.leave()
    client.session.leave()
    world.publish("a", 1.0)
    world.flush()
    assert client.take() == []
    assert world.hub.audiences == 0


WORDS = ["hello", "publish", "subscribe", "unsubscribe", "ping", "authenticate", "*", "a", "e:1", PRODUCER]
FIELDS = [
    "type",
    "id",
    "select",
    "samples",
    "metric",
    "tags",
    "time",
    "value",
    "history",
    "resume",
    "token",
    "max_rate",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=8,
)
MESSAGES = st.builds(
    lambda kind, rest: {**rest, "type": kind}, st.sampled_from(WORDS), st.dictionaries(st.sampled_from(FIELDS), JSON)
)


@QUICK
@given(st.lists(MESSAGES | st.just({"type": "subscribe", "id": 1, "select": ALL, "history": WHOLE}), max_size=6))
def test_whatever_is_said_is_answered_by_the_protocol(said: list[Message]) -> None:
    world = World(bad_messages_max=0)
    client = world.client()
    for message in said:
        client.session.receive(json.dumps(message))
        world.flush()
    known = {"bad_message", "unknown_type", "unknown_id", "bad_token", "bad_json", "too_many_samples"}
    known |= {"bad_metric", "bad_tags", "bad_time", "bad_value", "length_mismatch"}
    assert {message["code"] for message in client.take() if message["type"] == "error"} <= known
