from collections import Counter
from typing import Any

from broadcaster.alerts.evaluator import OWN, Evaluator
from broadcaster.alerts.instance import Instance, State
from broadcaster.alerts.rules import Rule, parse_rule
from ingest.samples import Entry, Kind, Series
from tests.broadcaster.world import World

HOT: dict[str, Any] = {"metric": "cpu", "above": 90}


class Watched:
    """A hub whose batches an evaluator sees; both clocks are the world's."""

    def __init__(self, **tables: dict[str, Any]) -> None:
        self.world = World()
        self.news = 0
        self.evaluator = Evaluator(self.world.clock, self.on_news)
        self.world.hub.inspector = self.evaluator
        self.replace(**tables)

    def on_news(self) -> None:
        self.news += 1

    def replace(self, **tables: dict[str, Any]) -> None:
        rules: list[Rule] = [parse_rule(name, table) for name, table in tables.items()]
        self.evaluator.replace(rules)
        self.evaluator.refit(self.evaluator.watched, self.world.clock.now)
        self.evaluator.adopt(self.world.history.records.values())

    def publish(self, metric: str, *values: float | str | None, **tags: str) -> None:
        kind: Kind | None = "event" if values and isinstance(values[0], str) else None
        series = Series(metric, tuple(sorted(tags.items())))
        self.world.accept(Entry(series, [self.world.clock.now] * len(values), list(values), kind))
        self.world.flush()

    def wait(self, seconds: float) -> None:
        self.world.clock.now += seconds
        self.evaluator.check(self.world.clock.now)

    def told(self) -> list[tuple[str, str, str]]:
        return [
            (change.rule.name, repr(change.record.series), f"{change.state.value} {change.reason.value}")
            for change in self.evaluator.take()
        ]


def test_each_series_of_a_rule_has_a_state_of_its_own() -> None:
    watched = Watched(hot=HOT)
    watched.publish("cpu", 95.0, host="a")
    watched.publish("cpu", 5.0, host="b")
    watched.publish("disk", 99.0)
    assert watched.told() == [("hot", "cpu{host=a}", "firing value")]
    watched.publish("cpu", 5.0, host="a")
    assert watched.told() == [("hot", "cpu{host=a}", "ok value")]


def test_several_rules_may_watch_one_series() -> None:
    watched = Watched(
        hot=HOT, warm={"metric": "c*", "above": 50}, other={"metric": "cpu", "tags": {"x": "*"}, "above": 1}
    )
    watched.publish("cpu", 70.0)
    assert watched.told() == [("warm", "cpu", "firing value")]
    watched.publish("cpu", 95.0)
    assert watched.told() == [("hot", "cpu", "firing value")]


def test_tags_are_globs_and_have_to_be_there() -> None:
    watched = Watched(hot=HOT | {"tags": {"host": "web-?", "core": "*"}})
    watched.publish("cpu", 95.0, host="web-1")
    watched.publish("cpu", 95.0, host="db-1", core="0")
    watched.publish("cpu", 95.0, host="web-2", core="0")
    assert watched.told() == [("hot", "cpu{core=0,host=web-2}", "firing value")]


def test_series_that_no_rule_watches_are_not_looked_at(monkeypatch: Any) -> None:
    watched = Watched(hot=HOT)
    watched.publish("disk", 1.0)
    fed = 0

    def feed(*_: object) -> bool:
        nonlocal fed
        fed += 1
        return False

    monkeypatch.setattr(Instance, "feed", feed)
    watched.publish("disk", 2.0)
    assert fed == 0
    watched.publish("cpu", 2.0)
    assert fed == 1


def test_news_are_told_once_there_are_some() -> None:
    watched = Watched(hot=HOT, slow={"metric": "cpu", "above": 90, "for": "10s"})
    watched.publish("cpu", 1.0)
    assert watched.news == 0
    watched.publish("cpu", 95.0)
    assert watched.news == 1
    watched.publish("cpu", 96.0)
    assert watched.news == 2  # what was told is not taken yet


def test_time_alone_fires() -> None:
    watched = Watched(slow=HOT | {"for": "10s"})
    watched.publish("cpu", 95.0)
    assert watched.evaluator.timers.next_due == watched.world.clock.now + 10
    assert len(watched.evaluator.active) == 1
    watched.wait(9)
    assert watched.told() == []
    watched.wait(1)
    assert watched.told() == [("slow", "cpu", "firing value")]
    watched.publish("cpu", 1.0)
    assert not watched.evaluator.active


