"""Who waits for a time, against a plain list that is looked through."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.delay_queue import DelayQueue


@dataclass(eq=False)
class One:
    due: float


def test_nobody() -> None:
    queue = DelayQueue[One]()
    assert (queue.next_due(), list(queue.pop_due(1e9)), len(queue)) == (None, [], 0)


def test_the_first_to_come_is_the_first_of_those_due_at_once() -> None:
    queue, three = DelayQueue[One](), [One(1.0), One(1.0), One(1.0)]
    for one in three:
        queue.add(one)
    assert list(queue.pop_due(1.0)) == three


def test_who_is_served_may_wait_again_at_once() -> None:
    queue, one = DelayQueue[One](), One(1.0)
    queue.add(one)
    served = 0
    for each in queue.pop_due(3.5):
        served += 1
        each.due += 1.0
        queue.add(each)
    assert (served, queue.next_due()) == (3, 4.0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "discard", "pop"]), st.integers(0, 5), st.floats(0, 3).map(lambda x: round(x, 1)))
)


@given(STEPS)
def test_it_is_as_looking_through_all(steps: list[tuple[str, int, float]]) -> None:
    now, queue, all_of_them, waiting = 0.0, DelayQueue[One](), [One(0.0) for _ in range(6)], list[One]()
    for step, number, seconds in steps:
        one = all_of_them[number]
        if step == "add":
            if one not in waiting:
                one.due = now + seconds
                waiting.append(one)
            queue.add(one)
        elif step == "discard":
            queue.discard(one)
            waiting = [each for each in waiting if each is not one]
        else:
            now += seconds
            due = [each for each in waiting if each.due <= now]
            assert list(queue.pop_due(now)) == sorted(due, key=lambda each: each.due)
            waiting = [each for each in waiting if each.due > now]
        assert queue.next_due() == min((each.due for each in waiting), default=None)
        assert len(queue) == len(waiting)
