"""Rings beside naive lists, and what they leave of the heap."""

import math
import subprocess
import sys

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster import ring as rings
from broadcaster.ring import NUMBER_BYTES, TEXT_BYTES, Ring, text_bytes
from ingest.samples import Value
from tests.broadcaster.frame_parts import MACHINE

NUMBERS = st.floats(-1e9, 1e9) | st.none()


def nulls(values: list[float]) -> list[Value]:
    return [None if math.isnan(value) else value for value in values]


class RingMachine(RuleBasedStateMachine):
    """`held` is the model: (index, seq, time, value) of what was appended and not evicted."""

    @initialize(text=st.booleans())
    def begin(self, text: bool) -> None:
        self.text = text
        self.ring = Ring(text=text)
        self.held: list[tuple[int, int, float, Value]] = []
        self.seq = self.appended = self.evicted_seq = 0

    @rule(
        gap=st.integers(1, 3),
        samples=st.lists(st.tuples(st.integers(0, 20), NUMBERS), min_size=1, max_size=8),
        tail=st.sampled_from(["", "é", "€", "😀"]),
    )
    def append(self, gap: int, samples: list[tuple[int, float | None]], tail: str) -> None:
        self.seq += gap
        times = [float(time) for time, _ in samples]
        values: list[Value] = [f"{value}{tail}" if self.text else value for _, value in samples]
        self.ring.append(self.seq, times, values)
        for time, value in zip(times, values, strict=True):
            self.held.append((self.appended, self.seq, time, value))
            self.appended += 1

    @rule(count=st.integers(0, 12))
    def evict(self, count: int) -> None:
        gone, self.held = self.held[:count], self.held[count:]
        assert self.ring.evict(count) == len(gone)
        if gone:
            self.evicted_seq = gone[-1][1]

    @rule()
    def evict_all(self) -> None:
        self.evict(len(self.held))

    @rule(seq=st.integers(0, 60))
    def index_after(self, seq: int) -> None:
        later = [index for index, at, _, _ in self.held if at > seq]
        assert self.ring.index_after(seq) == (later[0] if later else self.appended)

    @rule(time=st.integers(0, 21))
    def index_since(self, time: int) -> None:
        since = [index for index, _, at, _ in self.held if at >= time]
        assert self.ring.index_since(float(time)) == (since[0] if since else self.appended)

    @rule(start=st.integers(0, 60), length=st.integers(0, 20))
    def slice(self, start: int, length: int) -> None:
        times, values = self.ring.slice(start, start + length)
        expected = [(time, value) for index, _, time, value in self.held if start <= index < start + length]
        found = values if self.text else nulls(values)
        assert list(zip(times, found, strict=True)) == expected

    @invariant()
    def figures(self) -> None:
        if not hasattr(self, "ring"):
            return
        ring = self.ring
        assert (len(ring), ring.end_index, ring.evicted_seq) == (len(self.held), self.appended, self.evicted_seq)
        assert ring.first_index == self.appended - len(self.held)
        texts = sum(text_bytes(str(value)) for _, _, _, value in self.held) if self.text else 0
        assert ring.bytes == len(self.held) * (TEXT_BYTES if self.text else NUMBER_BYTES) + texts


TestRing = RingMachine.TestCase
TestRing.settings = MACHINE


@pytest.mark.parametrize(("char", "width"), [("x", 1), ("é", 1), ("€", 2), ("😀", 4)])
def test_a_text_costs_what_its_widest_character_makes_of_it_and_its_copy_in_utf_8(char: str, width: int) -> None:
    """Told by what is allocated; once it is encoded, by orjson, the copy is part of the text."""
    text = "".join([char, "y" * 999])
    cost = text_bytes(text)
    assert width * 1_000 <= cost
    assert len(orjson.dumps(text)) == 1_001 + len(char.encode())
    taken = sys.getsizeof(text)
    assert taken <= TEXT_BYTES + cost
    assert cost == text_bytes(text) <= taken - sys.getsizeof("") + width


def test_texts_cost_the_same_when_they_go_however_they_were_used_since() -> None:
    ring = Ring(text=True)
    texts = [f"{char}{number:04}" for number in range(100) for char in "xé€😀"]
    ring.append(1, [0.0] * 400, texts)
    assert ring.text_bytes == sum(map(text_bytes, texts)) > 3 * sum(map(len, texts))
    orjson.dumps(texts)
    for count in (150, 250):
        ring.evict(count)
    assert (ring.text_bytes, ring.bytes) == (0, 0)


