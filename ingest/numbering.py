"""Which ids a producer's messages get. Pure.

Ids begin with the time, so that they also grow if a program with a fixed producer_id starts again. After the clock went
back they do not: the broadcaster remembers higher ones and would take every message for a repetition. Where it may
remember some, a message without samples asks first; while the answer is that it is a duplicate, the ids jump ahead.
"""

FIRST_STEP = 2**20  # about a second; each jump is twice as far as the one before
ID_MAX = 2**53  # up to here every JSON parser is exact


class Numbering:
    """Args:
    repeats: the ids were chosen by a program that repeats its messages: a duplicate is what it expects.
    remembered: the broadcaster may remember messages of an earlier run under the same producer_id.
    """

    def __init__(self, first: int = 1, *, repeats: bool = False, remembered: bool = False) -> None:
        self.repeats = repeats
        self.certain = not remembered  # that the next id is above all those the broadcaster remembers
        self.skipped = 0
        self.question: int | None = None  # the id of the message that asks, while it is not answered
        self._next = first
        self._step = FIRST_STEP

    @property
    def must_ask(self) -> bool:
        return not self.certain and self.question is None

    def take(self) -> int:
        id = self._next
        self._next += 1
        return id

    def ask(self) -> int:
        self.question = self.take()
        return self.question

    def answered(self, *, duplicate: bool, doubtful: bool) -> None:
        """The question was; anything but a duplicate means that its id was new.

        `doubtful`: the question itself may be what it is a duplicate of, and is put again.
        """
        self.question = None
        if duplicate and doubtful:
            return
        self.certain = not duplicate or self._next + self._step >= ID_MAX  # there is no further to go
        if not self.certain:
            self._next += self._step
            self.skipped += self._step
            self._step *= 2

    def doubt(self) -> None:
        """An id was no longer new: the broadcaster heard of higher ones from somebody else."""
        self.certain = False
