"""Who sends, over all of their connections: the subject of their credentials, or else their address. Pure.

What is remembered is bounded: somebody without connections whose limits are all as good as new is forgotten, which
changes nothing; beyond `SUBJECTS_MAX` the ones not heard of for longest are.
"""

import itertools
import math
from collections import OrderedDict

from broadcaster.config import BroadcasterConfig
from broadcaster.limits import Limit, bounding

SUBJECTS_MAX = 100_000
SWEEP_AT_ONCE = 1_000
CONNECTION, SUBJECT, ALL = "one connection", "one subject or address", "all"


class Limited:
    """The limits of a connection, or of all connections of a subject."""

    __slots__ = ("bytes", "connections", "messages", "samples", "series")

    def __init__(self, rates: tuple[float, float, float, float], whose: str, prefix: str, now: float) -> None:
        messages, samples, size, series = rates
        self.messages = bounding(Limit(messages, 1, prefix + "messages_rate", whose, now))
        self.samples = bounding(Limit(samples, 1, prefix + "samples_rate", whose, now))
        self.bytes = bounding(Limit(size, 1, prefix + "bytes_rate", whose, now))
        self.series = bounding(Limit(series, 60, prefix + "series_rate", whose, now))
        self.connections = 0

    def idle(self, now: float) -> bool:
        """True if forgetting it changes nothing."""
        limits = self.messages + self.samples + self.bytes + self.series
        return not self.connections and all(limit.full(now) for limit in limits)


class Subjects:
    """All of them, and what all may do together."""

    def __init__(self, config: BroadcasterConfig, most: int = SUBJECTS_MAX) -> None:
        self._most = most
        self._subjects: OrderedDict[str, Limited] = OrderedDict()
        self.reconfigure(config)

    def reconfigure(self, config: BroadcasterConfig) -> None:
        """For those who connect from now on."""
        self._connection_rates = (
            config.messages_per_second,
            config.samples_per_second,
            config.bytes_per_second,
            config.series_per_minute,
        )
        self._subject_rates = (
            config.subject_messages_per_second,
            config.subject_samples_per_second,
            config.subject_bytes_per_second,
            config.subject_series_per_minute,
        )
        self.series = bounding(Limit(config.series_per_minute_max, 60, "all_series_rate", ALL, -math.inf))

    def __len__(self) -> int:
        return len(self._subjects)

    def connection(self, now: float) -> Limited:
        return Limited(self._connection_rates, CONNECTION, "", now)

    def named(self, name: str, now: float) -> Limited:
        """The one of that name, which is remembered as the newest."""
        subject = self._subjects.pop(name, None)
        if subject is None:
            subject = Limited(self._subject_rates, SUBJECT, "subject_", now)
            while len(self._subjects) >= self._most and self._forget_oldest():
                pass
        self._subjects[name] = subject
        return subject

    def _forget_oldest(self) -> bool:
        """Those with a connection stay: their number is bounded by that of the connections."""
        oldest = next((name for name, subject in self._subjects.items() if not subject.connections), None)
        if oldest is not None:
            del self._subjects[oldest]
        return oldest is not None

    def sweep(self, now: float) -> None:
        """Looks at those not heard of for longest, a few at a time, and forgets whom it can."""
        for name, subject in list(itertools.islice(self._subjects.items(), SWEEP_AT_ONCE)):
            if subject.idle(now):
                del self._subjects[name]
            else:
                self._subjects.move_to_end(name)
