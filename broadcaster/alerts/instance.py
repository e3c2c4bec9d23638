"""One alert on one series: ok -> pending -> firing -> ok. Pure.

It judges every sample, in the order accepted, and a value holds until the next one. So an alert with `for` fires when a
breach lasted that long, whether samples came one by one or all at once after an outage:

* by the samples' own times, as soon as a later sample shows it; the time of the change is then exactly `for` after the
  breach began;
* or by the broadcaster's clock, if no sample comes meanwhile; whichever is first.

A sample's time counts as the broadcaster's now if it lies in the future, and never falls behind what was judged before:
a producer whose clock is wrong can neither freeze an alert nor fire it at once.
"""

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

from broadcaster.alerts.rates import Rates
from broadcaster.alerts.rules import Rule
from broadcaster.history import Record
from ingest.samples import Value

NOTHING = math.inf, -math.inf


class State(enum.StrEnum):
    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class Reason(enum.StrEnum):
    """Why an alert is in its state."""

    VALUE = "value"
    SILENT = "silent"
    FORGOTTEN = "forgotten"  # the history dropped the series
    RULE = "rule"  # the rule was changed or removed


class Moment(NamedTuple):
    """Now, by the wall clock (Unix seconds) and by a steady one."""

    wall: float
    steady: float


class Change(NamedTuple):
    """An alert began to fire (`state` firing) or ended (ok). Times are Unix seconds."""

    rule: Rule
    record: Record
    state: State
    reason: Reason
    time: float
    since: float  # when the breach or the silence began
    value: float | None  # the newest one; None: none is known


class Instance:
    """`wake` is for the timers: when it is to be looked at again, by the steady clock."""

    __slots__ = (
        "_calm_high", "_calm_low", "_clear_high", "_clear_low", "_for_s", "_heard", "_high", "_low",
        "_pending_due", "_rates", "_silent_for_s", "changes", "reason", "record", "rule", "since", "state",
        "time", "value", "wake",
    )  # fmt: skip

    def __init__(self, rule: Rule, record: Record, heard: float, changes: list[Change]) -> None:
        """`heard`: when the series was heard last, by the steady clock. Changes are appended to `changes`."""
        self.rule = rule
        self.record = record
        self.changes = changes
        self.state = State.OK
        self.reason = Reason.VALUE
        self.value: float | None = None
        self.time = -math.inf  # of what was judged last
        self.since = 0.0  # when the breach or the silence began
        self.wake: float | None = None
        condition = rule.condition
        self._low, self._high = condition.bounds
        self._calm_low, self._calm_high = self._low, self._high  # values of which nothing can come, as things are
        self._clear_low, self._clear_high = condition.clear_bounds
        self._for_s = condition.for_s
        self._silent_for_s = condition.silent_for_s
        self._rates = Rates() if condition.rate else None
        self._pending_due = 0.0
        self._heard = heard

    def feed(self, times: Sequence[float], values: Sequence[Value], now: Moment) -> bool:
        """Judges samples of a batch. False: nothing happened, so that no timer can have changed."""
        wall, steady = now
        if self._rates is not None:
            self._listen(values, now, max(self.time, min(times[-1], wall)))
            times, values = self._rates.of(times, values)
            if not times:
                return True
        low = high = values[0]
        time = times[0]
        try:
            # A null or a text is met by TypeError: asking for the type of each value would cost more than all of this.
            if len(values) > 1:
                low, high, time = min(values), max(values), max(times)  # type: ignore[type-var]  # as said
            # Nearly all samples end here.
            if self._calm_low <= low and high <= self._calm_high:  # type: ignore[operator]  # as said
                self.value = values[-1]  # type: ignore[assignment]  # a number: it was compared
                self._heard = steady
                if time > self.time:
                    self.time = time if time < wall else wall
                return False
        except TypeError:  # a null or a text among them
            pass
        for time, value in zip(times, values, strict=True):
            self._sample(max(self.time, min(time, wall)), value, steady)
        calm = self.state is State.OK and self.reason is not Reason.SILENT
        self._calm_low, self._calm_high = (self._low, self._high) if calm else NOTHING
        return True

    def _listen(self, values: Sequence[Value], now: Moment, time: float) -> None:
        """A sample ends a silence, also one that completes no rate."""
        if any(value is not None for value in values):
            self._heard = now.steady
            if self.reason is Reason.SILENT:
                self._change(State.OK, Reason.VALUE, time)

    def _sample(self, time: float, value: Value, steady: float) -> None:
        if value is not None:
            self._heard = steady
            if self.reason is Reason.SILENT:
                self._change(State.OK, Reason.VALUE, time)
        self._held_until(time)
        self.time = time
        if value is None:
            if self.state is State.PENDING:
                self.state = State.OK  # a gap: nobody knows whether the breach went on
            return
        if isinstance(value, str):
            return  # an event has no threshold
        self.value = number = float(value)
        if self.state is State.FIRING:
            if self._clear_low <= number <= self._clear_high:
                self._change(State.OK, Reason.VALUE, time)
        elif self._low <= number <= self._high:
            self.state = State.OK
        else:
            if self.state is State.OK:
                self.state, self.reason, self.since = State.PENDING, Reason.VALUE, time
                self._pending_due = steady + self._for_s
            self._pending_due = min(self._pending_due, steady + self._for_s - (time - self.since))
            self._held_until(time)

    def _held_until(self, time: float) -> None:
        if self.state is State.PENDING and time >= self.since + self._for_s:
            self._change(State.FIRING, Reason.VALUE, self.since + self._for_s)

    def check(self, now: Moment) -> None:
        """What time alone brings: a breach that lasted, a silence."""
        if self.state is State.PENDING and now.steady >= self._pending_due:
            self._change(State.FIRING, Reason.VALUE, self.since + self._for_s)
        # The sum is compared, as in `due`: a difference is rounded otherwise, and the timers would never come to rest.
        silent_s = self._silent_for_s
        if self.state is not State.FIRING and silent_s is not None and now.steady >= self._heard + silent_s:
            self.since = now.wall - (now.steady - self._heard)
            self._change(State.FIRING, Reason.SILENT, max(now.wall, self.time))
            self._calm_low, self._calm_high = NOTHING

    @property
    def due(self) -> float | None:
        """When `check` may bring something, by the steady clock; None: never, as things are."""
        if self.state is State.FIRING:
            return None
        silent = None if self._silent_for_s is None else self._heard + self._silent_for_s
        if self.state is State.OK:
            return silent
        return self._pending_due if silent is None else min(self._pending_due, silent)

    def end(self, reason: Reason, now: Moment) -> None:
        """The series or the rule is gone."""
        if self.state is State.FIRING:
            self._change(State.OK, reason, max(now.wall, self.time))
        self.state = State.OK

    def _change(self, state: State, reason: Reason, time: float) -> None:
        self.state, self.reason, self.time = state, reason, max(time, self.time)
        self.changes.append(Change(self.rule, self.record, state, reason, self.time, self.since, self.value))