def test_silence_of_a_series_and_of_events() -> None:
    watched = Watched(dead={"metric": "*", "silent_for": "10s"}, hot={"metric": "*", "above": 1, "silent_for": "5s"})
    watched.publish("deploys", "one")
    watched.publish("cpu", 1.0)
    watched.wait(5)
    assert watched.told() == [("hot", "cpu", "firing silent")]
    watched.wait(5)
    assert sorted(watched.told()) == [("dead", "cpu", "firing silent"), ("dead", "deploys", "firing silent")]
    watched.publish("deploys", "two")
    assert watched.told() == [("dead", "deploys", "ok value")]


def test_alerts_do_not_watch_themselves() -> None:
    watched = Watched(all={"metric": "*", "above": 0})
    for metric in OWN:
        watched.publish(metric, 5.0)
    assert watched.told() == []


def test_new_rules_find_the_series_that_are_there() -> None:
    watched = Watched()
    watched.publish("cpu", 95.0)
    watched.wait(7)
    watched.replace(hot=HOT, dead={"metric": "cpu", "silent_for": "10s"})
    assert watched.told() == []
    watched.wait(3)
    assert watched.told() == [("dead", "cpu", "firing silent")]  # silent since before the rule
    watched.publish("cpu", 95.0)
    assert watched.told() == [("hot", "cpu", "firing value"), ("dead", "cpu", "ok value")]


def test_the_state_of_an_unchanged_rule_is_kept() -> None:
    watched = Watched(hot=HOT, warm=HOT, old=HOT)
    watched.publish("cpu", 95.0)
    assert len(watched.told()) == 3
    watched.replace(hot=HOT | {"message": "new"}, warm=HOT | {"above": 91}, new=HOT)
    assert watched.told() == [("warm", "cpu", "ok rule"), ("old", "cpu", "ok rule")]
    watched.publish("cpu", 95.0)
    assert sorted(watched.told()) == [("new", "cpu", "firing value"), ("warm", "cpu", "firing value")]
    watched.publish("cpu", 1.0)
    assert len(watched.told()) == 3
    assert [instance.rule.message for instance in watched.evaluator.active] == []


def test_while_rules_are_being_replaced_each_series_is_judged_by_one_of_both() -> None:
    watched = Watched(hot=HOT)
    watched.publish("cpu", 95.0, host="a")
    watched.publish("cpu", 5.0, host="b")
    assert watched.told() == [("hot", "cpu{host=a}", "firing value")]
    one, other = watched.evaluator.watched
    watched.evaluator.replace([parse_rule("hot", HOT | {"above": 50})])
    watched.evaluator.refit([one], watched.world.clock.now)
    watched.evaluator.adopt([one])
    for host in "abc":
        watched.publish("cpu", 70.0, host=host)
    assert watched.told() == [
        ("hot", "cpu{host=a}", "ok rule"),
        ("hot", "cpu{host=a}", "firing value"),
        ("hot", "cpu{host=c}", "firing value"),
    ]
    watched.evaluator.refit([other], watched.world.clock.now)
    watched.evaluator.adopt([other])
    watched.publish("cpu", 70.0, host="b")
    assert watched.told() == [("hot", "cpu{host=b}", "firing value")]


def test_without_rules_nothing_is_kept() -> None:
    watched = Watched(hot=HOT)
    watched.publish("cpu", 95.0)
    assert len(watched.told()) == 1
    assert watched.evaluator.states[State.FIRING] == 1
    watched.replace()
    assert watched.told() == [("hot", "cpu", "ok rule")]
    assert not any(watched.evaluator.states.values())
    assert not watched.evaluator.active
    watched.publish("cpu", 95.0)
    assert watched.told() == []


def test_a_series_the_history_forgets_ends_its_alerts() -> None:
    watched = Watched(dead={"metric": "cpu", "silent_for": "10s"})
    watched.publish("cpu", 1.0)
    watched.wait(10)
    watched.told()
    watched.world.clock.now += 4_000
    watched.world.hub.sweep(watched.world.clock.now)
    watched.world.hub.sweep(watched.world.clock.now)
    assert watched.told() == [("dead", "cpu", "ok forgotten")]
    watched.wait(100)
    assert watched.told() == []
    watched.publish("cpu", 1.0)
    watched.wait(10)
    assert watched.told() == [("dead", "cpu", "firing silent")]


def test_many_series_cost_the_timers_one_entry_each() -> None:
    watched = Watched(dead={"metric": "*", "silent_for": "1000s"})
    for _ in range(20):
        for host in range(50):
            watched.publish("cpu", 1.0, host=str(host))
    assert len(watched.evaluator.timers) == 50


QUIET: dict[str, Any] = {"metric": "beat", "silent_for": "10s"}
BEAT = Series("beat", (("host", "a"),))


