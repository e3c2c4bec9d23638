"""Sections of an audience: what they share, and what is each one's own."""

import pytest

from broadcaster import audience as audience_module
from broadcaster.audience import Audience, Column, Section, Wish
from broadcaster.history import Record
from broadcaster.messages import fragment
from broadcaster.selection import parse_selection
from ingest.samples import Series
from tests.broadcaster.world import Inbox

EPOCH = "epoch"


RECORDS = {key: Record(key, Series("abc"[key]), "gauge") for key in range(3)}


def everything() -> Audience:
    audience = Audience(Wish(parse_selection([{}], 1), None, None))
    audience.records |= {record: None for record in RECORDS.values()}
    return audience


def collect(audience: Audience, seq: int, *keys: int) -> None:
    """One sample of each of these series; its value is the seq."""
    value = [float(seq)]
    columns: dict[Record, Column] = {RECORDS[key]: (value, value, fragment(key, value, value)) for key in keys}
    audience.collect(seq, columns)


def joined(section: Section, seq: int) -> Inbox:
    inbox = Inbox()
    section.join(inbox, seq)
    return inbox


def test_a_section_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_module, "SECTION_MEMBERS", 2)
    audience = everything()
    sections = []
    for seq in range(5):
        section = audience.vacant(seq)
        joined(section, seq)
        sections.append(section)
    assert [section.last_seq for section in sections] == [0, 0, 2, 2, 4]
    assert audience.sections == sections[::2]
    members = list(sections[0].members)
    sections[0].leave(members[0])
    assert audience.vacant(9) is sections[4]
    joined(sections[4], 9)
    assert audience.vacant(9) is sections[0], "a place that became free is taken again"


def test_sections_at_the_same_place_share_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_module, "SECTION_MEMBERS", 1)
    audience = everything()
    inboxes = [joined(audience.vacant(0), 0) for _ in range(3)]
    collect(audience, 1, 0, 1)
    for section in audience.sections:
        section.emit(EPOCH, 1)
    assert inboxes[0].batches[0] is inboxes[1].batches[0] is inboxes[2].batches[0]
    assert not any(section.behind for section in audience.sections)


def test_a_section_that_waited_gets_all_of_it_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_module, "SECTION_MEMBERS", 1)
    audience = everything()
    first, second = (joined(audience.vacant(0), 0) for _ in range(2))
    collect(audience, 1, 0, 1)
    audience.sections[0].emit(EPOCH, 1)
    collect(audience, 2, 1, 2)
    collect(audience, 4, 1)
    assert [audience.count_after(RECORDS[1], section.last_seq) for section in audience.sections] == [2, 3]
    audience.sections[1].emit(EPOCH, 4)
    audience.sections[0].emit(EPOCH, 4)
    assert (first.counts, second.counts) == ([(0, 1, 2), (1, 4, 3)], [(0, 4, 5)])
    assert second.messages[0]["series"] == [[0, [1], [1]], [1, [1, 2, 4], [1, 2, 4]], [2, [2], [2]]]
    assert dict(second.batches[0].newest.items()) == {RECORDS[0]: (1, 1), RECORDS[1]: (4, 4), RECORDS[2]: (2, 2)}
    assert not any(audience.count_after(record, 0) for record in RECORDS.values()), "what all have is forgotten"


def test_who_joins_a_section_that_waits_begins_at_the_newest_seq() -> None:
    audience = everything()
    section = audience.vacant(0)
    old = joined(section, 0)
    collect(audience, 1, 0)
    early, late = Inbox(), Inbox()
    assert section.join(early, 1) == 1
    collect(audience, 2, 0)
    assert section.join(late, 2) == 2
    section.emit(EPOCH, 2)
    assert (old.counts, early.counts, late.counts) == ([(0, 2, 2)], [(1, 2, 1)], [])
    collect(audience, 3, 0)
    section.emit(EPOCH, 3)
    assert old.batches[1] is early.batches[1] is late.batches[0]


def test_a_first_batch_without_samples_only_moves_the_chain_on() -> None:
    audience = everything()
    section = audience.vacant(0)
    old = joined(section, 0)
    collect(audience, 1, 0)
    new = joined(section, 1)
    section.emit(EPOCH, 5)  # batches 2 to 5 were others'
    assert (old.counts, new.counts) == ([(0, 5, 1)], [(1, 5, 0)])
    assert new.messages[0]["series"] == []


def test_who_leaves_is_told_where_its_chain_ends() -> None:
    audience = everything()
    section = audience.vacant(3)
    old = joined(section, 3)
    collect(audience, 4, 0)
    new = joined(section, 4)
    assert (section.leave(new), section.leave(old)) == (4, 3)
    assert not section.members and not section.joining


def test_what_is_new_is_described_once() -> None:
    audience = everything()
    section = audience.vacant(0)
    inbox = joined(section, 0)
    section.undescribed[RECORDS[2]] = None
    for seq in (1, 2):
        collect(audience, seq, 2)
        section.emit(EPOCH, seq)
    assert len(inbox.prefaces) == 1
    assert b'"metric":"c"' in inbox.prefaces[0]
