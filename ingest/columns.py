"""What is said of a column of numbers as a whole, in loops of C only. Pure."""

import math
from typing import Final

NUMBERS: Final = frozenset({int, float})  # exactly: no bool. mypy does not narrow by it, so it is told to ignore.


def all_finite(column: list[float], bound: float) -> bool:
    """True if every item is a finite number within the bound: the fast path."""
    types = set(map(type, column))
    if not types <= NUMBERS:
        return False
    try:
        # The sum of floats is finite only if each is, and quicker to have; ints may be beyond a float and cancel out.
        if (int in types or not math.isfinite(sum(column))) and not all(map(math.isfinite, column)):
            return False
        return bound == math.inf or not column or (-bound <= min(column) and max(column) <= bound)
    except OverflowError:  # an int beyond the largest float
        return False
