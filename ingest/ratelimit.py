class Occasional:
    """Lets the first `burst` reports through, then one every `interval_s`: they may come in floods. Pure."""

    def __init__(self, interval_s: float, burst: int = 1) -> None:
        self._interval_s = interval_s
        self._burst = burst
        self._next = 0.0
        self._withheld = 0

    def take(self, now: float) -> int | None:
        """None: keep this one to yourself. Otherwise how many were kept back since the last one that passed."""
        if self._burst > 0:
            self._burst -= 1
        elif now < self._next:
            self._withheld += 1
            return None
        self._next = now + self._interval_s
        withheld, self._withheld = self._withheld, 0
        return withheld
