"""The mailbox beside a plain list that does, item by item, what is promised of it."""

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broadcaster import messages
from broadcaster.audience import Batch
from broadcaster.descriptions import WAITING_BYTES
from broadcaster.frames import text_frame
from broadcaster.mailbox import OVERFLOWS, Mailbox, MailboxStatistics, Overflow
from broadcaster.messages import Gap
from broadcaster.newest import NUMBER_BYTES
from tests.broadcaster.frame_parts import MACHINE
from tests.broadcaster.test_mailbox import RECORDS, answer, batch

KEYS = st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 9).map(float), min_size=1, max_size=5), min_size=1)


@dataclass(eq=False)
class Answered:
    frame: bytes


@dataclass(eq=False)
class Undescribed:
    """A series that is described as it is when its turn comes, with all that follow it."""

    key: int


@dataclass(eq=False)
class Waiting:
    chain: int
    batch: Batch


@dataclass(eq=False)
class Dropped:
    chain: int
    conflated: bool
    batches: list[Batch] = field(default_factory=list)

    @property
    def newest_bytes(self) -> int:
        return NUMBER_BYTES * len({record for each in self.batches for record in each.newest}) * self.conflated

    def frames(self) -> bytes:
        """A gap that counts the batches exactly, and the newest sample of each of their series."""
        first, last = self.batches[0], self.batches[-1]
        gap = Gap(first.prev, last.seq, len(self.batches), sum(each.samples for each in self.batches))
        frames = text_frame(gap.encode())
        if self.conflated:
            newest = {record: sample for each in self.batches for record, sample in each.newest.items()}
            parts = [messages.fragment(record.key, (time,), (value,)) for record, (time, value) in newest.items()]
            frames += text_frame(messages.samples("e", last.seq, first.prev, parts, messages.CONFLATED))
        return frames


def series_frame(items: list[Undescribed]) -> bytes:
    return text_frame(messages.series(RECORDS[item.key].descriptor() for item in items))


