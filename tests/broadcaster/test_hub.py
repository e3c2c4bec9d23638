from typing import Any

import pytest

from broadcaster import audience as audience_module
from broadcaster import hub as hub_module
from broadcaster.audience import Wish
from broadcaster.ring import NUMBER_BYTES, Ring
from broadcaster.selection import parse_selection
from ingest.samples import Entry, Series
from tests.broadcaster.world import START, Inbox, World


def wish(glob: str, max_rate: float | None = None, **rest: Any) -> Wish:
    return Wish(parse_selection([{"metric": glob}], 9), max_rate, rest.get("allows"), rest.get("scope"))


def join(world: World, glob: str, max_rate: float | None = None, **rest: Any) -> Inbox:
    inbox = Inbox()
    world.hub.join(inbox, wish(glob, max_rate, **rest))
    return inbox


def publish(world: World, *metrics: str) -> None:
    for metric in metrics:
        world.publish(metric, 1.0)
    world.flush()


def test_members_of_an_audience_share_the_bytes() -> None:
    world = World()
    one, two, other = join(world, "a.*"), join(world, "a.*"), join(world, "b.*")
    publish(world, "a.x")
    assert world.hub.audiences == 2
    assert one.batches[0] is two.batches[0]
    assert other.batches == []


def test_a_batch_holds_all_samples_since_the_last_flush_in_columns() -> None:
    world = World()
    inbox = join(world, "*")
    world.publish("a", 1.0, 2.0, times=[10.0, 11.0])
    world.publish("b", None, times=[12.0])
    world.publish("a", 3.0, times=[13.0])
    assert inbox.batches == []
    world.flush()
    message = inbox.messages[0]
    assert message["series"] == [[1, [10.0, 11.0, 13.0], [1.0, 2.0, 3.0]], [2, [12.0], [None]]]
    assert (message["seq"], message["prev"], message["cursor"]) == (1, 0, f"{world.history.epoch}:1")
    batch = inbox.batches[0]
    assert batch.samples == 4
    assert {record.key: newest for record, newest in batch.newest.items()} == {1: (13.0, 3.0), 2: (12.0, None)}


def test_the_chain_skips_batches_without_selected_samples() -> None:
    world = World()
    inbox = join(world, "a")
    for metric in ("a", "b", "b", "a"):
        publish(world, metric)
    assert inbox.chain == [(0, 1), (1, 4)]


def test_nothing_pending_is_no_batch() -> None:
    world = World()
    world.flush()
    world.accept(Entry(Series("a"), [], []))
    world.flush()
    assert (world.history.seq, world.hub.batches) == (0, 0)


def test_a_series_that_appears_joins_and_is_described_first() -> None:
    world = World()
    inbox = join(world, "a.*")
    publish(world, "a.x", "b.x")
    publish(world, "a.x")
    assert len(inbox.prefaces) == 1
    assert b'"metric":"a.x"' in inbox.prefaces[0] and b"b.x" not in inbox.prefaces[0]


def test_a_series_described_anew_is_told_with_its_next_batch() -> None:
    world = World()
    inbox = join(world, "*")
    publish(world, "a")
    for unit in ("B", "B"):
        world.accept(Entry(Series("a"), [1.0], [1.0], unit=unit))
        world.flush()
    assert len(inbox.prefaces) == 2
    assert b'"unit":"B"' in inbox.prefaces[1]


def test_whoever_leaves_gets_what_came_before_and_the_audience_ends() -> None:
    world = World()
    inbox = Inbox()
    section, _ = world.hub.join(inbox, wish("*", 0.1))
    publish(world, "a")
    publish(world, "a")
    assert inbox.chain == [(0, 1)]
    assert world.hub.leave(inbox, section) == 2
    assert inbox.chain == [(0, 1), (1, 2)]
    assert world.hub.audiences == 0
    publish(world, "a")
    assert len(inbox.batches) == 2


def test_a_limited_rate_merges_batches_and_delivers_the_rest_when_due() -> None:
    world = World()
    inbox = join(world, "*", 2.0)
    for _ in range(4):
        publish(world, "a")
        world.clock.now += 0.125
    assert inbox.chain == [(0, 1)]
    assert world.hub.flush_due(START + 0.25) == START + 0.5
    assert world.hub.flush_due(START + 0.5) is None
    assert inbox.chain == [(0, 1), (1, 4)]
    assert inbox.messages[1]["series"][0][2] == [1.0] * 3


