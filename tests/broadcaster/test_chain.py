"""The accounting against a model of a broadcaster that drops, conflates, evicts and loses connections at any moment."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.chain import Answer, Asked, Chain, Loss

EPOCH = "e1"


def subscribed(chain: Chain, seq: int = 0, asked: Asked = Asked.NOTHING, *, resumed: bool = False) -> Answer:
    return chain.subscribed(asked, seq, str(seq), resumed=resumed)


def connected(seq: int = 0) -> Chain:
    chain = Chain()
    chain.welcome(EPOCH)
    subscribed(chain, seq)
    return chain


def test_a_whole_chain_has_no_losses() -> None:
    chain = connected(3)
    assert chain.live(5, 3, "5") == (True, None)
    assert chain.live(9, 5, "9") == (True, None)
    assert (chain.seq, chain.cursor) == (9, "9")
    assert chain.statistics().batches == 2


def test_a_hole_that_nobody_announced_is_a_loss() -> None:
    chain = connected()
    assert chain.live(4, 2, "4") == (True, Loss(0, 2))
    assert chain.statistics().losses == 1


def test_an_announced_gap_is_none() -> None:
    chain = connected()
    assert chain.gap(0, 2, 2, 20) is None
    assert chain.live(4, 2, "4") == (True, None)
    figures = chain.statistics()
    assert (figures.losses, figures.gaps, figures.gap_batches, figures.gap_samples) == (0, 1, 2, 20)


def test_a_gap_that_begins_after_what_was_seen_hides_a_loss() -> None:
    chain = connected(1)
    assert chain.gap(3, 5, 2, 2) == Loss(1, 3)


def test_a_batch_that_came_before_is_not_new() -> None:
    chain = connected()
    chain.live(2, 0, "2")
    assert chain.live(2, 0, "2") == (False, None)
    assert chain.statistics().repeated_batches == 1


def test_the_epoch_changes_only_after_the_first() -> None:
    chain = Chain()
    assert not chain.welcome("a")
    assert not chain.welcome("a")
    assert chain.welcome("b")


def test_a_resume_that_is_refused_starts_again() -> None:
    chain = connected()
    chain.live(1, 0, "1")
    chain.welcome("other")
    assert subscribed(chain, 7, Asked.RESUME, resumed=False) is Answer.STARTS_AGAIN
    assert chain.cursor == "1"  # until the history that follows is known to be here
    chain.quiet()
    assert chain.cursor == "7"


def test_a_refused_resume_that_is_interrupted_starts_again_even_if_the_next_is_granted() -> None:
    chain = connected()
    subscribed(chain, 7, Asked.RESUME, resumed=False)
    chain.backfill(1, 5)
    assert subscribed(chain, 7, Asked.RESUME, resumed=True) is Answer.STARTS_AGAIN
    assert chain.backfill(1, 5) == 0


def test_history_that_is_interrupted_starts_again_unless_nothing_had_come() -> None:
    chain = Chain()
    assert subscribed(chain, 7, Asked.HISTORY) is Answer.CONTINUES
    assert subscribed(chain, 8, Asked.HISTORY) is Answer.CONTINUES
    chain.backfill(1, 5)
    assert subscribed(chain, 9, Asked.HISTORY) is Answer.STARTS_AGAIN


def test_an_interrupted_backfill_is_taken_up_where_it_broke_off() -> None:
    chain = connected()
    subscribed(chain, 9, Asked.RESUME, resumed=True)
    assert chain.backfill(1, 5) == 0
    subscribed(chain, 9, Asked.RESUME, resumed=True)
    assert chain.backfill(1, 3) == 3
    subscribed(chain, 9, Asked.RESUME, resumed=True)
    assert chain.backfill(1, 7) == 5
    assert chain.backfill(1, 1) == 0
    assert chain.statistics().replayed_samples == 8


def test_a_resume_from_before_a_gap_makes_it_good() -> None:
    chain = connected()
    chain.gap(0, 2, 2, 20)
    subscribed(chain, 2, Asked.RESUME, resumed=True)
    assert chain.statistics().gap_samples == 0


@dataclass
class Model:
    """A broadcaster's side: batches of (series, sample) and one subscriber's mailbox with a policy."""

    batches: list[list[tuple[int, int]]] = field(default_factory=list)
    waiting: list[tuple[str, int, int]] = field(default_factory=list)  # (what, seq or count, prev)
    prev: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def publish(self, keys: list[int]) -> None:
        batch = []
        for key in keys:
            batch.append((key, self.counts[key]))
            self.counts[key] += 1
        self.batches.append(batch)
        seq = len(self.batches)
        if keys:
            self.waiting.append(("live", seq, self.prev))
            self.prev = seq

    def between(self, first: int, last: int) -> list[tuple[int, int]]:
        return [sample for batch in self.batches[first:last] for sample in batch]

    def drop(self, conflate: bool) -> None:
        live = [item for item in self.waiting if item[0] == "live"]
        if not live:
            return
        first, last = live[0][2], live[-1][1]
        at = self.waiting.index(live[0])
        self.waiting[at:] = [("gap", first, last)] + [("conflated", last, 0)] * conflate

    def connect(self, cursor: int) -> None:
        """The backfill comes series by series in small pieces, so that it can break off anywhere."""
        self.prev = len(self.batches)
        held = sorted(self.between(cursor, self.prev), key=lambda sample: sample[0])
        self.waiting = [("backfill", key, index) for key, index in held]


class Reader:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.chain = connected()
        self.received: list[tuple[int, int]] = []
        self.losses = 0

    def reconnect(self) -> None:
        assert self.chain.cursor is not None
        self.model.connect(int(self.chain.cursor))
        self.chain.welcome(EPOCH)
        subscribed(self.chain, self.model.prev, Asked.RESUME, resumed=True)

    def read(self, *, lose: bool = False) -> None:
        if not self.model.waiting:
            self.chain.quiet()
            return
        what, a, b = self.model.waiting.pop(0)
        if lose:
            return
        if what == "live":
            new, loss = self.chain.live(a, b, str(a))
            self.losses += loss is not None
            self.received += self.model.batches[a - 1] if new else []
        elif what == "gap":
            dropped = [batch for batch in self.model.batches[a:b] if batch]
            self.losses += self.chain.gap(a, b, len(dropped), sum(map(len, dropped))) is not None
        elif what == "conflated":
            self.chain.conflated(str(a))
        elif not self.chain.backfill(a, 1):
            self.received.append((a, b))


actions = st.lists(
    st.one_of(
        st.lists(st.integers(1, 3), max_size=4),
        st.sampled_from(["read", "read", "conflate", "drop", "break"]),
    ),
    max_size=60,
)


@given(actions)
def test_every_sample_is_received_once_or_announced_as_dropped(steps: list[list[int] | str]) -> None:
    model = Model()
    reader = Reader(model)
    for step in steps:
        if isinstance(step, list):
            model.publish(step)
        elif step == "read":
            reader.read()
        elif step == "break":
            reader.reconnect()
        else:
            model.drop(step == "conflate")
    while model.waiting:
        reader.read()
    sent = model.between(0, len(model.batches))
    assert len(reader.received) == len(set(reader.received))
    assert len(reader.received) + reader.chain.statistics().gap_samples == len(sent)
    assert reader.losses == 0
    for key in model.counts:
        mine = [index for of, index in reader.received if of == key]
        assert mine == sorted(mine)


@given(st.integers(2, 30), st.data())
def test_a_batch_lost_on_the_way_is_noticed_at_the_next(count: int, data: st.DataObject) -> None:
    model = Model()
    reader = Reader(model)
    lost = data.draw(st.integers(0, count - 2))
    for _ in range(count):
        model.publish([1])
    for position in range(count):
        reader.read(lose=position == lost)
    assert reader.losses == 1
    assert len(reader.received) == count - 1
