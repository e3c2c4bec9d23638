"""The past in messages, and the seam to the present, step by step."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import orjson
import pytest

from broadcaster import backfill as backfill_module
from broadcaster.audience import Batch, Section, Wish
from broadcaster.backfill import Backfill
from broadcaster.coverage import Coverage
from broadcaster.ring import Ring
from broadcaster.selection import parse_selection
from ingest.samples import Entry, Series
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.world import World


class Held:
    """A member whose live batches all pass by."""

    backfill: Backfill

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        self.backfill.pass_by(batch, preface)


def batches(world: World, *sizes: int, metric: str = "a") -> None:
    """One batch a size; a value is the seq of its batch."""
    for size in sizes:
        world.publish(metric, *[float(world.history.seq + 1)] * size)
        world.flush()


def begin(world: World, seq: int = -1, coverage: Coverage | None = None) -> tuple[Backfill, Section]:
    member = Held()
    section, start = world.hub.join(member, Wish(parse_selection([{}], 1), None, None))
    member.backfill = Backfill(world.history, section, Coverage(start) if coverage is None else coverage, start)
    member.backfill.since_seq(list(section.records), seq)
    return member.backfill, section


def page(payloads: Iterator[bytes]) -> bytes:
    """The next, in as many turns as it takes."""
    return next(filter(None, payloads))


def payload(payloads: Iterator[bytes]) -> Message:
    message: Message = orjson.loads(page(payloads))
    return message


def rest(payloads: Iterator[bytes]) -> list[Message]:
    return [orjson.loads(each) for each in filter(None, payloads)]


def ends(message: Message) -> tuple[str, int, int, int]:
    if message["type"] == "gap":
        return "gap", message["from"], message["to"], message["samples"]
    count = sum(len(times) for _, times, _ in message["series"])
    return "backfill" if message.get("backfill") else "live", message["prev"], message["seq"], count


def test_while_a_page_is_sent_nothing_else_is_kept_of_it() -> None:
    """Neither of the past, nor of what came meanwhile."""
    world = World()
    batches(world, *[50] * 40)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        past = page(payloads)
        assert tracemalloc.get_traced_memory()[0] - before < len(past) + 5_000
        batches(world, *[50] * 40)
        before = tracemalloc.get_traced_memory()[0]
        present = page(payloads)
        assert tracemalloc.get_traced_memory()[0] - before < len(present) + 5_000
    finally:
        tracemalloc.stop()
    assert min(len(past), len(present)) > 20_000


def test_the_past_is_cut_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 4)
    world = World()
    batches(world, 1, 2, 1, 9, 1, 1)
    backfill, _ = begin(world)
    found = rest(backfill.payloads())
    assert [value for message in found for value in message["series"][0][2]] == [1, 2, 2, 3, *[4] * 9, 5, 6]
    assert {kind for kind, *_ in map(ends, found)} == {"backfill"}
    assert max(count for *_, count in map(ends, found)) == 9, (
        "a batch is never cut, and none is merged beyond the bound"
    )
    assert [message["cursor"] for message in found] == [f"{world.history.epoch}:{message['seq']}" for message in found]
    assert found[-1]["seq"] == 6
    assert not backfill.held


def test_since_a_time() -> None:
    world = World()
    for time in (10.0, 20.0, 30.0):
        world.publish("a", time, times=[time])
        world.flush()
    backfill, audience = begin(world, seq=3)
    backfill.since_time(list(audience.records), 15.0)
    assert [message["series"][0][2] for message in rest(backfill.payloads())] == [[20.0, 30.0]]


def test_nothing_of_the_past_releases_at_once() -> None:
    world = World()
    batches(world, 1, 1)
    backfill, _ = begin(world, seq=2)
    assert backfill.held
    assert rest(backfill.payloads()) == []
    assert not backfill.held


def test_what_is_covered_is_not_repeated_and_what_is_older_is_sent() -> None:
    world = World()
    batches(world, 1, 1, 1, 1)
    coverage = Coverage(3)
    backfill, audience = begin(world, seq=1, coverage=coverage)
    assert [message["series"][0][2] for message in rest(backfill.payloads())] == [[2.0, 3.0]]
    assert [coverage.start(record) for record in audience.records] == [1]


def test_what_came_meanwhile_follows_as_a_chain_and_only_then_is_the_member_released() -> None:
    world = World()
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    assert ends(payload(payloads)) == ("backfill", 0, 1, 1)
    batches(world, 2, 3)
    assert ends(payload(payloads)) == ("live", 1, 3, 5)
    batches(world, 1)
    assert backfill.held
    assert ends(payload(payloads)) == ("live", 3, 4, 1)
    assert rest(payloads) == []
    assert not backfill.held


def test_a_series_that_appears_and_is_forgotten_meanwhile_is_announced() -> None:
    world = World(history_age_s=1.0)
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    world.accept(Entry(Series("new"), [], []))  # described with the next batch, before it has a sample
    batches(world, 1)
    batches(world, 3, metric="new")
    for _ in range(2):
        world.clock.now += 2.0
        world.hub.sweep(world.clock.now)
    assert not world.history.records
    found = [ends(message) for message in rest(payloads) if message["type"] != "series"]
    assert sum(count for kind, _, _, count in found if kind == "gap") == 4
    assert found[0][1] == 1 and found[-1][2] == 3
    assert [before[2] == after[1] for before, after in pairwise(found)].count(False) == 0


def test_a_series_that_appears_meanwhile_is_described_before_its_samples() -> None:
    world = World()
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    batches(world, 1, metric="new")
    described, live = rest(payloads)
    assert described["series"][0]["metric"] == "new"
    assert ends(live) == ("live", 1, 2, 1)


def test_a_series_described_again_and_again_meanwhile_is_described_once_as_it_is_then() -> None:
    """Otherwise every description would be kept while a slow socket takes a page."""
    world = World()
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    for n in range(5):
        world.accept(Entry(Series("a"), [1.0], [1.0], "gauge", None, f"help {n}"))
        world.accept(Entry(Series("b"), [1.0], [1.0]))
        world.flush()
    described, *live = rest(payloads)
    assert [(each["metric"], each["help"]) for each in described["series"]] == [("a", "help 4"), ("b", None)]
    assert sum(count for *_, count in map(ends, live)) == 10


def test_many_series_that_appear_meanwhile_are_described_in_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_module, "DESCRIBED_SERIES", 2)
    world = World()
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    for metric in "bcxyde":
        world.publish(metric, 1.0)
    world.flush()
    backfill.restrict(lambda metric: metric not in "xy")
    *described, live = rest(payloads)
    assert [[each["metric"] for each in message["series"]] for message in described] == [["b", "c"], ["d", "e"]]
    assert ends(live) == ("live", 1, 2, 4)


def test_of_the_past_what_is_evicted_before_its_turn_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 1)
    world = World(history_points=4)
    batches(world, 1, 1, 1, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    assert ends(payload(payloads)) == ("backfill", 0, 1, 1)
    batches(world, 1, 1)
    found = list(map(ends, rest(payloads)))
    assert found == [
        *(("backfill", 1, 1, 1), ("backfill", 1, 1, 1), ("gap", 0, 4, 1)),  # whoever resumes at 1 is told
        *(("live", 4, 5, 1), ("live", 5, 6, 1)),
    ]
    assert not world.history.holds_after(list(world.history.records.values()), 1)


def test_of_the_present_what_is_evicted_is_a_gap_of_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 1)
    world = World(history_points=2)
    batches(world, 1)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    batches(world, 1, 1)
    assert ends(payload(payloads)) == ("live", 1, 2, 1)
    batches(world, 1, 1)
    assert list(map(ends, rest(payloads))) == [("gap", 2, 3, 1), ("live", 3, 4, 1), ("live", 4, 5, 1)]


def test_a_series_forgotten_meanwhile_is_counted() -> None:
    world = World(history_age_s=10.0)
    batches(world, 1)
    backfill, audience = begin(world)
    payloads = backfill.payloads()
    payload(payloads)
    batches(world, 3)
    batches(world, 2, metric="new")
    for _ in range(2):
        world.clock.now += 20.0
        world.hub.sweep(world.clock.now)
    assert not audience.records
    gaps = [message for message in rest(payloads) if message["type"] == "gap"]
    assert list(map(ends, gaps)) == [("gap", 1, 3, 5)]


class Looks:
    """How often rings were looked at, since it was asked last and in all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all = self._told = 0
        after = Ring.index_after

        def counted(ring: Ring, seq: int) -> int:
            self.all += 1
            return after(ring, seq)

        monkeypatch.setattr(Ring, "index_after", counted)

    def turn(self) -> int:
        told, self._told = self._told, self.all
        return self.all - told


