"""A broadcaster and subscribers whose connections are cut at any moment, beside a log of what was accepted.

Since a subscriber last began (again), each sample that it was promised has come once, or was announced as dropped.
"""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster import audience, backfill, errors, hub, subscribing
from broadcaster.audience import Batch
from broadcaster.mailbox import OVERFLOWS, Overflow
from broadcaster.selection import parse_selection, selects
from broadcaster.subscription import GapReported, Resynchronised, Samples, Subscription, Wanted
from ingest.samples import Series
from tests.broadcaster.frame_parts import MACHINE, Message
from tests.broadcaster.world import Client, World

METRICS = ["a.x", "a.y", "b.x", "b.y"]
GLOBS = ("*", "a.*", "*.x")
Sample = tuple[Series, object]


class Peer(Client):
    """The broadcaster's end. Its writer has taken the next frame already, as one that waits for a socket has."""

    def __init__(self, world: World) -> None:
        self.writing = False
        self.hand: bytes | None = None
        super().__init__(world)

    @property
    def _idle(self) -> bool:
        return not self.writing and super()._idle

    def send(self, payload: bytes, *, new_chain: bool = False) -> None:
        super().send(payload, new_chain=new_chain)
        self._write_soon()

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        if self.closed is not None:
            return
        if self.detour is not None:
            self.detour(batch, preface)
            return
        if preface is not None:
            self._describe(preface)
        if self._idle:
            self._read(batch.frame)
        elif not self.mailbox.put(batch):
            self.close(errors.TOO_SLOW)
        self._write_soon()

    def pull(self, payloads: Any, done: Any) -> None:
        super().pull(payloads, done)
        self._write_soon()

    def pump(self, most: int | None = None) -> bool:
        read = 0
        self._write_soon()
        while read != most and self.hand is not None:
            self._read(self.hand)
            self._refill()
            read += 1
        return read > 0

    def _write_soon(self) -> None:
        if not self.writing:
            self._refill()

    def _refill(self) -> None:
        self.writing = True
        self.hand = self._next()
        self.writing = self.hand is not None


@dataclass
class Promise:
    """What the answer to a subscription promised: the past that was held then, and all from this place of the log."""

    past: list[Sample]
    place: int


@dataclass
class Reader:
    """A subscriber, what it got since it last began, and what its connection still has on the way."""

    glob: str
    subscription: Subscription
    peer: Peer | None = None
    resumes: bool = False
    answers: list[Promise] = field(default_factory=list)  # by connection: of the answers that were sent
    promise: Promise | None = None
    got: list[Sample] = field(default_factory=list)
    gaps_before: int = 0  # samples that were announced as dropped before it last began
    newest: dict[Series, object] = field(default_factory=dict)

    def wants(self, series: Series) -> bool:
        return selects(parse_selection([{"metric": self.glob}], 9), series)

    def take(self, message: Message, now: float) -> None:
        events = self.subscription.receive(orjson.dumps(message), now)
        if message["type"] == "subscribed" and (
            not self.resumes or any(isinstance(event, Resynchronised) for event in events)
        ):
            self.promise, self.got, self.newest = self.answers[-1], [], {}
            self.gaps_before = self.subscription.chain.statistics().gap_samples
        for event in events:
            assert not (isinstance(event, GapReported) and not event.announced)
            if isinstance(event, Samples) and not event.conflated:
                self.note(event)

    def note(self, samples: Samples) -> None:
        for column in samples.columns:
            series = column.of.series
            for value in column.values:
                assert isinstance(value, float)
                last = self.newest.get(series, -1.0)
                assert isinstance(last, float) and value > last  # none twice, and in the order accepted
                self.newest[series] = value
                self.got.append((series, value))

    def check(self, log: list[tuple[int, Series, Any]]) -> None:
        """Nothing is on the way: all that was promised has come or was announced."""
        assert self.promise is not None
        owed = self.promise.past + [(series, value) for _, series, value in log[self.promise.place :]]
        owed = [sample for sample in owed if self.wants(sample[0])]
        dropped = self.subscription.chain.statistics().gap_samples - self.gaps_before
        assert set(self.got) <= set(owed)
        assert len(self.got) + dropped == len(owed)


READERS = st.integers(0, 2)


