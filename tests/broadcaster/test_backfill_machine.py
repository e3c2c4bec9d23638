"""Hub, session, backfill and mailbox together, beside a log of what was accepted.

Each message of the chain has to hold exactly what was accepted and selected between its two ends, a gap has to count
it, and a backfill has to bring, once, all that was held.
"""

import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster import audience, backfill, hub, subscribing
from broadcaster.selection import parse_selection, selects
from ingest.samples import Series
from tests.broadcaster.frame_parts import MACHINE, Message
from tests.broadcaster.world import Client, World

METRICS = ["a.x", "a.y", "a.z", "b.x", "b.y", "b.z"]
GLOBS = ["a.*", "b.*", "*.x", "*", "a.x", "b.y"]


class Reader:
    """One client's half of the proof. What it asked for, it knows by the id."""

    def __init__(self, world: World, client: Client) -> None:
        self.world = world
        self.client = client
        self.asked: dict[int, Message] = {}
        self.selected: dict[int, str] = {}
        self.described: dict[int, Series] = {}
        self.last = 0
        self.seen: set[tuple[Series, object]] = set()
        self.due: list[tuple[Series, object]] = []  # of the backfill under way
        self.lost = 0
        self.begun: list[tuple[int, list[tuple[Series, object]]]] = []  # by answer: the hub's seq, the backfill due
        self.covered: dict[Any, int] = {}
        client.on_send = self.note

    # On the server's side: what is promised at the moment of the answer.

    def note(self, message: Message) -> None:
        history = self.world.history
        if message["type"] == "unsubscribed":
            left = self.wanted(list(self.client.session.subscriptions))
            self.covered = {record: self.covered.get(record, 0) for record in left}
            self.begun.append((history.seq, []))
        elif message["type"] == "subscribed":
            asked = self.asked[message["id"]]
            before = [id for id in self.client.session.subscriptions if id != message["id"]]
            self.covered = {record: self.covered.get(record, 0) for record in self.wanted(before)}
            due: list[tuple[Series, object]] = []
            for record in self.wanted([message["id"]]):
                ring = record.ring
                start, stop = self.first_index(ring, asked, message), ring.index_after(message["seq"])
                stop = min(stop, self.covered.get(record, stop))
                if start < stop:
                    due += [(record.series, value) for value in ring.slice(start, stop)[1]]
                    self.covered[record] = start
            for record in self.wanted(list(self.client.session.subscriptions)):
                self.covered.setdefault(record, record.ring.index_after(message["seq"]))
            self.begun.append((history.seq, due))

    def wanted(self, ids: list[int]) -> list[Any]:
        globs = [self.asked[id]["glob"] for id in ids]
        return [r for r in self.world.history.records.values() if any(wants(glob, r.series) for glob in globs)]

    def first_index(self, ring: Any, asked: Message, answer: Message) -> int:
        if asked.get("history"):
            return int(ring.index_since(self.world.clock.now - asked["history"]))
        if asked.get("resume"):
            epoch, _, seq = asked["resume"].rpartition(":")
            if answer["resumed"]:
                assert epoch == self.world.history.epoch
                assert ring.evicted_seq <= int(seq)
                return int(ring.index_after(int(seq)))
            return int(ring.first_index)
        return int(ring.end_index)

    # On the client's side.

    def read(self) -> None:
        for message in self.client.take():
            flag = "backfill" if "backfill" in message else "conflated" if "conflated" in message else ""
            getattr(self, f"read_{flag or message['type']}")(message)

    def expected(self, after: int, through: int) -> list[tuple[Series, object]]:
        """What a chain owes the client for the batches (after, through]."""
        return [
            (series, value)
            for seq, series, value in self.world.history.log
            if after < seq <= through and any(wants(glob, series) for glob in self.selected.values())
        ]

    def read_error(self, message: Message) -> None:
        assert message["code"] in {"bad_message", "unknown_id", "rate_limited"}

    def read_series(self, message: Message) -> None:
        for descriptor in message["series"]:
            self.described[descriptor["key"]] = Series(descriptor["metric"])

    def read_subscribed(self, message: Message) -> None:
        self.end_of_backfill()
        self.read_series(message)
        seq, self.due = self.begun.pop(0)
        assert self.expected(self.last, seq) == []
        self.selected[message["id"]] = self.asked[message["id"]]["glob"]
        self.last = message["seq"]
        assert message["cursor"] == f"{self.world.history.epoch}:{self.last}"

    def read_unsubscribed(self, message: Message) -> None:
        self.end_of_backfill()
        seq, _ = self.begun.pop(0)
        assert self.expected(self.last, seq) == []
        del self.selected[message["id"]]
        self.seen = {(s, v) for s, v in self.seen if any(wants(glob, s) for glob in self.selected.values())}
        self.last = message["seq"]

    def read_samples(self, message: Message) -> None:
        assert (message["prev"], message["seq"]) == (self.last, max(message["seq"], self.last + 1))
        found = self.found(message)
        expected = self.expected(self.last, message["seq"])
        assert sorted(found, key=by_series) == sorted(expected, key=by_series)
        self.once(found)
        self.last = message["seq"]

    def read_gap(self, message: Message) -> None:
        if message["from"] < self.last == message["to"]:  # of the past: evicted while it waited
            self.lost += message["samples"]
            return
        assert message["from"] == self.last < message["to"]
        expected = self.expected(self.last, message["to"])
        assert len(expected) == message["samples"]
        self.once(expected)
        self.last = message["to"]

    def read_conflated(self, message: Message) -> None:
        newest = dict(self.expected(message["prev"], message["seq"]))
        assert message["seq"] == self.last
        assert dict(self.found(message)) == newest

    def read_backfill(self, message: Message) -> None:
        assert message["seq"] <= self.last
        found = self.found(message)
        self.once(found)
        for sample in found:
            self.due.remove(sample)

    def end_of_backfill(self) -> None:
        """All came that was due, but for what was announced."""
        assert len(self.due) == self.lost
        self.due, self.lost = [], 0

    def found(self, message: Message) -> list[tuple[Series, object]]:
        return [(self.described[key], value) for key, _, values in message["series"] for value in values]

    def once(self, found: list[tuple[Series, object]]) -> None:
        assert not self.seen & set(found)
        assert len(set(found)) == len(found)
        self.seen |= set(found)


