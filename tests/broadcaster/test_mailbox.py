"""The mailbox beside what a client can prove from the wire: nothing lost without a word, nothing out of order."""

from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import descriptions, mailbox, messages
from broadcaster.audience import Batch
from broadcaster.descriptions import WAITING_BYTES
from broadcaster.frames import text_frame
from broadcaster.history import Record
from broadcaster.mailbox import OVERFLOWS, Mailbox, Overflow
from broadcaster.newest import NUMBER_BYTES, OBJECT_BYTES, Newest
from ingest.samples import Series
from tests.broadcaster.frame_parts import QUICK, Message, messages_of

RECORDS = [Record(key, Series(f"m{key}"), "gauge") for key in range(4)]
FOUR = {key: [1.0] for key in range(4)}


def batch(seq: int, prev: int, values: dict[int, list[float]]) -> Batch:
    """`values` by key; the time of a sample is its batch's seq."""
    fragments = [messages.fragment(key, [float(seq)] * len(each), each) for key, each in values.items()]
    newest = Newest(
        [RECORDS[key] for key in values], [float(seq)] * len(values), [each[-1] for each in values.values()]
    )
    frame = text_frame(messages.samples("e", seq, prev, fragments))
    return Batch(seq, prev, sum(map(len, values.values())), frame, newest)


def box(
    overflow: Overflow = "conflate", batches: int = 3, bytes_max: int = 10_000, control_bytes: int = 10_000
) -> Mailbox:
    return Mailbox("e", overflow, batches, bytes_max, control_bytes)


def chain(count: int, key: int = 0) -> list[Batch]:
    return [batch(seq, seq - 1, {key: [float(seq)]}) for seq in range(1, count + 1)]


def answer(number: int, seq: int | None = None) -> bytes:
    return text_frame(orjson.dumps({"type": "answer", "number": number, "seq": seq}))


def drain(box: Mailbox) -> list[Message]:
    found: list[Message] = []
    while (frames := box.take()) is not None:
        found += messages_of(frames)
    assert box.empty
    return found


def short(message: Message) -> tuple[object, ...]:
    match message:
        case {"type": "gap"}:
            return "gap", message["from"], message["to"], message["batches"], message["samples"]
        case {"type": "samples"}:
            return "conflated" if message.get("conflated") else "live", message["prev"], message["seq"]
        case _:
            return "answer", message["number"]


def test_what_fits_leaves_in_order() -> None:
    mine = box()
    first, second, _ = chain(3)
    assert mine.empty
    assert mine.put(first) and mine.put_control(answer(1)) and mine.put(second) and mine.put_control(answer(2))
    assert not mine.empty
    assert [short(m) for m in drain(mine)] == [("live", 0, 1), ("answer", 1), ("live", 1, 2), ("answer", 2)]


def test_conflate_announces_all_that_waited_and_keeps_the_newest_of_each_series() -> None:
    mine = box("conflate", batches=2)
    mine.put(batch(1, 0, {0: [1.0, 2.0], 1: [3.0]}))
    mine.put(batch(2, 1, {0: [4.0]}))
    mine.put(batch(5, 2, {0: [5.0]}))
    found = drain(mine)
    assert [short(m) for m in found] == [("gap", 0, 2, 2, 4), ("conflated", 0, 2), ("live", 2, 5)]
    assert found[1]["series"] == [[0, [2.0], [4.0]], [1, [1.0], [3.0]]]
    assert found[1]["cursor"] == "e:2"


def test_drop_oldest_drops_no_more_than_it_must() -> None:
    mine = box("drop_oldest", batches=2)
    for each in chain(4):
        assert mine.put(each)
    assert [short(m) for m in drain(mine)] == [("gap", 0, 2, 2, 2), ("live", 2, 3), ("live", 3, 4)]


def test_disconnect_refuses_and_loses_nothing_that_waits() -> None:
    mine = box("disconnect", batches=2)
    assert [mine.put(each) for each in chain(3)] == [True, True, False]
    assert [short(m) for m in drain(mine)] == [("live", 0, 1), ("live", 1, 2)]


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_a_batch_larger_than_the_bound_is_delivered_alone(overflow: Overflow) -> None:
    mine = box(overflow, bytes_max=10)
    first, second = chain(2)
    assert mine.put(first)
    assert mine.put(second) == (overflow != "disconnect")
    assert mine.statistics().batches == 1


def test_batches_are_bounded_while_one_is_looked_at() -> None:
    mine = box("drop_oldest", batches=2)
    for each in chain(3):
        mine.put(each)
    assert mine.take() is not None  # the gap: the mailbox looked at its first batch for that
    for each in [batch(4, 3, {0: [4.0]}), batch(5, 4, {0: [5.0]})]:
        mine.put(each)
        assert mine.statistics().batches <= 2


