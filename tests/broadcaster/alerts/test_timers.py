import random

from broadcaster.alerts.instance import Instance
from broadcaster.alerts.rules import Condition, Rule
from broadcaster.alerts.timers import Timers
from broadcaster.history import Record
from broadcaster.selection import Selector
from ingest.samples import Series


def instance() -> Instance:
    rule = Rule("a", Condition(Selector("a"), above=1.0))
    return Instance(rule, Record(1, Series("a"), "gauge"), 0.0, [])


def test_each_comes_once_when_its_time_has_come() -> None:
    timers, one, two = Timers(), instance(), instance()
    timers.set(one, 5.0)
    timers.set(two, 3.0)
    assert timers.next_due == 3.0
    assert list(timers.due(4.0)) == [two]
    assert list(timers.due(5.0)) == [one]
    assert timers.next_due is None
    assert list(timers.due(99.0)) == []


def test_a_later_time_leaves_the_earlier_one() -> None:
    timers, one = Timers(), instance()
    timers.set(one, 5.0)
    for due in range(6, 1_000):
        timers.set(one, float(due))
    assert len(timers) == 1
    assert list(timers.due(5.0)) == [one]


def test_an_earlier_time_replaces_the_later_one() -> None:
    timers, one = Timers(), instance()
    timers.set(one, 5.0)
    timers.set(one, 2.0)
    assert list(timers.due(9.0)) == [one, None], "what is over counts as looked at"


def test_one_that_sets_itself_again_comes_again() -> None:
    timers, one = Timers(), instance()
    draw = random.Random(1)
    timers.set(one, 0.0)
    came = 0
    for _ in timers.due(100.0):
        came += 1
        timers.set(one, came * 10 + draw.random())
    assert came == 10
    assert one.wake is not None and one.wake > 100