def test_a_series_from_before_a_restart_is_missed() -> None:
    watched = Watched(quiet=QUIET, hot=HOT)
    watched.evaluator.expect([(BEAT, "gauge"), (Series("cpu"), "gauge")], watched.world.clock.now)
    assert watched.evaluator.heard(watched.evaluator.watched) == [(BEAT, "gauge")]
    watched.wait(9)
    assert watched.told() == []
    watched.wait(1)
    assert watched.told() == [("quiet", "beat{host=a}", "firing silent")]
    watched.publish("beat", 1.0, host="a")
    assert watched.told() == [("quiet", "beat{host=a}", "ok value")]
    watched.wait(10)
    assert watched.told() == [("quiet", "beat{host=a}", "firing silent")]
    assert watched.evaluator.heard(watched.evaluator.watched) == [(BEAT, "gauge")]


def test_one_that_comes_in_time_is_as_any() -> None:
    watched = Watched(quiet=QUIET, more={"metric": "b*", "above": 5})
    watched.evaluator.expect([(BEAT, "gauge")], watched.world.clock.now)
    watched.wait(9)
    watched.publish("beat", 9.0, host="a")
    watched.wait(2)
    assert watched.told() == [("more", "beat{host=a}", "firing value")]
    watched.wait(8)
    assert watched.told() == [("quiet", "beat{host=a}", "firing silent")]


def test_one_that_comes_while_rules_are_being_replaced_is_watched_by_the_new_ones() -> None:
    watched = Watched(quiet=QUIET)
    watched.evaluator.expect([(BEAT, "gauge")], watched.world.clock.now)
    before = watched.evaluator.watched
    watched.evaluator.replace([parse_rule("quiet", QUIET | {"silent_for": "20s"})])
    watched.publish("beat", 1.0, host="a")
    watched.evaluator.refit(before, watched.world.clock.now)
    watched.evaluator.refit(watched.world.history.records.values(), watched.world.clock.now)
    watched.evaluator.adopt(watched.world.history.records.values())
    watched.wait(19)
    assert watched.told() == []
    watched.wait(1)
    assert watched.told() == [("quiet", "beat{host=a}", "firing silent")]


def test_one_that_never_comes_is_dismissed() -> None:
    watched = Watched(quiet=QUIET)
    began = watched.world.clock.now
    watched.evaluator.expect([(BEAT, "gauge")], began)
    watched.wait(11)
    watched.told()
    watched.evaluator.dismiss(began, watched.world.clock.now)
    assert watched.told() == []
    watched.evaluator.dismiss(began + 1, watched.world.clock.now)
    assert watched.told() == [("quiet", "beat{host=a}", "ok forgotten")]
    assert watched.evaluator.heard(watched.evaluator.watched) == []


def test_changes_are_looked_for_and_taken_so_many_at_a_time() -> None:
    watched = Watched(dead={"metric": "cpu", "silent_for": "10s"})
    for host in range(25):
        watched.publish("cpu", 1.0, host=f"{host:02}")
    watched.world.clock.now += 11
    now, taken = watched.world.clock.now, []
    for left in (15, 5):
        assert watched.evaluator.check(now, 10) == now - 1
        assert watched.evaluator.waiting == 10
        taken += watched.evaluator.take(4)
        assert watched.evaluator.waiting == 6
        taken += watched.evaluator.take(99)
        assert len(taken) == 25 - left
    assert watched.evaluator.check(now, 10) is None
    taken += watched.evaluator.take()
    assert sorted(dict(change.record.series.tags)["host"] for change in taken) == [f"{host:02}" for host in range(25)]


def test_how_many_are_in_which_state_is_known_without_looking_at_all() -> None:
    watched = Watched(hot=HOT | {"for": "10s"})
    hosts = "abcde"

    def counted() -> dict[str, int]:
        found = Counter(each.state for each in watched.evaluator.active)
        assert watched.evaluator.states == {state: found[state] for state in State}
        return {state.value: count for state, count in watched.evaluator.states.items()}

    for host in hosts:
        watched.publish("cpu", 95.0, host=host)
    watched.publish("cpu", None, host="a")
    assert counted() == {"ok": 0, "pending": 4, "firing": 0}
    watched.publish("cpu", 5.0, host="b")
    watched.wait(10)
    assert counted() == {"ok": 0, "pending": 0, "firing": 3}
    watched.publish("cpu", 95.0, host="a")
    watched.publish("cpu", 5.0, host="c")
    assert counted() == {"ok": 0, "pending": 1, "firing": 2}
    watched.world.clock.now += 4_000
    watched.world.hub.sweep(watched.world.clock.now)
    watched.world.hub.sweep(watched.world.clock.now)
    assert counted() == {"ok": 0, "pending": 0, "firing": 0}
