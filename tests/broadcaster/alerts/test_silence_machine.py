from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.alerts.instance import State
from tests.broadcaster.alerts.test_instance import Told, World

STEPS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30)


@settings(deadline=None)
@given(silent_for=st.integers(1, 6), steps=STEPS)
def test_every_silence_is_told_once_and_its_end_too(silent_for: int, steps: list[tuple[int, bool]]) -> None:
    world = World(silent_for_s=float(silent_for))
    told: Told = []
    expected: Told = []
    heard = world.now
    for seconds, a_gap in steps:
        told += world.wait(seconds)
        told += world.feed(None if a_gap else 1.0)
        if a_gap:
            continue
        if world.now - heard >= silent_for:
            expected += [("firing", "silent", heard + silent_for), ("ok", "value", world.now)]
        heard = world.now
    told += world.wait(100)
    assert told == [*expected, ("firing", "silent", heard + silent_for)]


@settings(deadline=None)
@given(heard=st.floats(0.0, 1e7), silent_for=st.floats(0.001, 1e5))
def test_when_it_is_due_it_is_silent(heard: float, silent_for: float) -> None:
    """Otherwise the timers would look at it again and again."""
    world = World(silent_for_s=silent_for)
    world.now = heard
    world.feed(1.0)
    due = world.instance.due
    assert due is not None
    world.now = due
    world.instance.check(world.moment)
    assert world.is_(State.FIRING)
    assert world.instance.due is None
