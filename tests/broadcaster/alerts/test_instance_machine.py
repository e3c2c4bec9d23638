"""An alert against a description of what it is for: runs of breaches, found by looking at the whole past at once."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broadcaster.alerts.instance import State
from ingest.samples import Value
from tests.broadcaster.alerts.test_instance import Told, World

VALUES = st.sampled_from([0.0, 4.0, 5.0, 6.0, 9.0, 10.0, 11.0, 50.0])
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"above": st.just(10.0)}, optional={"clear": st.just(5.0)}),
    st.fixed_dictionaries({"below": st.just(5.0)}, optional={"clear": st.just(9.0)}),
    st.just({"above": 10.0, "below": 5.0}),
)


class Truth:
    """All samples, as (time, value)."""

    def __init__(
        self, above: float = 1e300, below: float = -1e300, clear: float | None = None, for_s: float = 0.0
    ) -> None:
        self.samples: list[tuple[float, Value]] = []
        self._above, self._below, self._for_s = above, below, for_s
        self._calm = (below, above)
        if clear is not None:
            self._calm = (below, clear) if above < 1e300 else (clear, above)

    def told(self, end: float) -> Told:
        """Everything that should have been told by `end`."""
        told: Told = []
        at = 0
        while (fired := self._fires(at, end)) is not None:
            told.append(("firing", "value", fired[1]))
            at = fired[0]
            while at < len(self.samples) and not self._is_calm(at):
                at += 1
            if at == len(self.samples):
                break
            told.append(("ok", "value", self.samples[at][0]))
        return told

    def _fires(self, start: int, end: float) -> tuple[int, float] | None:
        """The first run of breaches that lasts: the index behind it, and when it has lasted."""
        while start < len(self.samples):
            stop = start
            while stop < len(self.samples) and self._breaches(stop):
                stop += 1
            if stop > start:
                began = self.samples[start][0]
                until = self.samples[stop][0] if stop < len(self.samples) else end
                if until - began >= self._for_s:
                    return stop, began + self._for_s
            start = stop + 1
        return None

    def _breaches(self, at: int) -> bool:
        value = self.samples[at][1]
        return isinstance(value, float) and not self._below <= value <= self._above

    def _is_calm(self, at: int) -> bool:
        value = self.samples[at][1]
        return isinstance(value, float) and self._calm[0] <= value <= self._calm[1]


class Machine(RuleBasedStateMachine):
    """Samples come one by one or, after the loop was held up, as a batch; the alert must tell the same."""

    @initialize(condition=CONDITIONS, for_s=st.integers(0, 6))
    def begin(self, condition: dict[str, Any], for_s: int) -> None:
        self.world = World(for_s=float(for_s), **condition)
        self.truth = Truth(for_s=float(for_s), **condition)
        self.told: Told = []
        self.held: list[tuple[float, Value]] = []
        self.delay_s = 0.0

    @rule(value=VALUES | st.none(), count=st.integers(1, 3))
    def sample(self, value: Value, count: int) -> None:
        self.truth.samples += [(self.world.now, value)] * count
        self.told += self.world.feed(*[value] * count) if not self.held else []
        self.held += [(self.world.now, value)] * count if self.held else []

    @precondition(lambda self: not self.held)
    @rule(seconds=st.integers(0, 8))
    def wait(self, seconds: int) -> None:
        self.told += self.world.wait(seconds)

    @precondition(lambda self: not self.held)
    @rule(value=VALUES | st.none())
    def hold_up(self, value: Value) -> None:
        self.truth.samples.append((self.world.now, value))
        self.held.append((self.world.now, value))

    @precondition(lambda self: self.held)
    @rule(seconds=st.integers(1, 8))
    def stay_held_up(self, seconds: int) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.held)
    @rule()
    def go_on(self) -> None:
        self.delay_s = max(self.delay_s, self.world.now - self.held[0][0])
        times, values = zip(*self.held, strict=True)
        self.held = []
        self.told += self.world.feed(*values, times=times)

    @invariant()
    def tells_the_truth(self) -> None:
        if self.held:
            return
        truth = self.truth.told(self.world.now)
        if self.world.is_(State.PENDING) and self.told != truth:
            # A breach that came late: that it goes on is known by our own clock only, from its arrival on.
            assert self.told == truth[:-1]
            due = self.world.instance.due
            assert due is not None and due <= self.world.now + self.delay_s
            return
        assert self.told == truth
        last = self.told[-1][0] if self.told else "ok"
        assert self.world.is_(State.FIRING) == (last == "firing")


Machine.TestCase.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
TestMachine = Machine.TestCase
