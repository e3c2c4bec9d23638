from dataclasses import dataclass
from typing import Literal

State = Literal["connecting", "connected", "reconnecting", "cannot_connect", "refused", "closed"]


@dataclass(frozen=True, slots=True)
class ProducerStatistics:
    """At any time: sent = buffered + unacknowledged + acknowledged + rejected + dropped, all in samples."""

    state: State
    reason: str | None  # why there is no connection
    sent: int  # handed over by the program
    buffered: int
    unacknowledged: int
    acknowledged: int
    rejected: int  # by the broadcaster
    dropped: int  # because the buffer was full
    duplicate_messages: int  # sent again and found to have been applied the first time
    connections: int  # opened so far
    failures: int  # attempts in a row
    round_trip_s: float | None

    @property
    def unsent(self) -> int:
        """Samples of which it is not known that they arrived."""
        return self.buffered + self.unacknowledged