def test_too_many_answers_are_refused_and_none_is_dropped() -> None:
    mine = box(control_bytes=len(answer(1)) * 2)
    assert [mine.put_control(answer(number)) for number in (1, 2, 3)] == [True, True, False]
    assert mine.statistics().control_bytes == len(answer(1)) * 2
    assert [short(m) for m in drain(mine)] == [("answer", 1), ("answer", 2)]
    assert mine.statistics().control_bytes == 0


def test_losses_of_two_chains_are_told_apart() -> None:
    mine = box("conflate", batches=1)
    mine.put(batch(1, 0, {0: [1.0]}))
    mine.put_control(answer(1, seq=7), new_chain=True)
    mine.put(batch(8, 7, {1: [2.0]}))
    mine.put(batch(9, 8, {1: [3.0]}))
    assert [short(m) for m in drain(mine)] == [
        *(("gap", 0, 1, 1, 1), ("conflated", 0, 1), ("answer", 1)),
        *(("gap", 7, 8, 1, 1), ("conflated", 7, 8), ("live", 8, 9)),
    ]


def test_the_newest_samples_of_a_batch_count() -> None:
    """They take as much as its frame, or more."""
    mine = box("drop_oldest", batches=9, bytes_max=1_000)
    for seq in range(1, 10):
        mine.put(batch(seq, seq - 1, FOUR))
        assert mine.statistics().bytes <= 1_000
        assert mine.statistics().bytes == mine.statistics().batches * (len(batch(1, 0, FOUR).frame) + 4 * NUMBER_BYTES)


def test_texts_count_as_long_as_they_are() -> None:
    mine = box("drop_oldest")
    newest = Newest(RECORDS[:2], [1.0, 1.0], ["a" * 1_000, None])
    mine.put(Batch(1, 0, 2, b"frame", newest))
    assert mine.statistics().bytes == 5 + 2 * OBJECT_BYTES + 1_000


@pytest.mark.parametrize("bytes_max", [50, 1_000])
def test_of_very_many_chains_the_oldest_are_told_of_by_their_gaps(bytes_max: int) -> None:
    """A subscriber that subscribes and unsubscribes while its socket is full had all series kept each time."""
    mine = box("conflate", batches=1, bytes_max=bytes_max)
    for seq in range(40):
        mine.put(batch(seq + 1, seq, FOUR))
        mine.put_control(answer(seq, seq + 1), new_chain=True)
        now = mine.statistics()
        assert now.bytes <= bytes_max or now.batches == 1
    waiting = drain(mine)
    newest = [short(m) for m in waiting if m.get("conflated")]
    assert [short(m) for m in waiting if m["type"] == "gap"] == [("gap", seq, seq + 1, 1, 4) for seq in range(39)]
    assert newest == [("conflated", seq, seq + 1) for seq in range(39 - len(newest), 39)]
    assert len(newest) == max(1, bytes_max // 2 // (4 * NUMBER_BYTES))
    assert mine.statistics().bytes == 0


def test_a_gap_comes_behind_the_descriptions_of_its_series() -> None:
    mine = box("conflate", batches=2)
    mine.put(batch(1, 0, {0: [1.0]}))
    mine.put_control(answer(1))
    mine.put(batch(2, 1, {1: [2.0]}))
    mine.put(batch(3, 2, {0: [3.0]}))
    assert [short(m)[0] for m in drain(mine)] == ["answer", "gap", "conflated", "live"]


def test_a_series_is_described_as_it_is_then_and_once_before_the_next_batch() -> None:
    mine, (first, second) = box(), chain(2)
    described = [Record(key, Series(f"d{key}"), "gauge") for key in range(3)]
    assert mine.put_series(described[:2])
    assert mine.put(first)
    described[0].unit = "s"
    assert mine.put_series(described)
    assert mine.put(second)
    assert mine.statistics().control_bytes == 3 * WAITING_BYTES
    told = [
        [(each["key"], each["unit"]) for each in m["series"]] if m["type"] == "series" else m["seq"]
        for m in drain(mine)
    ]
    assert told == [[(0, "s"), (1, None)], 1, [(2, None)], 2]
    assert mine.statistics().control_bytes == 0


def test_descriptions_come_in_pieces_and_answers_between_them_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptions, "TOGETHER", 1)
    mine = box()
    large = [Record(key, Series(f"d{key}"), "gauge") for key in range(9)]
    for record in large:
        record.help = "h" * 30_000
    assert mine.put_series(large[:4])
    ticket = mine.tickets
    assert mine.put_control(answer(0))
    assert mine.put_series(large[4:])
    assert mine.take(0) is None
    assert mine.take(ticket)
    found = drain(mine)
    told = [[each["key"] for each in m["series"]] if m["type"] == "series" else m["type"] for m in found]
    assert told == [[3], "answer", [4, 5, 6], [7, 8]]


def test_too_many_series_to_be_described_are_refused() -> None:
    mine = box(control_bytes=300)
    many = [Record(key, Series(f"d{key}"), "gauge") for key in range(4)]
    assert mine.put_series(many[:3])
    assert mine.put_series(many[:2])
    assert not mine.put_series(many)
    assert not mine.put_control(answer(0))
    assert len(drain(mine)[0]["series"]) == 3


