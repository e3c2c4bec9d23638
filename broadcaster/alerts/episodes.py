"""What fired: when each alert began on each series, and the newest that are over. Pure."""

from collections import deque
from typing import Final, NamedTuple

from broadcaster.alerts.instance import Change, State
from ingest.samples import Series

EPISODES_MAX: Final = 500


class Episode(NamedTuple):
    """From the change to firing until the change to ok."""

    fired: Change
    ended: Change


class Episodes:
    def __init__(self, most: int = EPISODES_MAX) -> None:
        self.over: deque[Episode] = deque(maxlen=most)  # in the order in which they ended
        self._open: dict[tuple[str, Series], Change] = {}  # bounded: one for each that fires

    def take(self, change: Change) -> None:
        key = change.rule.name, change.record.series
        if change.state is State.FIRING:
            self._open[key] = change
        elif (fired := self._open.pop(key, None)) is not None:
            self.over.append(Episode(fired, change))

    def fired(self, name: str, series: Series) -> Change | None:
        """The change with which the alert that fires on the series began to."""
        return self._open.get((name, series))