def test_of_very_many_series_few_are_looked_at_in_a_turn_and_each_about_as_often_as_it_has_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking at all for each page would be 12,000 times for the past, and as often for the present."""
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 10)
    monkeypatch.setattr(backfill_module, "TURN_LOOKS", 8)
    world = World()

    def publish() -> None:
        for number in range(600):
            world.publish(f"m{number % 200}", float(number))
            if number % 10 == 9:
                world.flush()

    publish()
    backfill, _ = begin(world)
    payloads, looks = backfill.payloads(), Looks(monkeypatch)
    publish()
    found, most = list[Message](), 0
    looks.turn()
    for each in payloads:
        most = max(most, looks.turn())
        found += [orjson.loads(each)] if each else []
    assert most <= 20
    assert looks.all <= 4 * 1_200
    assert [sum(count for kind, *_, count in map(ends, found) if kind == of) for of in ("backfill", "live")] == [
        600
    ] * 2
    assert max(count for *_, count in map(ends, found)) <= 10
    assert len([message for message in found if message["series"]]) <= 2 * 60 + 2


def test_what_is_evicted_before_it_was_looked_at_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume promised all of it."""
    monkeypatch.setattr(backfill_module, "TURN_LOOKS", 1)
    world = World(history_points=3)
    for metric in "abcd":
        batches(world, 1, 1, 1, metric=metric)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    assert next(payloads) == backfill_module.OTHERS_FIRST
    for metric in "abcd":
        batches(world, 1, 1, metric=metric)
    found = list(map(ends, rest(payloads)))
    assert sum(count for kind, *_, count in found if kind == "backfill") == 4
    assert [each for each in found if each[0] == "gap"] == [("gap", 0, 12, 8)]
    assert sum(count for kind, *_, count in found if kind == "live") == 8
    assert not world.history._told


