"""Over its rates a client is told so, message by message, and closed when it goes on like that."""

import uuid
from dataclasses import dataclass

import orjson

from broadcaster import errors
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import Client, World

ALL = [{"metric": "*"}]


@dataclass(frozen=True)
class Subject(Only):
    prefix: str = ""
    subject: str | None = "ann"


def publish(id: int | None = None, metric: str = "a", **fields: object) -> Message:
    message: Message = {"type": "publish", "samples": [{"metric": metric, "value": 1}], **fields}
    return message if id is None else {**message, "id": id}


def together(client: Client, *messages: Message) -> list[Message]:
    client.take()
    client.session.receive_all([orjson.dumps(message) for message in messages])
    return client.take()


def test_messages_are_taken_as_far_as_they_go_and_the_others_named() -> None:
    client = World(messages_per_second=2).client()
    answers = together(client, publish(5), publish(6), publish(7), publish())
    assert [(answer["type"], answer.get("id")) for answer in answers] == [
        ("ack", 5),
        ("ack", 6),
        ("error", 7),
        ("error", None),
    ]
    assert [answer["code"] for answer in answers[2:]] == ["rate_limited"] * 2
    assert answers[2]["message"] == "messages: at most 2 a second from one connection: come again in 0.6 s"
    assert client.session.published == 2
    assert client.session.quota.refused == {"messages_rate": 2}


def test_every_type_of_message_counts() -> None:
    client = World(messages_per_second=1).client()
    assert client.ask(type="ping", time=1)[0]["type"] == "pong"
    assert client.ask(type="ping", time=1)[0]["code"] == "rate_limited"
    assert client.ask(type="subscribe", id=4, select=ALL)[0]["id"] == 4
    assert client.session.subscriptions == {}


def test_bytes_count() -> None:
    world = World(bytes_per_second=1_000)
    client = world.client()
    assert client.ask(**publish(1, client="x" * 2_000))[0]["type"] == "ack"
    assert "bytes: at most 1000 a second from one connection, got " in client.ask(**publish(2))[0]["message"]
    world.clock.now += 2.0
    assert client.ask(**publish(2))[0]["type"] == "ack"


def test_the_bytes_of_what_came_together_are_those_of_the_wire() -> None:
    client = World(bytes_per_second=1_000).client()
    client.session.receive_all([orjson.dumps(publish())], 900)
    client.session.receive_all([orjson.dumps(publish())], 500)
    assert client.session.published == 2, "one by one it is still allowed"
    client.session.receive_all([orjson.dumps(publish())] * 3, 500)
    assert client.session.quota.refused["bytes_rate"] == 2


def test_a_message_that_was_refused_unread_may_be_sent_again() -> None:
    world = World(messages_per_second=2)
    client = world.client(producer=str(uuid.UUID(int=9)))
    assert [answer["type"] for answer in together(client, publish(1), publish(2))] == ["ack", "error"]
    world.clock.now += 1.0
    assert [answer["type"] for answer in together(client, publish(3), publish(2))] == ["ack", "ack"]
    world.clock.now += 1.0
    (answer,) = together(world.client(producer=str(uuid.UUID(int=9))), publish(2))
    assert answer["duplicate"] is True, "and once it was applied, it is not applied again"
    assert client.session.published == 3


def test_what_a_producer_sent_behind_a_refused_message_does_not_overtake_it() -> None:
    """The rate would allow the second one again, but the first is still on its way back."""
    world = World(samples_per_second=10)
    client = world.client(producer=str(uuid.UUID(int=9)))
    samples = [{"metric": "a", "time": list(range(10)), "value": list(range(10))}]
    assert client.ask(**publish(1, samples=samples))[0]["type"] == "ack"
    first = client.ask(**publish(2))[0]
    assert (first["id"], first["code"], first["retry_after"]) == (2, "rate_limited", 0.6)
    world.clock.now += 0.3
    behind = client.ask(**publish(3))[0]
    assert (behind["id"], behind["code"], behind["retry_after"]) == (3, "rate_limited", 0.3)
    assert behind["message"].startswith("id: a message of this producer that was sent before is refused for now")
    elsewhere = world.client(producer=str(uuid.UUID(int=8)))
    assert elsewhere.ask(**publish(3))[0]["type"] == "ack", "which concerns nobody else"
    world.clock.now += 0.3
    assert [client.ask(**publish(id))[0]["type"] for id in (2, 3)] == ["ack", "ack"]
    assert client.closed is None


def test_what_is_refused_unread_may_be_anything() -> None:
    client = World(messages_per_second=1).client()
    client.session.receive_all([b"{", b"{", b"[]", b'{"type":"publish","id":"x"}', b'{"id":3}'])
    codes = [answer["code"] for answer in client.take()]
    assert codes == ["bad_json", *["rate_limited"] * 4]


def test_going_on_over_the_rate_closes() -> None:
    world = World(messages_per_second=1, rate_limited_s=3.0)
    client = world.client()
    for _ in range(8):
        together(client, publish(), publish(), publish())
        world.clock.now += 0.5
    assert client.closed == errors.RATE_LIMITED


def test_a_pause_makes_up_for_it() -> None:
    world = World(messages_per_second=1, rate_limited_s=3.0)
    client = world.client()
    for _ in range(8):
        together(client, publish(), publish(), publish())
        world.clock.now += 1.5
    assert client.closed is None


def test_two_connections_of_a_subject_share_and_others_do_not() -> None:
    world = World(subject_messages_per_second=2)
    first, second, other = world.client(Subject()), world.client(Subject()), world.client(Subject(subject="bob"))
    assert [first.ask(**publish(1))[0]["type"] for _ in range(2)] == ["ack", "ack"]
    (answer,) = second.ask(**publish(1))
    assert "at most 2 a second from one subject or address" in answer["message"]
    assert other.ask(**publish(1))[0]["type"] == "ack"


def test_who_leaves_or_becomes_somebody_else_is_not_counted_any_more() -> None:
    world = World(authenticator=lambda token: Subject(subject=token))
    client = world.client(Subject(subject=None))
    client.say(type="authenticate", token="bob")
    client.say(type="authenticate", token="ann")  # refused: it is bob's by now
    subjects = world.shared.subjects
    assert [subjects.named(name, 0.0).connections for name in ("sub:ann", "sub:bob")] == [0, 1]
    client.session.leave()
    client.session.leave()
    assert subjects.named("sub:bob", 0.0).connections == 0


def test_new_series_are_limited_in_a_minute() -> None:
    world = World(series_per_minute=2)
    client = world.client()
    samples = [{"metric": name, "value": 1} for name in "abcab"]
    (ack,) = client.ask(type="publish", id=1, samples=samples)
    assert (ack["accepted"], [(item["index"], item["code"]) for item in ack["rejected"]]) == (
        4,
        [(2, "too_many_series")],
    )
    assert "at most 2 new series a minute from one connection: again in 30.1 s" in ack["rejected"][0]["message"]
    world.clock.now += 30.0
    assert client.ask(type="publish", id=2, samples=samples)[0]["accepted"] == 5
    assert client.session.quota.refused == {"series_rate": 1}
