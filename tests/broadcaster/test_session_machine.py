"""Sessions that are told anything, good or bad, in any order: each message gets the answer it is due, and no other.

What a subscriber is owed while it is slow is the subject of the machine of the backfill; these clients read at once.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster import errors
from broadcaster.selection import selects
from broadcaster.session import HANDLERS
from tests.broadcaster.frame_parts import MACHINE, Message
from tests.broadcaster.world import Client, World

METRICS = ["a.x", "a.y", "b.x", "a.x", "a.y", "b.x", "", 5]
PRODUCERS = ["3f0c1a52-7c3b-4a57-9d8e-1f2a3b4c5d6e", "3f0c1a52-7c3b-4a57-9d8e-1f2a3b4c5d6f", None]
GLOBS = ["*", "a.*", "*.x", "a.x"]
OURS = 5e9  # the time of samples whose values come only once: within any history that is asked for
CODES = {"bad_json", "bad_message", "unknown_type", "bad_token", "forbidden", "rate_limited", "unknown_id"}
CODES |= {"id_not_increasing", "too_many_samples", "bad_metric", "bad_value", "bad_time", "bad_tags", "length_mismatch"}
CODES |= {"too_many_series"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # names that mean something, and others
    | st.sampled_from(["", "*", "a.x", "conflate", "e:1", *(name for name in PRODUCERS if name), *HANDLERS])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["metric", "tags", "value"]), inner),
    max_leaves=6,
)
FIELDS = ["id", "samples", "select", "history", "resume", "time", "token", "producer", "client", "overflow", "max_rate"]


@dataclass
class Heard:
    """One client and what was said to it."""

    client: Client
    number: int
    last: int | None = None  # of the chain; None: no subscription
    seen: Counter[tuple[int, float]] = field(default_factory=Counter)

    def read(self) -> list[Message]:
        """The answers; what is no answer is checked here."""
        answers = []
        for message in self.client.take():
            match message["type"]:
                case "samples":
                    self.samples(message)
                case "gap":
                    assert self.last is not None and message["from"] == self.last
                    self.last = message["to"]
                case "series":
                    assert message["series"]
                case _:
                    answers.append(message)
        return answers

    def samples(self, message: Message) -> None:
        assert self.last is not None
        if not message.get("backfill"):
            assert message["prev"] == self.last < message["seq"]
            self.last = message["seq"]
        for key, times, values in message["series"]:
            self.seen.update((key, value) for time, value in zip(times, values, strict=True) if time == OURS)
        assert max(self.seen.values(), default=1) == 1  # once, however many subscriptions select it


CLIENTS = st.integers(0, 2)


class SessionMachine(RuleBasedStateMachine):
    @initialize(series_max=st.sampled_from([2, 100]), samples=st.sampled_from([0, 4]), bad=st.sampled_from([0, 6]))
    def begin(self, series_max: int, samples: int, bad: int) -> None:
        self.world = World(series_max=series_max, samples_per_message=samples, bad_messages_max=bad)
        self.value = 0.0
        self.accepted = 0
        self.count = 0
        self.heard = [self.connected() for _ in range(3)]
        self.applied: set[tuple[str, int]] = set()
        self.subscribe(0, 1, ["*"], False)

    def connected(self) -> Heard:
        self.count += 1
        client = Client(self.world)
        client.session.start()
        (welcome,) = client.take()
        assert (welcome["type"], welcome["epoch"]) == ("welcome", self.world.history.epoch)
        return Heard(client, self.count)

    def say(self, who: int, message: Message | bytes) -> list[Message]:
        """The answers to a message. A client that was closed is followed by another."""
        mine = self.heard[who]
        before = dict(self.world.shared.errors)
        mine.client.session.receive(message if isinstance(message, bytes) else orjson.dumps(message))
        answers = mine.read()
        wrong = [answer for answer in answers if answer["type"] == "error"]
        assert sum(self.world.shared.errors.values()) - sum(before.values()) == len(wrong)
        for each in wrong:
            assert each["code"] in CODES and each["message"]
        if mine.client.closed is not None:
            assert mine.client.closed in (errors.BAD_MESSAGES, errors.FORBIDDEN) and wrong
            assert self.world.config.bad_messages_max
            self.reconnect(who)
        return answers

    @rule(who=CLIENTS)
    def reconnect(self, who: int) -> None:
        self.heard[who].client.session.leave()
        self.heard[who] = self.connected()

    @rule(who=CLIENTS, producer=st.sampled_from(PRODUCERS), rate=st.sampled_from([None, 5]))
    def hello(self, who: int, producer: str | None, rate: float | None) -> None:
        spoken = self.heard[who].client.session._spoken
        answers = self.say(who, {"type": "hello", "producer": producer, "max_rate": rate})
        assert [answer["type"] for answer in answers] == ["error"] * spoken

    def entry(self, metric: object, values: int, bad: bool) -> Message:
        column = [self.value + n for n in range(values)]
        self.value += values
        entry: Message = {"metric": metric, "value": column, "time": [OURS] * values}
        return {**entry, "time": [OURS] * (values + 1)} if bad else entry

    @rule(
        who=CLIENTS,
        id=st.none() | st.integers(0, 12),
        entries=st.lists(
            st.tuples(st.sampled_from(METRICS), st.integers(0, 3), st.sampled_from([False, False, True])), max_size=3
        ),
        flushed=st.booleans(),
    )
    def publish(self, who: int, id: int | None, entries: list[tuple[object, int, bool]], flushed: bool) -> None:
        self.publish_to(who, id, entries)
        if flushed:
            self.flush(0.1)

    @rule(who=CLIENTS, id=st.integers(0, 12))
    def publish_again_on_another_connection(self, who: int, id: int) -> None:
        for _ in range(2):
            self.reconnect(who)
            self.hello(who, PRODUCERS[0], None)
            self.publish_to(who, id, [("a.x", 1, False)])

    def publish_to(self, who: int, id: int | None, entries: list[tuple[object, int, bool]]) -> None:
        message: Message = {"type": "publish", "samples": [self.entry(*each) for each in entries]}
        if id is not None:
            message["id"] = id
        mine, before = self.heard[who], self.world.hub.accepted_samples
        producer = mine.client.session.producer
        known = (producer, id) in self.applied
        answers = self.say(who, message)
        accepted = self.world.hub.accepted_samples - before
        self.accepted += accepted
        total = sum(values for _, values, _ in entries)
        if id is None:
            assert [answer["type"] for answer in answers] in ([], ["error"])
            return
        (answer,) = answers
        assert answer["id"] == id
        if answer["type"] == "error":
            assert accepted == 0
            assert answer["code"] in ("too_many_samples", "id_not_increasing")
        elif answer.get("duplicate"):
            assert producer is not None and accepted == 0
        else:
            assert not known and answer["accepted"] == accepted <= total
            assert all(0 <= each["index"] < len(entries) for each in answer["rejected"])
            if producer is not None:
                self.applied.add((producer, id))

    @rule(who=CLIENTS, id=st.integers(0, 4), globs=st.lists(st.sampled_from(GLOBS), max_size=2), past=st.booleans())
    def subscribe(self, who: int, id: int, globs: list[str], past: bool) -> None:
        mine = self.heard[who]
        session = mine.client.session
        good = bool(globs) and id not in session.subscriptions
        message: Message = {"type": "subscribe", "id": id, "select": [{"metric": glob} for glob in globs]}
        if past:
            message["history"] = 1e9
        first = not session.subscriptions
        if good:
            mine.last = 0 if first else mine.last
            mine.client.on_send = lambda sent: self.chained(mine, sent)
        (answer,) = self.say(who, message)
        assert answer["type"] == ("subscribed" if good else "error") and answer["id"] == id
        assert (id in session.subscriptions) or not good or session is not self.heard[who].client.session

    def chained(self, mine: Heard, sent: Message) -> None:
        """What names where the chain goes on is read in its place."""
        if sent["type"] in ("subscribed", "unsubscribed"):
            for message in mine.client.take():
                if message["type"] == "samples":
                    mine.samples(message)
            mine.last = sent["seq"]

    @rule(who=CLIENTS, id=st.integers(0, 4))
    def unsubscribe(self, who: int, id: int) -> None:
        mine = self.heard[who]
        known = id in mine.client.session.subscriptions
        mine.client.on_send = lambda sent: self.chained(mine, sent)
        (answer,) = self.say(who, {"type": "unsubscribe", "id": id})
        assert (answer["type"], answer["id"]) == ("unsubscribed" if known else "error", id)
        if known:
            left = [r.key for r in self.world.history.records.values() if self.selected(mine, r)]
            mine.seen = Counter({(key, value): 1 for key, value in mine.seen if key in left})

    @staticmethod
    def selected(mine: Heard, record: Any) -> bool:
        chosen = mine.client.session.subscriptions.values()
        return any(selects(selection, record.series) for selection in chosen)

    @rule(who=CLIENTS, time=st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False))
    def ping(self, who: int, time: float) -> None:
        (answer,) = self.say(who, {"type": "ping", "time": time})
        assert (answer["type"], answer["time"]) == ("pong", time)

    @rule(who=CLIENTS, kind=st.sampled_from([*HANDLERS, "publish", "subscribe", "x"]) | JSON, data=st.data())
    def say_anything(self, who: int, kind: Any, data: st.DataObject) -> None:
        """Fields of the right names with any values. No more than one answer comes, and the right kind of it."""
        message = {"type": kind, **data.draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))}
        if kind in ("subscribe", "unsubscribe"):
            message["id"] = -1  # what is good of those has rules of its own
        before = self.world.hub.accepted_samples
        answers = self.say(who, message)
        assert len(answers) <= 1
        self.accepted += self.world.hub.accepted_samples - before
        good = {"publish": "ack", "ping": "pong", "hello": None, "authenticate": None}
        for answer in answers:
            assert answer["type"] in ("error", good.get(kind) if isinstance(kind, str) else "error")
        assert answers or kind in ("hello", "authenticate", "publish")

    @rule(
        who=CLIENTS, data=st.binary(max_size=20) | st.sampled_from([b"[" * 2_000, b'{"type":' * 500, b"1e400", b"{}"])
    )
    def say_what_is_no_message(self, who: int, data: bytes) -> None:
        (answer,) = self.say(who, data)
        assert answer["type"] == "error"

    @rule(seconds=st.sampled_from([0.0, 0.3, 30.0]))
    def flush(self, seconds: float) -> None:
        self.world.clock.now += seconds
        self.world.flush()
        for mine in self.heard:
            assert mine.read() == []

    @invariant()
    def everything_accepted_is_flushed_once(self) -> None:
        if hasattr(self, "world"):
            waiting = sum(len(times) for times, _ in self.world.hub._pending.values())
            assert len(self.world.history.log) + waiting == self.world.hub.accepted_samples == self.accepted


TestSession = SessionMachine.TestCase
TestSession.settings = MACHINE