def test_very_many_series_are_conflated_in_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "CONFLATED_SAMPLES", 3)
    mine = box("conflate", batches=1)
    mine.put(batch(1, 0, {key: [1.0] for key in range(4)}))
    mine.put(batch(2, 1, {0: [2.0]}))
    found = drain(mine)
    assert [short(m)[0] for m in found] == ["gap", "conflated", "conflated", "live"]
    assert sorted(series[0] for m in found[1:3] for series in m["series"]) == [0, 1, 2, 3]


@dataclass
class Client:
    """What was put beside what a client makes of what it is sent. The place of a message is its number when put."""

    chains: list[int] = field(default_factory=lambda: [0])  # the seq each chain begins with
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # (chain, seq) -> place of the batch
    batches: dict[tuple[int, int], Batch] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)  # their places
    received: list[Message] = field(default_factory=list)
    put_samples: int = 0

    def check(self) -> None:
        chain, last, place, told, samples = 0, 0, -1, 0, 0
        gap: Message = {}
        for message in self.received:
            kind = short(message)[0]
            if kind == "answer":
                assert message["number"] == told
                at, told = self.answers[told], told + 1
                if message["seq"] is not None:
                    chain, last = chain + 1, message["seq"]
            elif kind == "conflated":
                assert (message["prev"], message["seq"]) == (gap["from"], gap["to"])
                assert message["series"] == self.newest(chain, gap)
                continue
            else:
                assert (message["from"] if kind == "gap" else message["prev"]) == last
                last = message["to"] if kind == "gap" else message["seq"]
                at = self.places[chain, last]
                samples += self.samples_of(message)
                gap = message if kind == "gap" else {}
            assert at > place
            place = at
        assert (samples, told) == (self.put_samples, len(self.answers))

    def samples_of(self, message: Message) -> int:
        if message["type"] == "gap":
            return int(message["samples"])
        return sum(len(times) for _, times, _ in message["series"])

    def newest(self, chain: int, gap: Message) -> list[object]:
        newest = dict[int, tuple[float, object]]()
        for (which, seq), each in self.batches.items():
            if which == chain and gap["from"] < seq <= gap["to"]:
                newest.update({record.key: sample for record, sample in each.newest.items()})
        return [[key, [time], [value]] for key, (time, value) in newest.items()]


VALUES = st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 9).map(float), min_size=1, max_size=5), min_size=1)
PUT = st.tuples(st.just("put"), VALUES, st.integers(1, 3))
ACTIONS = st.one_of(
    PUT,
    PUT,
    st.tuples(st.just("control"), st.none() | st.integers(0, 2), st.none()),
    st.tuples(st.just("take"), st.integers(1, 3), st.none()),
)


def perform(
    client: Client, mine: Mailbox, bounds: Callable[[], None], actions: list[tuple[str, object, object]]
) -> None:
    seq = prev = 0
    for place, action in enumerate(actions):
        match action:
            case "put", dict(values), int(step):
                each = batch(seq + step, prev, values)
                if not mine.put(each):
                    return
                prev = seq = seq + step
                client.places[len(client.chains) - 1, seq] = place
                client.batches[len(client.chains) - 1, seq] = each
                client.put_samples += each.samples
            case "control", step, _:
                starts = None if step is None else seq + int(str(step))
                assert mine.put_control(answer(len(client.answers), starts), new_chain=starts is not None)
                client.answers.append(place)
                if starts is not None:
                    client.chains.append(starts)
                    seq = prev = starts
            case "take", int(count), _:
                for _ in range(count):
                    client.received += messages_of(mine.take() or b"")
        bounds()


@QUICK
@given(
    st.sampled_from(OVERFLOWS), st.integers(1, 4), st.integers(50, 2_000), st.lists(ACTIONS, min_size=12, max_size=40)
)
def test_whatever_happens_each_sample_is_received_or_counted(
    overflow: Overflow, batches: int, bytes_max: int, actions: list[tuple[str, object, object]]
) -> None:
    mine, client = box(overflow, batches, bytes_max), Client()

    def bounds() -> None:
        now = mine.statistics()
        assert now.batches <= batches
        assert now.bytes <= bytes_max or now.batches <= 1
        waiting = sum(each.samples for each in client.batches.values()) - now.taken_samples - now.dropped_samples
        assert waiting >= 0 and (waiting > 0) == (now.batches > 0)

    perform(client, mine, bounds, actions)
    client.received += drain(mine)
    client.check()
    end = mine.statistics()
    assert (end.batches, end.bytes, end.control_bytes) == (0, 0, 0)
    assert (overflow == "disconnect") <= (end.dropped_batches == 0)
    conflated = [m for m in client.received if m.get("conflated")]
    gaps = [m for m in client.received if m["type"] == "gap"]
    assert bool(conflated) == (bool(gaps) and overflow == "conflate")
    assert len(conflated) <= len(gaps)  # of older chains perhaps the gap only