class ResumeMachine(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.number = 0.0

    @initialize(
        points=st.sampled_from([2, 8, 10_000]),
        batches=st.sampled_from([1, 2, 5]),
        overflows=st.lists(st.sampled_from(OVERFLOWS), min_size=3, max_size=3),
        histories=st.lists(st.sampled_from([0.0, 1e9]), min_size=3, max_size=3),
        looks=st.sampled_from([1, 5, 1_000]),
    )
    def begin(self, points: int, batches: int, overflows: list[Overflow], histories: list[float], looks: int) -> None:
        self.settings: dict[str, Any] = {"history_points": points, "mailbox_batches": batches}
        for of, name, value in (
            (hub, "FLUSH_SAMPLES", 12),
            (backfill, "CHUNK_SAMPLES", 4),
            (backfill, "TURN_LOOKS", looks),
            (audience, "SECTION_MEMBERS", 2),
            (subscribing, "time", SimpleNamespace(time=lambda: self.world.clock.now)),
        ):
            patch.object(of, name, value).start()
        self.world = World(**self.settings)
        self.readers = [
            Reader(glob, Subscription(Wanted([{"metric": glob}], history_s, overflow)))
            for glob, overflow, history_s in zip(GLOBS, overflows, histories, strict=True)
        ]
        self.publish(METRICS, 3, 1)
        for who in range(3):
            self.connect(who, 2)
            self.read(who, 20)

    def teardown(self) -> None:
        try:
            if sys.exception() is None and hasattr(self, "world"):
                self.finish()
        finally:
            patch.stopall()

    def finish(self) -> None:
        """Everybody gets a connection that holds, and all that is on the way."""
        for who in range(len(self.readers)):
            self.connect(who, 2)
        for _ in range(4):
            for who, reader in enumerate(self.readers):
                self.stick(who, False)
                self.read(who, 10_000)
                if reader.peer is None:  # ended for being too slow
                    self.connect(who, 2)
                self.ping(who)
            self.world.clock.now += 1.0
            self.world.flush()
        for reader in self.readers:
            reader.check(self.world.history.log)

    @rule(
        metrics=st.lists(st.sampled_from(METRICS), min_size=1, max_size=4),
        count=st.integers(1, 5),
        batches=st.sampled_from([1, 1, 3, 8]),
    )
    def publish(self, metrics: list[str], count: int, batches: int) -> None:
        for _ in range(batches):
            for metric in metrics:
                self.world.publish(metric, *[self.number + n for n in range(count)])
                self.number += count
            self.world.flush()
        self.world.clock.now += 0.1

    @rule(who=READERS, sent=st.sampled_from([2, 2, 2, 2, 1, 0]))
    def connect(self, who: int, sent: int) -> None:
        """`sent`: how many of the two messages that begin a connection reach the broadcaster, should it be cut."""
        reader = self.readers[who]
        if reader.peer is not None:
            return
        reader.peer = peer = Peer(self.world)
        peer.on_send = lambda message: self.promised(reader, message)
        peer.session.start()
        frames = reader.subscription.opening(0.0)
        reader.resumes = "resume" in orjson.loads(frames[1])
        for frame in frames[:sent]:
            peer.session.receive(frame)
        if sent < 2:
            self.cut(who)

    def promised(self, reader: Reader, message: Message) -> None:
        if message["type"] != "subscribed":
            return
        whole = reader.resumes or reader.subscription._wanted.history_s
        past: list[Sample] = []
        for record in self.world.history.records.values() if whole else ():
            ring = record.ring
            past += [(record.series, value) for value in ring.slice(ring.first_index, ring.end_index)[1]]
        reader.answers.append(Promise(past, len(self.world.history.log)))

    @rule(who=READERS, messages=st.integers(0, 6), stuck=st.booleans())
    def connect_anew(self, who: int, messages: int, stuck: bool) -> None:
        """Again, should that one have been cut amid its backfill."""
        self.cut(who)
        self.connect(who, 2)
        self.stick(who, stuck)
        self.read(who, messages)

    @rule(who=READERS)
    def cut(self, who: int) -> None:
        """What is on the way in either direction is gone."""
        reader = self.readers[who]
        if reader.peer is not None:
            reader.peer.session.leave()
            reader.peer = None

    @rule(who=READERS, messages=st.sampled_from([1, 2, 3, 20]))
    def read(self, who: int, messages: int) -> None:
        reader = self.readers[who]
        if reader.peer is None:
            return
        waiting, reader.peer.received = reader.peer.received[:messages], reader.peer.received[messages:]
        for message in waiting:
            reader.take(message, self.world.clock.now)
        if reader.peer.closed is not None and not reader.peer.received:
            self.cut(who)

    @rule(who=READERS)
    def ping(self, who: int) -> None:
        self.world.clock.now += 0.01
        if (peer := self.readers[who].peer) is not None and peer.closed is None:
            peer.session.receive(Subscription.ping(self.world.clock.now))

    @rule(who=READERS, then=st.sampled_from([None, 0, 1, 2, 3, 4, 5, 6]))
    def fall_behind(self, who: int, then: int | None) -> None:
        """And, if a number is given, read so many messages of what came of it, and be cut."""
        self.stick(who, True)
        self.publish(METRICS, 1, 8)
        if then is not None:
            self.stick(who, False)
            self.read(who, then)
            self.connect_anew(who, 0, False)

    @rule(who=READERS, stuck=st.booleans())
    def stick(self, who: int, stuck: bool) -> None:
        if (peer := self.readers[who].peer) is not None:
            peer.stuck = stuck
            if not stuck:
                peer.pump()

    @rule(who=READERS, frames=st.integers(1, 3))
    def pump(self, who: int, frames: int) -> None:
        if (peer := self.readers[who].peer) is not None:
            peer.pump(frames)

    @rule(really=st.sampled_from([*[False] * 15, True]))
    def restart(self, really: bool) -> None:
        """The broadcaster forgets everything: its next life is another epoch."""
        if not really:
            return
        for who in range(len(self.readers)):
            self.cut(who)
        clock = self.world.clock
        self.world = World(**self.settings)
        self.world.clock.now = clock.now + 1.0

    @invariant()
    def nobody_lost_a_batch_in_silence(self) -> None:
        for reader in getattr(self, "readers", ()):
            assert reader.subscription.chain.statistics().losses == 0


TestResume = ResumeMachine.TestCase
TestResume.settings = MACHINE
