"""What a subscriber knows of the completeness of its stream. Pure.

Two rules:

1. Live batches form a chain: each names the batch before it (`prev`). Where `prev` is not the last batch seen and no
   `gap` announced the hole, something was lost and nobody said so.
2. The position to resume from (`cursor`) moves only with what proves that everything before it is here: live and
   conflated messages. Backfill comes in pieces, of which none says whether it is the last, so samples of an
   interrupted backfill are counted by series; a resume from the same cursor replays them in the same order, and as
   many are left out again.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum


class Asked(Enum):
    """What a subscribe message asked for beside live data."""

    NOTHING = "nothing"
    HISTORY = "history"
    RESUME = "resume"


class Answer(Enum):
    """What the answer to it means for what the consumer already has."""

    CONTINUES = "continues"
    STARTS_AGAIN = "starts again"


@dataclass(frozen=True, slots=True)
class Loss:
    """No `gap` accounts for the batches in (first, last]. Some of them may have been of series not selected."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ChainStatistics:
    batches: int  # live ones that were in the chain or after an announced gap
    gaps: int
    gap_batches: int  # announced as dropped and not replayed later
    gap_samples: int
    losses: int  # holes in the chain that nobody announced
    repeated_batches: int  # live batches that had come before and were left out
    replayed_samples: int  # of an interrupted backfill, left out the second time
    restarts: int  # resumes that the server could not grant


class Chain:
    """The accounting of one subscription over any number of connections."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.seq: int | None = None  # the last live batch seen, or announced as dropped, on this connection
        self.cursor: str | None = None  # everything up to here has been delivered or announced
        self._end: str | None = None  # where the backfill under way leads to
        self._whole = True  # false after an interrupted backfill that cannot be taken up where it broke off
        self._delivered: Counter[int] = Counter()  # samples after `cursor` that came as backfill, by key
        self._replayed: Counter[int] = Counter()  # those of them that a resume sends again
        self._open_gaps: list[tuple[int, int]] = []  # batches and samples announced as dropped after `cursor`
        self._batches = self._gaps = self._gap_batches = self._gap_samples = 0
        self._losses = self._repeated = self._left_out = self._restarts = 0

    def welcome(self, epoch: str) -> bool:
        """A connection begins. True if the epoch is another one than before, so that keys mean other series."""
        changed = self.epoch is not None and self.epoch != epoch
        self.epoch = epoch
        self.seq = None
        return changed

    def subscribed(self, asked: Asked, seq: int, cursor: str, *, resumed: bool) -> Answer:
        """The answer to the subscription of a connection; `seq` is the first to compare with."""
        self.seq = seq
        self._end = cursor
        continues = self._continues(asked, resumed)
        if continues:
            self._replayed = self._delivered.copy()
            self._recover_gaps()
        else:
            self._restarts += 1
            self._replayed.clear()
            self._delivered.clear()
        self._open_gaps.clear()
        self._whole = continues
        if asked is Asked.NOTHING:
            self._settle(cursor)
        return Answer.CONTINUES if continues else Answer.STARTS_AGAIN

    def _continues(self, asked: Asked, resumed: bool) -> bool:
        if asked is Asked.RESUME:
            return resumed and self._whole
        return self.cursor is None and not self._delivered

    def _recover_gaps(self) -> None:
        """A resume from before a gap brings what the gap said was dropped."""
        for batches, samples in self._open_gaps:
            self._gap_batches -= batches
            self._gap_samples -= samples

    def live(self, seq: int, prev: int, cursor: str) -> tuple[bool, Loss | None]:
        """A live batch: whether it is new, and the hole before it if there is one that nobody announced."""
        last = prev if self.seq is None else self.seq
        if seq <= last:
            self._repeated += 1
            return False, None
        loss = Loss(last, prev) if prev > last else None
        self._losses += loss is not None
        self._batches += 1
        self.seq = seq
        self._settle(cursor)
        return True, loss

    def gap(self, first: int, last: int, batches: int, samples: int) -> Loss | None:
        """Batches in (first, last] were dropped. Returns the hole before `first` that nobody announced, if any."""
        seen = first if self.seq is None else self.seq
        loss = Loss(seen, first) if first > seen else None
        self._losses += loss is not None
        self.seq = max(seen, last)
        self._gaps += 1
        self._gap_batches += batches
        self._gap_samples += samples
        self._open_gaps.append((batches, samples))
        return loss

    def conflated(self, cursor: str) -> None:
        """The newest samples of what was dropped: outside the chain, but the position after them is proven."""
        self._settle(cursor)

    def backfill(self, key: int, count: int) -> int:
        """`count` samples of a series came as backfill; returns how many at their beginning had come before."""
        again = min(self._replayed[key], count)
        self._replayed[key] -= again
        self._left_out += again
        self._delivered[key] += count - again
        return again

    def quiet(self) -> None:
        """A full round trip went by with no backfill in it, so the backfill has ended."""
        if self._end is not None:
            self._move(self._end)

    def _settle(self, cursor: str) -> None:
        self._move(cursor)
        self._open_gaps.clear()

    def _move(self, cursor: str) -> None:
        self.cursor = cursor
        self._end = None
        self._whole = True
        self._delivered.clear()
        self._replayed.clear()

    def statistics(self) -> ChainStatistics:
        return ChainStatistics(
            self._batches,
            self._gaps,
            self._gap_batches,
            self._gap_samples,
            self._losses,
            self._repeated,
            self._left_out,
            self._restarts,
        )
