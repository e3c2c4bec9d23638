"""How fast a series goes up: what an alert with `rate = true` judges. Pure."""

from collections.abc import Sequence
from typing import Final

from ingest.samples import Value

SPAN_S: Final = 0.5  # over a shorter time, the jitter of sample times would make rates of its own


class Rates:
    """The rate of one series, per second, between samples at least SPAN_S apart.

    A counter that falls began anew at 0. A gap breaks the line.
    """

    __slots__ = ("_time", "_value")

    def __init__(self) -> None:
        self._time: float | None = None  # where the next rate begins; None: nowhere yet
        self._value = 0.0

    def of(self, times: Sequence[float], values: Sequence[Value]) -> tuple[list[float], list[Value]]:
        """The rates that these samples complete, with the times of their ends; a gap stays a gap."""
        ends: list[float] = []
        rates: list[Value] = []
        for time, value in zip(times, values, strict=True):
            if value is None:
                self._time = None
                ends.append(time)
                rates.append(None)
            elif self._time is None or time < self._time:
                self._time, self._value = time, float(value)
            elif time - self._time >= SPAN_S:
                number = float(value)
                rise = number - self._value if number >= self._value else number
                ends.append(time)
                rates.append(rise / (time - self._time))
                self._time, self._value = time, number
        return ends, rates
