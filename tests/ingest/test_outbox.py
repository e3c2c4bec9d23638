"""The outbox against a model of a broadcaster: nothing lost, doubled or reordered, whatever connections do."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.numbering import Numbering
from ingest.outbox import Described, Outbox, Pending
from ingest.samples import Series

A, B = (Described(Series(name, (("run", "1"),)), None, unit) for name, unit in (("a", None), ("b", "s")))


def samples(text: str) -> list[tuple[str, float, Any]]:
    found = []
    for entry in json.loads(text)["samples"]:
        times, values = entry["time"], entry["value"]
        pairs = zip(times, values, strict=True) if isinstance(times, list) else [(times, values)]
        found += [(entry["metric"], time, value) for time, value in pairs]
    return found


def fill(box: Outbox, count: int, described: Described = A) -> None:
    box.put(described, [float(n) for n in range(count)], [float(n) for n in range(count)])


def test_samples_of_a_series_travel_in_columns() -> None:
    box = Outbox(100, 10, 2)
    fill(box, 2)
    box.put(B, [7.0], [8.0])
    message = box.take()
    assert message is not None and json.loads(message.text) == {
        "type": "publish",
        "id": 1,
        "samples": [
            {"metric": "a", "tags": {"run": "1"}, "time": [0.0, 1.0], "value": [0.0, 1.0]},
            {"metric": "b", "tags": {"run": "1"}, "time": 7.0, "value": 8.0, "unit": "s"},
        ],
    }


def test_a_series_that_changes_its_unit_keeps_its_order() -> None:
    box = Outbox(100, 10, 2)
    other = Described(A.series, None, "ms")
    for time, described in enumerate([A, other, A, A]):
        box.put(described, [float(time)], [0.0])
    message = box.take()
    assert message is not None and [time for _, time, _ in samples(message.text)] == [0.0, 1.0, 2.0, 3.0]


def test_the_oldest_go_when_it_is_full() -> None:
    box = Outbox(3, 10, 2)
    fill(box, 5)
    message = box.take()
    assert message is not None and [time for _, time, _ in samples(message.text)] == [2.0, 3.0, 4.0]
    assert (box.sent, box.dropped, box.unacknowledged) == (5, 2, 3)


def test_messages_keep_within_the_limits() -> None:
    box = Outbox(10_000, 1000, 1000)
    box.bound(400, 7)
    fill(box, 100)
    event = Described(Series("e"), "event", None)
    box.put(event, [1.0] * 20, ["é" * 100] * 20)
    taken = []
    while message := box.take():
        taken.append(message)
    assert sum(message.samples for message in taken) == 120
    assert max(message.samples for message in taken) <= 7
    assert max(len(message.text.encode()) for message in taken) <= 400


def test_a_sample_that_fits_no_message_is_rejected_alone() -> None:
    box = Outbox(10, 10, 10)
    box.bound(300, 0)
    box.put(Described(Series("e"), "event", None), [1.0], ["x" * 1000])
    fill(box, 1)
    assert box.take() is None
    message = box.take()
    assert message is not None and message.samples == 1 and box.rejected == 1


def test_a_lower_limit_after_a_reconnect_rejects_what_can_never_arrive() -> None:
    box = Outbox(1000, 1000, 10)
    fill(box, 100)
    box.take()
    assert box.bound(200, 0) == 100
    assert box.idle and box.rejected == 100


def test_answers_to_strangers_change_nothing() -> None:
    box = Outbox(10, 10, 10)
    assert (box.acknowledge(99, 3), box.refuse(99), box.retry(99), box.idle) == (0, 0, False, True)


def taken(box: Outbox) -> Pending:
    message = box.take()
    assert message is not None
    return message


def test_a_duplicate_of_what_was_sent_once_is_rejected() -> None:
    box = Outbox(10, 10, 10)
    fill(box, 3)
    assert box.acknowledge(taken(box).id, 0, duplicate=True) == 3
    assert (box.acknowledged, box.rejected, box.duplicate_messages) == (0, 3, 0)
    fill(box, 1)
    assert taken(box).samples == 0, "its ids are used up, so it asks for others"


def test_a_duplicate_of_what_was_refused_for_the_moment_is_rejected() -> None:
    box = Outbox(10, 10, 10)
    fill(box, 3)
    message = taken(box)
    box.retry(message.id)
    box.repeat()
    assert box.acknowledge(message.id, 0, duplicate=True) == 3


def test_a_duplicate_of_what_was_under_way_when_a_connection_ended_is_believed() -> None:
    box = Outbox(10, 10, 10)
    fill(box, 3)
    message = taken(box)
    box.repeat()
    assert box.acknowledge(message.id, 0, duplicate=True) == 0
    assert (box.acknowledged, box.duplicate_messages, box.idle) == (3, 1, True)


def test_a_repetition_that_was_refused_for_the_moment_may_still_be_one() -> None:
    box = Outbox(10, 10, 10)
    fill(box, 3)
    message = taken(box)
    box.repeat()
    box.retry(message.id)
    assert taken(box) is message
    assert box.acknowledge(message.id, 0, duplicate=True) == 0


def test_a_program_that_repeats_its_messages_is_told_so() -> None:
    box = Outbox(10, 10, 10, Numbering(7, repeats=True))
    fill(box, 3)
    assert box.acknowledge(taken(box).id, 0, duplicate=True) == 0
    assert (box.acknowledged, box.duplicate_messages) == (3, 1)


def test_what_is_dropped_later_resolves_nothing_sent_before() -> None:
    box = Outbox(5, 5, 1)
    fill(box, 5)
    message = taken(box)
    fill(box, 50)
    assert box.dropped == 45 and not box.resolved(1)
    box.acknowledge(message.id, 5)
    assert box.resolved(50) and not box.resolved(51)


def test_nothing_is_sent_before_its_id_is_known_to_be_new() -> None:
    box = Outbox(10, 10, 10, Numbering(1, remembered=True))
    assert box.can_take and box.full_batch, "it asks at once"
    asked = taken(box)
    fill(box, 3)
    assert (asked.id, asked.samples, box.can_take) == (1, 0, False)
    assert box.acknowledge(asked.id, 0, duplicate=True) == 0
    again = taken(box)
    assert again.id > 2**20 and json.loads(again.text)["samples"] == []
    box.acknowledge(again.id, 0)
    assert (taken(box).samples, box.acknowledged, box.duplicate_messages) == (3, 0, 0)


class Journey(RuleBasedStateMachine):
    """One producer, one broadcaster; `wire` is what is under way in the present connection."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox(capacity=20, batch_samples=4, window=3)
        self.box.bound(250, 3)
        self.clock = 0.0
        self.wire: list[str] = []
        self.answers: list[dict[str, Any]] = []
        self.applied: list[tuple[str, float, Any]] = []
        self.under_way: dict[int, list[float]] = {}
        self.last_id = 0
        self.refused: set[int] = set()
        self.holds = True

    @initialize(holds=st.booleans(), remembered=st.none() | st.integers(0, 100) | st.integers(0, 2**50))
    def begin(self, holds: bool, remembered: int | None) -> None:
        """Whether the broadcaster refuses what comes behind a refused message until that comes again.

        `remembered`: the last id it has of an earlier run.
        """
        self.holds = holds
        self.box.numbering = Numbering(50, remembered=remembered is not None)
        self.last_id = remembered or 0

    @rule(count=st.integers(1, 6), described=st.sampled_from([A, B]))
    def put(self, count: int, described: Described) -> None:
        times = [self.clock + n for n in range(count)]
        self.clock += count
        self.box.put(described, times, times)

    @rule()
    def send(self) -> None:
        if message := self.box.take():
            assert message.samples <= 3 and len(message.text.encode()) <= 250
            self.wire.append(message.text)
            self.under_way[message.id] = [time for _, time, _ in samples(message.text)]

    @rule(limited=st.booleans(), blindly=st.booleans())
    def receive(self, limited: bool, blindly: bool) -> None:
        """`blindly`: it is refused for the moment before it is looked at whether it was applied."""
        if not self.wire:
            return
        text = self.wire.pop(0)
        id = json.loads(text)["id"]
        if id <= self.last_id and limited and blindly:
            self.answers.append({"id": id, "limited": True})
        elif id <= self.last_id and id not in self.refused:
            self.answers.append({"id": id, "duplicate": True})
        elif limited or (self.holds and any(earlier < id for earlier in self.refused)):
            self.refused.add(id)
            self.answers.append({"id": id, "limited": True})
        else:
            self.refused.discard(id)
            self.last_id = max(self.last_id, id)
            self.applied += samples(text)
            self.answers.append({"id": id, "accepted": len(samples(text))})

    @rule()
    def answer(self) -> None:
        if not self.answers:
            return
        message = self.answers.pop(0)
        if message.get("limited"):
            assert self.box.retry(message["id"])
        else:
            self.under_way.pop(message["id"], None)
            assert not self.box.acknowledge(
                message["id"], message.get("accepted"), duplicate=message.get("duplicate", False)
            )

    @rule()
    def cut(self) -> None:
        self.wire = [message.text for message in self.box.repeat()]
        self.answers = []

    @invariant()
    def every_sample_is_accounted_for(self) -> None:
        box = self.box
        assert box.sent == box.buffered + box.unacknowledged + box.acknowledged + box.rejected + box.dropped
        assert box.messages <= 3 and len(self.applied) == len(set(self.applied))
        assert box.acknowledged <= len(self.applied)

    @invariant()
    def it_is_known_which_are_resolved(self) -> None:
        """The time of a sample is how many were sent before it."""
        under_way = min((time for times in self.under_way.values() for time in times), default=self.clock)
        for count in range(self.box.sent + 1):
            assert self.box.resolved(count) == (count <= min(under_way, self.box.sent - self.box.buffered))

    def teardown(self) -> None:
        self.cut()
        while not self.box.idle:
            self.send()
            self.receive(limited=False, blindly=False)
            self.answer()
        assert len(self.applied) == len(set(self.applied)) == self.box.acknowledged
        assert self.box.acknowledged + self.box.dropped == self.box.sent and not self.box.rejected
        for metric in "ab":
            times = [time for name, time, _ in self.applied if name == metric]
            assert not self.holds or times == sorted(times)


TestJourney = Journey.TestCase
