"""What is said a thousand times a second is said now and then, with a count of what was kept back. Pure."""

from collections.abc import Hashable

KINDS_MAX = 1_000


class _Kind:
    __slots__ = ("at", "level", "withheld")

    def __init__(self, level: float, now: float) -> None:
        self.level = level
        self.at = now
        self.withheld = 0


class Floods:
    """Lets `burst` reports of a kind through at once and `per_s` a second on average. Times are steady seconds."""

    def __init__(self, per_s: float, burst: int, kinds_max: int = KINDS_MAX) -> None:
        self._per_s = per_s
        self._burst = burst
        self._kinds_max = kinds_max
        self._kinds: dict[Hashable, _Kind] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def take(self, kind: Hashable, now: float) -> int | None:
        """None: keep this one to yourself. Otherwise how many of its kind were kept back since the last that passed."""
        state = self._kinds.get(kind)
        if state is None:
            state = self._new(kind, now)
        state.level = min(self._burst, state.level + (now - state.at) * self._per_s)
        state.at = now
        if state.level < 1:
            state.withheld += 1
            return None
        state.level -= 1
        withheld, state.withheld = state.withheld, 0
        return withheld

    def _new(self, kind: Hashable, now: float) -> _Kind:
        """Beyond `kinds_max`, those that come are one kind: whatever is said is bounded."""
        if len(self._kinds) >= self._kinds_max:
            self._kinds = {each: state for each, state in self._kinds.items() if not self._forgettable(state, now)}
        if len(self._kinds) >= self._kinds_max:
            kind = None
        return self._kinds.setdefault(kind, _Kind(self._burst, now))

    def _forgettable(self, state: _Kind, now: float) -> bool:
        return not state.withheld and state.level + (now - state.at) * self._per_s >= self._burst

    def overdue(self, now: float, after_s: float) -> list[tuple[Hashable, int]]:
        """The kinds of which some were kept back, and nothing was heard for so long; and how many. Told once."""
        found = [(kind, each) for kind, each in self._kinds.items() if each.withheld and now - each.at >= after_s]
        counts = [(kind, state.withheld) for kind, state in found]
        for _, state in found:
            state.withheld = 0
        return counts