def test_a_limited_rate_never_lets_more_wait_than_fits_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `max_rate` = 0.1 somebody could have had ten seconds of everything kept, and merged in one go."""
    monkeypatch.setattr(audience_module, "MERGED_BYTES", 5 * len(b"[1,[1700000000.0],[1.0]]"))
    world = World()
    first = join(world, "*", 0.1)
    publish(world, "a")
    second = join(world, "*", 0.1)
    for _ in range(12):
        publish(world, "a", "b")
    assert [batch.samples for batch in first.batches] == [1, 6, 6, 6, 6]
    assert first.chain == [(0, 1), (1, 4), (4, 7), (7, 10), (10, 13)]
    assert [batch.samples for batch in second.batches] == [6, 6, 6, 6]
    publish(world, "a")
    world.hub.flush_due(START + 10.0)
    assert [inbox.batches[-1].samples for inbox in (first, second)] == [1, 1]


def test_those_whose_time_has_come_are_served_a_few_at_a_time() -> None:
    world = World()
    inboxes = [join(world, "*", 2.0 + number) for number in range(5)]
    publish(world, "a")
    publish(world, "a")
    now = START + 1.0
    left = []
    while (due := world.hub.flush_due(now, 2)) is not None:
        assert due <= now, "the others' time has come, too"
        left.append(sum(len(inbox.batches) == 1 for inbox in inboxes))
    assert left == [3, 1]
    assert all(inbox.chain == [(0, 1), (1, 2)] for inbox in inboxes)


def test_what_takes_long_to_put_together_counts_as_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(4):
        join(world, "*", 2.0 + number)
    world.publish("a", 1.0)
    world.hub.collect(START)
    assert [world.hub.serve(START, 3) for _ in range(2)] == [3, 1]
    monkeypatch.setattr(hub_module, "MEMBER_BYTES", 1)
    world.publish("a", 1.0)
    world.hub.collect(START + 1.0)
    assert [world.hub.serve(START + 1.0, 3) for _ in range(4)] == [1, 1, 1, 1]


def test_a_new_series_is_held_against_wishes_that_were_compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled for each again, ten new series among 300 wishes of 20 globs took 1.8 s."""
    world = World()
    inboxes = [join(world, f"m{number}*") for number in range(20)]

    def unexpected(selection: object) -> None:
        raise AssertionError(selection)

    monkeypatch.setattr(audience_module, "compile_selection", unexpected)
    publish(world, *(f"m{number}.x" for number in range(20)))
    assert [len(inbox.batches) for inbox in inboxes[2:]] == [1] * 18


def test_who_joins_while_others_wait_has_a_first_batch_of_its_own() -> None:
    world = World()
    first = join(world, "*", 1.0)
    publish(world, "a")
    publish(world, "a")
    second = join(world, "*", 1.0)
    assert first.chain == [(0, 1)]
    world.clock.now += 5.0
    publish(world, "a")
    publish(world, "a")
    world.hub.flush_due(world.clock.now + 5.0)
    assert (first.chain, second.chain) == ([(0, 1), (1, 3), (3, 4)], [(2, 3), (3, 4)])
    assert [batch.samples for batch in first.batches + second.batches] == [1, 2, 1, 1, 1]
    assert first.batches[-1] is second.batches[-1]


def test_sections_are_served_in_turn_and_all_of_them_before_any_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_module, "SECTION_MEMBERS", 2)
    world = World()
    inboxes = [join(world, "*") for _ in range(5)]
    assert world.hub.audiences == 1
    for _ in range(3):
        world.publish("a", 1.0)
        world.hub.collect(world.clock.now)
        world.hub.serve(world.clock.now, 2)
    assert [inbox.chain for inbox in inboxes] == [[(0, 1), (1, 3)]] * 2 + [[(0, 2)]] * 2 + [[(0, 3)]]
    assert world.hub.waiting == 1
    world.flush()
    assert world.hub.waiting == 0
    assert [inbox.chain[-1] for inbox in inboxes] == [(1, 3), (1, 3), (2, 3), (2, 3), (0, 3)]
    for _ in range(2):
        publish(world, "a")
    assert len({id(inbox.batches[-1]) for inbox in inboxes}) == 1, "once together, they share the bytes"


