"""What older and newer credentials allow together, while the series of the newer ones are looked up. Pure."""

from collections.abc import Callable

from broadcaster.audience import Wish
from broadcaster.auth import EVERYTHING, Grant

OVERLAP_MAX = 4  # grants


class Overlap:
    """By metric: whether the grant of a wish and another allow it; a wish may be of several grants already."""

    def __init__(self, wish: Wish, grant: Grant) -> None:
        before = wish.allows
        self._grants: dict[object, Callable[[str], bool]] = {}  # by what tells them apart
        if isinstance(before, Overlap):
            self._grants |= before._grants
        elif before is not None:
            self._grants[wish.scope] = before
        if grant is not EVERYTHING:
            self._grants[grant.sight] = grant.may_subscribe

    @property
    def full(self) -> bool:
        """It shall not become one of more grants still."""
        return len(self._grants) > OVERLAP_MAX

    def __call__(self, metric: str) -> bool:
        return all(allows(metric) for allows in self._grants.values())
