"""What a stored file takes for the time. Pure, beside two clocks that are read.

What it holds is thinned and deleted by age, so a wall clock that is wrong must not make it look old. Times in the file
are therefore its own: within a life they go on as the steady clock does, however the wall clock jumps (`ahead` is how
far they are from it), and never back from one life to the next. Whether a machine was off for long or booted with a
wrong clock cannot be told at the start. So a start that does not fit what is stored is in doubt for `SETTLES_S`, in
which nothing is of any age; what the wall clock jumps meanwhile is taken for its correction.
"""

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

JUMP_S = 5.0  # less is followed
GAP_S = 600.0  # since the newest that is stored: after more, the start is in doubt
SETTLES_S = 600.0  # without a jump
WRITTEN = 1_760_000_000.0  # 2025: no clock was right that said less


class Jump(NamedTuple):
    by: float  # of the wall clock, seconds
    shift: float  # what came in this life came so much later


@dataclass(slots=True)
class _Doubt:
    newest: float  # that is stored: the least that it can be, from the start on as the steady clock goes
    steady: float  # at the start
    until: float  # on the steady clock


class Clock:
    """Of one life. Times are Unix seconds."""

    def __init__(self, newest: float | None, behind: float) -> None:
        """`newest`: when the newest that is stored came. `behind`: `ahead` in the end of the life before."""
        wall, steady = time.time(), time.monotonic()
        self._offset = wall - steady
        self._base = min(behind, 0.0)  # or the wall clock was wrong and may be right again
        self._doubt: _Doubt | None = None
        if newest is not None and not -JUMP_S <= wall + self._base - newest <= GAP_S:
            self._doubt = _Doubt(newest, steady, steady + SETTLES_S)
        self.ahead = self._base if self._doubt is None else self._least(self._doubt, wall, steady)

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    @property
    def believed(self) -> float:
        """The same, but before everything while it is in doubt."""
        return self.now if self._doubt is None else -math.inf

    @property
    def doubtful(self) -> bool:
        return self._doubt is not None

    def look(self) -> Jump | None:
        """To be called every few seconds, and before anything is done by `believed`."""
        steady, doubt = time.monotonic(), self._doubt
        offset = time.time() - steady
        by, self._offset = offset - self._offset, offset
        if abs(by) <= JUMP_S:
            if doubt is not None and steady >= doubt.until:
                self._doubt = None
            return None
        self.ahead -= by
        if doubt is None:
            return Jump(by, 0.0)
        before, doubt.until = self.ahead, steady + SETTLES_S
        self.ahead = self._least(doubt, offset + steady, steady)
        return Jump(by, self.ahead - before)

    def _least(self, doubt: _Doubt, wall: float, steady: float) -> float:
        """Ahead by this it is not before what is stored."""
        least = doubt.newest + steady - doubt.steady - wall
        if doubt.newest < WRITTEN <= wall + self._base:
            return least  # nobody knows how long ago that was
        return max(self._base, least)
