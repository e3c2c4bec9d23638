"""How often a limit or the credentials said no. Pure."""


class Refusals:
    """Counts by reason: the limit that was reached, or what was wrong with the credentials."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def count(self, reason: str, times: int = 1) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + times
