"""From where on a connection is sent everything of each series, so that no backfill repeats any of it. Pure."""

from collections.abc import Container

from broadcaster.history import Record


class Coverage:
    """Indices of rings. What the first subscription covers, and whatever appears later, takes no memory a series."""

    __slots__ = ("_at", "_since")

    def __init__(self, since: int) -> None:
        self._since = since  # seq of the last batch before the first subscription
        self._at: dict[Record, int] | None = None  # those covered from somewhere else on

    def start(self, record: Record) -> int:
        """The index from which on everything is sent."""
        if self._at is not None and record in self._at:
            return self._at[record]
        return record.ring.index_after(self._since)

    def begin(self, record: Record, index: int) -> None:
        """Notes that everything from this index on is sent, or is about to be."""
        if self._at is None:
            self._at = {}
        self._at[record] = index

    def keep(self, records: Container[Record]) -> None:
        """Forgets all others."""
        if self._at is not None:
            self._at = {record: index for record, index in self._at.items() if record in records}
