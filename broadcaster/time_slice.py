"""How much of what one client sends is worked on before others have their turn. Pure.

A message costs its sender next to nothing and the broadcaster some microseconds, or many more if it has to be refused.
So it is time that is shared out: whoever sends what takes long is read in smaller pieces.
"""

BYTES_MIN, BYTES_MAX = 2_048, 65_536
BYTES_FIRST = 8_192  # nothing is known of the client yet
TURN_S = 0.002
OVER_TURN_S = 0.001  # of a client that sends more than it may
REST_RATIO = 20  # a client over its limits is left alone for so many times what its turn took
REST_MIN_S, REST_MAX_S = 0.01, 0.1


class TimeSlice:
    """The slices of one client: `bytes` is how much to read for the next."""

    __slots__ = ("_took_s", "bytes")

    def __init__(self) -> None:
        self.bytes = BYTES_FIRST
        self._took_s = 0.0

    def took(self, size: int, seconds: float, *, over: bool = False) -> None:
        """So many bytes were worked on for so long; the client is `over` its limits."""
        self._took_s = seconds
        most = OVER_TURN_S if over else TURN_S
        if seconds > most:
            self.bytes = max(BYTES_MIN, min(self.bytes, int(size * most / seconds)))
        elif seconds < most / 4 and size >= self.bytes // 2:
            self.bytes = min(BYTES_MAX, 2 * self.bytes)

    @property
    def rest_s(self) -> float:
        """How long a client that sends more than it may is to be left alone."""
        return min(REST_MAX_S, max(REST_MIN_S, REST_RATIO * self._took_s))