class MailboxMachine(RuleBasedStateMachine):
    """`items` is the model: what waits, in the order in which it is to leave."""

    @initialize(
        overflow=st.sampled_from(OVERFLOWS),
        batches=st.integers(1, 4),
        bytes_max=st.sampled_from([50, 400, 1_000, 2_000]),
        control_bytes=st.sampled_from([0, 200, 10_000]),
    )
    def begin(self, overflow: Overflow, batches: int, bytes_max: int, control_bytes: int) -> None:
        self.overflow, self.batches, self.bytes_max, self.control_bytes = overflow, batches, bytes_max, control_bytes
        self.mine = Mailbox("e", overflow, batches, bytes_max, control_bytes)
        self.items: list[Answered | Undescribed | Waiting | Dropped] = []
        self.chain = self.seq = self.number = 0
        self.taken: list[Batch] = []
        self.dropped: list[Batch] = []

    @property
    def waiting(self) -> list[Waiting]:
        return [item for item in self.items if isinstance(item, Waiting)]

    @property
    def losses(self) -> list[Dropped]:
        return [item for item in self.items if isinstance(item, Dropped)]

    @property
    def newest_bytes(self) -> int:
        return sum(loss.newest_bytes for loss in self.losses)

    @property
    def bytes(self) -> int:
        newest = sum(NUMBER_BYTES * len(item.batch.newest) for item in self.waiting)
        return sum(len(item.batch.frame) for item in self.waiting) + newest + self.newest_bytes

    @property
    def answers(self) -> int:
        answered = sum(len(item.frame) for item in self.items if isinstance(item, Answered))
        return answered + len(self.undescribed) * WAITING_BYTES

    @property
    def undescribed(self) -> set[int]:
        return {item.key for item in self.items if isinstance(item, Undescribed)}

    @rule(key=st.integers(0, 3), unit=st.sampled_from("abc"))
    def put_series(self, key: int, unit: str) -> None:
        RECORDS[key].unit = unit
        fits = key in self.undescribed or self.answers + WAITING_BYTES <= self.control_bytes
        assert self.mine.put_series([RECORDS[key]]) == fits
        if fits and key not in self.undescribed:
            self.items.append(Undescribed(key))

    @rule(values=KEYS, step=st.integers(1, 3))
    def put(self, values: dict[int, list[float]], step: int) -> None:
        each = batch(self.seq + step, self.seq, values)
        if self.waiting and not self.fits(each) and self.overflow == "disconnect":
            assert not self.mine.put(each)
            return
        while self.waiting and not self.fits(each):
            oldest = len(self.waiting) if self.overflow == "conflate" else 1
            for item in self.waiting[:oldest]:
                self.drop(item)
        self.let_go()
        assert self.mine.put(each)
        self.items.append(Waiting(self.chain, each))
        self.seq += step

    def fits(self, each: Batch) -> bool:
        return len(self.waiting) < self.batches and self.bytes + each.held_bytes <= self.bytes_max

    def drop(self, item: Waiting) -> None:
        """It joins the last loss of its chain, which moves to where the batch was: behind all that describes it."""
        last = self.losses[-1] if self.losses else None
        loss = last if last and last.chain == item.chain else Dropped(item.chain, self.overflow == "conflate")
        loss.batches.append(item.batch)
        self.dropped.append(item.batch)
        self.items = [loss if each is item else each for each in self.items if each is not loss]

    def let_go(self) -> None:
        """Of all chains but the last, the oldest first are told of by their gaps only if all take too much."""
        for loss in self.losses[:-1]:
            if self.newest_bytes > self.bytes_max // 2:
                loss.conflated = False

    @rule(starts=st.none() | st.integers(0, 3))
    def put_control(self, starts: int | None) -> None:
        seq = None if starts is None else self.seq + starts
        frame = answer(self.number, seq)
        fits = self.answers + len(frame) <= self.control_bytes
        assert self.mine.put_control(frame, new_chain=seq is not None) == fits
        if fits:
            self.number += 1
            self.items.append(Answered(frame))
            if seq is not None:
                self.seq, self.chain = seq, self.chain + 1

    @precondition(lambda self: self.items)
    @rule(count=st.integers(1, 5))
    def take(self, count: int) -> None:
        for _ in range(min(count, len(self.items))):
            if not self.items:  # some went together
                break
            match item := self.items.pop(0):
                case Answered():
                    assert self.mine.take() == item.frame
                case Undescribed():
                    assert self.mine.take() == series_frame(self.following(item))
                case Waiting():
                    assert self.mine.take() == item.batch.frame
                    self.taken.append(item.batch)
                case Dropped():
                    assert self.mine.take() == item.frames()

    def following(self, first: Undescribed) -> list[Undescribed]:
        found = [first]
        while self.items and isinstance(item := self.items[0], Undescribed):
            found.append(item)
            self.items.pop(0)
        return found

    @precondition(lambda self: not self.items)
    @rule()
    def take_nothing(self) -> None:
        assert self.mine.take() is None

    @rule()
    def take_all(self) -> None:
        self.take(len(self.items))

    @invariant()
    def figures(self) -> None:
        if not hasattr(self, "mine"):
            return
        assert self.mine.empty == (not self.items)
        assert len(self.waiting) <= self.batches
        assert self.bytes <= self.bytes_max or len(self.waiting) <= 1
        assert self.newest_bytes <= max(self.bytes_max // 2, 4 * NUMBER_BYTES)
        assert self.answers <= self.control_bytes
        assert self.mine.statistics() == MailboxStatistics(
            len(self.waiting),
            self.bytes,
            self.answers,
            len(self.taken),
            sum(each.samples for each in self.taken),
            sum(len(each.frame) for each in self.taken),
            len(self.dropped),
            sum(each.samples for each in self.dropped),
        )


TestMailbox = MailboxMachine.TestCase
TestMailbox.settings = MACHINE
