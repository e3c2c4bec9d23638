from hypothesis import given
from hypothesis import strategies as st

from tests.broadcaster.alerts.test_instance import Told, World

STEPS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30)


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
