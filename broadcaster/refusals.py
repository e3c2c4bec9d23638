"""What limits hold now, and how often a limit or the credentials said no. Pure."""

from collections.abc import Callable


class Refusals:
    """Counts by reason: the limit that was reached, or what was wrong with the credentials."""

    __slots__ = ("counts", "used")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.used: dict[str, Callable[[], int]] = {}
        """By setting: how much of it is used now. Whoever keeps a limit puts itself here."""

    def count(self, reason: str, times: int = 1) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + times