def wants(glob: str, series: Series) -> bool:
    return selects(parse_selection([{"metric": glob}], 9), series)


def by_series(sample: tuple[Series, object]) -> str:
    return sample[0].metric  # a stable sort: within a series the order counts


HELLOS: list[dict[str, Any]] = [{}, {}, {}, {"overflow": "drop_oldest"}, {"max_rate": 0.5}, {"max_rate": 0.5}]
CLIENTS = st.integers(0, len(HELLOS) - 1)


class CoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patches: list[Any] = [
            patch.object(hub, "FLUSH_SAMPLES", 12),
            patch.object(backfill, "CHUNK_SAMPLES", 4),
            patch.object(audience, "SECTION_MEMBERS", 2),
        ]
        self.number = 0.0

    @initialize(
        points=st.sampled_from([0, 1, 5, 1_000]),
        age_s=st.sampled_from([0.5, 5.0, 1e6]),
        bytes_max=st.sampled_from([100, 700, 10**6]),
        batches=st.integers(1, 6),
        looked_up=st.sampled_from([None, 1, 3]),
        looks=st.sampled_from([1, 5, 1_000]),
    )
    def begin(self, points: int, age_s: float, bytes_max: int, batches: int, looked_up: int | None, looks: int) -> None:
        self.world = World(history_points=points, history_age_s=age_s, history_bytes=bytes_max, mailbox_batches=batches)
        self.world.searcher.step = looked_up
        clock = SimpleNamespace(time=self.world.clock.time)
        self.patches += [patch.object(subscribing, "time", clock), patch.object(backfill, "TURN_LOOKS", looks)]
        for each in self.patches:
            each.start()
        self.readers = [Reader(self.world, self.world.client(**hello)) for hello in HELLOS]
        for _ in range(4):
            self.publish_and_flush(METRICS[::2])

    def teardown(self) -> None:
        try:
            if sys.exception() is None:
                self.finish()
        finally:
            patch.stopall()

    def finish(self) -> None:
        for _ in range(3):
            self.look_up(1_000)
            for reader in self.readers:
                reader.client.stuck = False
                reader.client.pump()
            self.world.clock.now += 100.0
            self.world.flush()
        for reader in self.readers:
            reader.read()
            reader.end_of_backfill()
            assert reader.expected(reader.last, self.world.history.seq) == []
            assert reader.client.closed is None

    @rule(metric=st.sampled_from(METRICS), ages=st.lists(st.integers(0, 6), min_size=1, max_size=9))
    def publish(self, metric: str, ages: list[int]) -> None:
        values = [self.number + n for n in range(len(ages))]
        self.number += len(ages)
        self.world.publish(metric, *values, times=[self.world.clock.now - age for age in ages])

    @rule(metrics=st.lists(st.sampled_from(METRICS), min_size=1, max_size=3))
    def publish_and_flush(self, metrics: list[str]) -> None:
        for metric in metrics:
            self.publish(metric, [0])
        self.world.flush()

    @rule()
    def flush(self) -> None:
        self.world.flush()

    @rule()
    def collect(self) -> None:
        self.world.hub.collect(self.world.clock.now)

    @rule(members=st.integers(1, 4))
    def serve(self, members: int) -> None:
        self.world.hub.serve(self.world.clock.now, members)

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 20.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.clock.now += seconds
        self.world.hub.sweep(self.world.clock.now)
        self.world.flush()

    @rule(who=CLIENTS, id=st.integers(1, 3), glob=st.sampled_from(GLOBS), past=st.sampled_from([None, 0, 2, 5, 1e9]))
    def subscribe(self, who: int, id: int, glob: str, past: float | None) -> None:
        self.ask(who, id, {"glob": glob, "history": past})

    @rule(who=CLIENTS, id=st.integers(1, 3), glob=st.sampled_from(GLOBS), back=st.integers(-1, 30))
    def resume(self, who: int, id: int, glob: str, back: int) -> None:
        history = self.world.history
        epoch = history.epoch if back else "another"
        self.ask(who, id, {"glob": glob, "resume": f"{epoch}:{max(0, history.seq - back)}"})

    def ask(self, who: int, id: int, asked: Message) -> None:
        reader = self.readers[who]
        id += 10 * len(reader.asked) if id in reader.asked else 0
        reader.asked[id] = asked
        rest = {key: value for key, value in asked.items() if key != "glob" and value is not None}
        reader.client.say(type="subscribe", id=id, select=[{"metric": asked["glob"]}], **rest)

    @rule(glob=st.sampled_from(GLOBS), past=st.sampled_from([None, 1e9]), stuck=st.booleans())
    def everybody_subscribes(self, glob: str, past: float | None, stuck: bool) -> None:
        for who, reader in enumerate(self.readers):
            reader.client.stuck = stuck
            self.ask(who, 9, {"glob": glob, "history": past})

    @rule(who=CLIENTS, which=st.integers(0, 9))
    def unsubscribe(self, who: int, which: int) -> None:
        reader = self.readers[who]
        if ids := list(reader.asked):
            reader.client.say(type="unsubscribe", id=ids[-1 - which % len(ids)])

    @rule(who=CLIENTS)
    def leave(self, who: int) -> None:
        """Whoever writes for it may go on for a moment. Another comes in its place."""
        client = self.readers[who].client
        client.session.leave()
        client.stuck = False
        client.pump()
        self.readers[who] = Reader(self.world, self.world.client(**HELLOS[who]))

    @invariant()
    def nobody_who_left_is_sent_anything(self) -> None:
        if hasattr(self, "readers"):
            sections = [section for audience in self.world.hub._audiences.values() for section in audience.sections]
            members = {member for section in sections for member in (*section.members, *section.joining)}
            assert members <= {reader.client for reader in self.readers}

    @rule(turns=st.integers(1, 20))
    def look_up(self, turns: int) -> None:
        for _ in range(turns):
            self.world.searcher.turn()

    @rule(who=CLIENTS, stuck=st.booleans())
    def stick(self, who: int, stuck: bool) -> None:
        client = self.readers[who].client
        client.stuck = stuck
        if not stuck:
            client.pump()

    @rule(who=CLIENTS, frames=st.integers(1, 4))
    def pump(self, who: int, frames: int) -> None:
        self.readers[who].client.pump(frames)

    @rule(who=CLIENTS)
    def read(self, who: int) -> None:
        self.readers[who].read()


TestCore = CoreMachine.TestCase
TestCore.settings = MACHINE