def test_an_audience_ends_with_its_last_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_module, "SECTION_MEMBERS", 1)
    world = World()
    members = [Inbox() for _ in range(3)]
    sections = [world.hub.join(member, wish("*"))[0] for member in members]
    world.publish("a", 1.0)
    world.hub.collect(world.clock.now)
    for member, section in zip(members, sections, strict=True):
        assert world.hub.audiences == 1
        assert world.hub.leave(member, section) == 1
        assert member.chain == [(0, 1)]
    assert (world.hub.audiences, world.hub.waiting) == (0, 0)


def test_grants_are_told_apart_and_hide_what_they_do_not_allow() -> None:
    world = World()
    some = join(world, "*", allows=lambda metric: metric == "a", scope=1)
    everything = join(world, "*")
    publish(world, "a", "b")
    assert world.hub.audiences == 2
    assert [len(inbox.messages[0]["series"]) for inbox in (some, everything)] == [1, 2]
    assert [record.series.metric for record in world.hub.select(wish("*", allows=lambda metric: metric == "b"))] == [
        "b"
    ]


def test_a_large_publish_is_cut_into_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FLUSH_SAMPLES", 10)
    world = World()
    inbox = join(world, "*")
    for number in range(5):
        world.publish("a", *[float(number)] * 4)
    world.flush()
    assert [batch.samples for batch in inbox.batches] == [8, 8, 4]
    assert world.hub.accepted_samples == 20


def test_long_texts_count_for_more_than_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FLUSH_SAMPLES", 20)
    world = World()
    inbox = join(world, "*")
    for _ in range(3):
        world.accept(Entry(Series("deploy"), [1.0], ["x" * 500], "event"))
    world.flush()
    assert [batch.samples for batch in inbox.batches] == [1, 1, 1]


def test_publishing_wakes_the_flusher_only_when_something_waits() -> None:
    world, woken = World(series_max=1), list[str]()
    world.hub.on_pending = lambda: woken.append("woken")
    world.accept(Entry(Series("a"), [], []))
    assert woken == []
    world.publish("a", 1.0)
    assert woken == ["woken"]


def test_too_many_series_are_refused_and_a_known_one_is_not() -> None:
    world = World(series_max=1)
    world.publish("a", 1.0)
    refused = world.accept(Entry(Series("b"), [1.0], [1.0]), Entry(Series("a"), [1.0], [1.0]))
    assert [(entry.series.metric, problem.code) for entry, problem in refused] == [("b", "too_many_series")]
    assert world.hub.accepted_samples == 2


def test_a_series_silent_for_long_is_forgotten_and_comes_back_as_a_new_one() -> None:
    world = World(history_age_s=10.0)
    inbox = join(world, "*")
    publish(world, "a")
    world.clock.now += 20.0
    world.hub.sweep(world.clock.now)
    assert not world.history.records
    publish(world, "a")
    assert [message["series"][0][0] for message in inbox.messages] == [1, 2]
    assert len(inbox.prefaces) == 2


def test_a_batch_for_a_full_history_makes_room_for_itself_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "ROOM_LOOKS", 3)
    world = World(history_bytes=400 * NUMBER_BYTES)
    evict, told = Ring.evict, list[int]()

    def counted(ring: Ring, count: int) -> int:
        told.append(count)
        return evict(ring, count)

    monkeypatch.setattr(Ring, "evict", counted)
    for number in range(600):
        before = len(told)
        publish(world, f"m{number % 100}")
        assert len(told) - before <= 3 + 2
        assert world.history.statistics().bytes <= 400 * NUMBER_BYTES
    assert sum(told) >= 200


def test_a_series_that_waits_for_its_flush_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out in the midst of a large publish of new and of long silent series."""
    monkeypatch.setattr(hub_module, "FLUSH_SAMPLES", 10)
    world = World(history_age_s=10.0, history_bytes=24)
    inbox = join(world, "*")
    publish(world, "silent")
    world.clock.now += 9.0
    world.hub.sweep(world.clock.now)
    world.clock.now += 9.0
    for metric in ("a", "silent", "new"):
        world.publish(metric, *[1.0] * 6)
    world.flush()
    assert [batch.samples for batch in inbox.batches] == [1, 6, 6, 6]