def in_turns_of_a_look(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Backfill]:
    """Of four series with a sample each, and without signs between."""
    monkeypatch.setattr(backfill_module, "TURN_LOOKS", 1)
    monkeypatch.setattr(backfill_module, "SIGN_TURNS", 1_000)
    world = World()
    for metric in "abcd":
        batches(world, 1, metric=metric)
    backfill, _ = begin(world)
    return world, backfill


def test_nobody_who_went_while_it_was_planned_is_told_of_evictions(monkeypatch: pytest.MonkeyPatch) -> None:
    world, backfill = in_turns_of_a_look(monkeypatch)
    payloads = backfill.payloads()
    assert next(payloads) == backfill_module.OTHERS_FIRST
    assert world.history._told
    del payloads
    assert not world.history._told


def test_what_is_evicted_while_its_message_is_made_makes_that_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_module, "TURN_LOOKS", 1)
    world = World(history_points=2)
    for metric in "abcd":
        batches(world, 1, metric=metric)
    backfill, _ = begin(world)
    payloads = backfill.payloads()
    while (past := payload(payloads))["seq"] < 4:
        assert past["backfill"]
    for metric in "abcd":
        batches(world, 1, metric=metric)
    while not backfill._page:
        assert next(payloads) == backfill_module.OTHERS_FIRST
    for metric in "abcd":
        batches(world, 1, 1, metric=metric)
    found = list(map(ends, rest(payloads)))
    assert found[0][:3] == ("gap", 4, found[1][1])
    assert sum(count for *_, count in found) == 12
    assert [before[2] == after[1] for before, after in pairwise(found)].count(False) == 0
    assert found[-1][2] == world.history.seq


def test_what_became_forbidden_while_a_page_is_made_is_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world, backfill = in_turns_of_a_look(monkeypatch)
    payloads = backfill.payloads()
    while len(backfill._page) < 3:
        assert next(payloads) == backfill_module.OTHERS_FIRST
    backfill.restrict(lambda metric: metric == "a")
    for metric in "abcd":
        batches(world, 1, metric=metric)
    keys = {record.key for record in world.history.records.values() if record.series.metric == "a"}
    found = [message for message in rest(payloads) if message["type"] == "samples"]
    assert {key for message in found for key, *_ in message["series"]} == keys
    assert sum(count for *_, count in map(ends, found)) == 2
    assert not backfill.held