def test_memory_is_given_back() -> None:
    ring = Ring()
    for seq in range(1, 20_001):
        ring.append(seq, [float(seq)], [1.0])
        ring.evict(len(ring) - 10)
    assert ring.end_index - ring.base < 12
    assert (ring.first_index, ring.end_index) == (19_990, 20_000)


@pytest.mark.parametrize("text", [False, True])
def test_what_is_evicted_takes_little_memory_beside_what_is_held(text: bool) -> None:
    """In rings that are longer than any fixed number of samples, too."""
    ring, value = Ring(text=text), "x" if text else 1.0
    for seq in range(1, 2_001):
        ring.append(seq, [float(seq)] * 10, [value] * 10)
        ring.evict(len(ring) - 8_000)
        assert ring.end_index - ring.base <= len(ring) * 8 / 7 + 1
    assert (len(ring), ring.first_index) == (8_000, 12_000)


def test_a_time_that_falls_from_one_batch_to_the_next_is_still_found() -> None:
    ring = Ring()
    for seq, time in enumerate((5.0, 9.0, 1.0, 2.0), 1):
        ring.append(seq, [time], [0.0])
    assert [ring.index_since(time) for time in (1.0, 6.0, 9.5)] == [0, 1, 4]


def test_a_null_among_the_numbers_is_kept_as_one_sample() -> None:
    ring = Ring()
    ring.append(1, [1.0, 2.0, 3.0], [5.0, None, 7.0])
    times, values = ring.slice(0, 3)
    assert (times, nulls(values), len(ring)) == ([1.0, 2.0, 3.0], [5.0, None, 7.0], 3)


@pytest.mark.parametrize("text", [False, True])
def test_what_is_held_in_many_chunks_is_found_where_it_is(text: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "CHUNK", 8)
    ring = Ring(text=text)
    for seq in range(1, 101):
        ring.append(seq, [float(seq)], [str(seq) if text else float(seq)])
    ring.evict(42)
    assert (ring.first_index, ring.end_index, ring.evicted_seq, ring.first_seq) == (42, 100, 42, 43)
    assert [ring.index_after(seq) for seq in (0, 42, 43, 48, 99, 100)] == [42, 42, 43, 48, 99, 100]
    assert [ring.index_since(time) for time in (0.0, 43.5, 49.0, 101.0)] == [42, 43, 48, 100]
    assert [ring.seq_at(index) for index in (42, 47, 48, 99)] == [43, 48, 49, 100]
    assert ring.slice(40, 60)[0] == [float(seq) for seq in range(43, 61)]
    assert ring.slice(95, 200)[1] == [str(seq) if text else float(seq) for seq in range(96, 101)]
    assert ring.slice(100, 200) == ring.slice(0, 42) == ([], [])
    for index in (0, ring.base - 1, 100):
        with pytest.raises(IndexError):
            ring.seq_at(index)


def test_times_that_fall_are_found_in_older_chunks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "CHUNK", 2)
    ring = Ring()
    for seq, time in enumerate((9.0, 1.0, 2.0, 8.0, 1.0, 1.0), 1):
        ring.append(seq, [time], [0.0])
    ring.evict(1)
    assert [ring.index_since(time) for time in (1.0, 3.0, 8.5)] == [1, 3, 6]


HEAP = """
import ctypes, random
from collections import deque
from broadcaster.history import History
from ingest.samples import Series

class Info(ctypes.Structure):  # struct mallinfo2 of glibc
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

dice, history = random.Random(1), History(10**6, 1e9, 24 * 2**20, 1000)
records = [history.add(Series(f"m{number}"), None) for number in range(200)]
frames = deque(maxlen=300)  # some of what was sent waits for slow readers
for turn in range(1_000):
    history.seq += 1
    for record in records[turn % 4 :: 4]:
        history.append(record, [float(turn)] * 50, [1.0] * 50, 0.0)
    if history.over_budget:
        history.sweep(0.0)
    sent = [bytes(1_500 + dice.randrange(1_500)) for _ in range(50)]
    frames.extend(dice.sample(sent, 12))
mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
mallinfo2.restype = Info
info = mallinfo2()
print(info.uordblks, info.fordblks)
"""


def test_rings_that_turn_leave_few_holes_in_the_heap() -> None:
    """As one column each they left twice what they held: nothing that large came again that fitted."""
    printed = subprocess.run([sys.executable, "-c", HEAP], check=True, capture_output=True, text=True).stdout
    used, free = map(int, printed.split())
    assert free < used * 0.3
