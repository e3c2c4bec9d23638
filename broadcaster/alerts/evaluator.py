"""All alerts on all series: which rule watches which series, and what a batch or the passing of time changes. Pure.

A series is matched once, when it appears. Of a batch, only series that a rule watches are looked at.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from broadcaster.alerts.instance import Change, Instance, Moment, Reason, State
from broadcaster.alerts.rules import Rule
from broadcaster.alerts.timers import Timers
from broadcaster.history import Record
from broadcaster.selection import compile_glob, glob_match
from ingest.samples import Kind, Series, Value

OWN: Final = frozenset({"alerts.state", "alerts.firing"})  # alerts on alerts could go in circles
METRICS_MAX = 10_000  # of which it is remembered which rules they concern
Columns = Mapping[Record, tuple[Sequence[float], Sequence[Value]]]


class Evaluator:
    """Sees what the hub sees (`broadcaster.hub.Inspector`) and collects changes until they are taken.

    `wall` gives Unix seconds. `on_news` is called, without waiting, when there are changes or an earlier timer.
    """

    def __init__(self, wall: Callable[[], float], on_news: Callable[[], None] = lambda: None) -> None:
        self.rules: tuple[Rule, ...] = ()
        self.active: dict[Instance, State] = {}  # those that are pending or firing
        self.states = dict.fromkeys(State, 0)  # how many of them; of ok, nothing
        self.timers = Timers()
        self._wall = wall
        self._on_news = on_news
        self._watched: dict[Record, list[Instance]] = {}
        self._by_metric: dict[str, list[tuple[Rule, tuple[tuple[str, str], ...]]]] = {}
        self._expected: dict[Series, Record] = {}  # known from before a restart, and not heard since
        self._named: dict[str, Rule] = {}
        self._globs: list[tuple[Callable[[str], bool], Rule]] = []
        self._changes: list[Change] = []  # bounded by `Alerts`, which takes the more in one go the more there are

    # What the hub calls.

    def appeared(self, record: Record, now: float) -> None:
        """A series that is new: `now` by the steady clock."""
        rules = self._concerned(record)
        if (expected := self._expected.pop(record.series, None)) is not None:
            rules = self._take_over(expected, record, rules)
        if rules:
            self._watch(record, rules, now)

    def forgotten(self, record: Record, now: float) -> None:
        for instance in self._watched.pop(record, ()):
            self._end(instance, Reason.FORGOTTEN, now)
        self._tell()

    def inspect(self, columns: Columns, now: float) -> None:
        """Samples of a batch, before anybody is delivered to."""
        watched = self._watched
        if not watched:
            return
        found = columns.keys() & watched.keys()
        if not found:
            return
        moment = Moment(self._wall(), now)
        before = self.timers.next_due
        for record in found:
            times, values = columns[record]
            for instance in watched[record]:
                if instance.feed(times, values, moment):
                    self._settle(instance)
        if self._changes or self.timers.next_due != before:
            self._on_news()

    # What time brings, and the rules.

    def check(self, now: float, most: int | None = None) -> float | None:
        """Looks at those whose time has come, at most at so many; returns when the next one's will or did."""
        moment = Moment(self._wall(), now)
        for instance in islice(self.timers.due(now), most):
            if instance is not None:
                instance.check(moment)
                self._settle(instance)
        return self.timers.next_due

    @property
    def waiting(self) -> int:
        """How many changes there are to be taken."""
        return len(self._changes)

    def take(self, most: int | None = None) -> list[Change]:
        """The oldest changes that were not taken yet, those of one series in their order."""
        changes = self._changes[:most]
        del self._changes[:most]  # in place: the instances append to it
        return changes

    def replace(self, rules: Sequence[Rule]) -> None:
        """From now on these rules, whose names differ; `refit` and `adopt` have to be called after."""
        self.rules = tuple(rules)
        self._named = {rule.name: rule for rule in rules}
        self._globs = [(compile_glob(rule.condition.selector.metric), rule) for rule in rules]
        self._by_metric.clear()

    @property
    def watched(self) -> list[Record]:
        return list(self._watched)

    def refit(self, records: Iterable[Record], now: float) -> None:
        """Ends what only the rules before watched.

        Where name, condition and severity are what they were, the state is kept.
        """
        for record in records:
            instances = self._watched.get(record, [])
            still = []
            for instance in instances:
                rule = self._named.get(instance.rule.name)
                if rule is not None and _same(instance.rule, rule):
                    instance.rule = rule
                    still.append(instance)
                else:
                    self._end(instance, Reason.RULE, now)
            if still:
                self._watched[record] = still
            elif instances:
                del self._watched[record]
        self._tell()

    def adopt(self, records: Iterable[Record]) -> None:
        """Series that were there before the rules."""
        for record in records:
            if rules := self._concerned(record):
                have = {each.rule.name for each in self._watched.get(record, ())}
                if missing := [rule for rule in rules if rule.name not in have]:
                    self._watch(record, missing, record.updated)
        self._tell()

    # What was there before a restart.

    def expect(self, heard: Iterable[tuple[Series, Kind]], now: float) -> None:
        """Series that alerts on silence watched: each counts as heard now, until it comes or is `dismissed`."""
        for series, kind in heard:
            record = Record(0, series, kind)
            record.updated = now
            rules = [rule for rule in self._concerned(record) if rule.condition.silent_for_s is not None]
            if rules and series not in self._expected:
                self._expected[series] = record
                self._watch(record, rules, now)

    def dismiss(self, heard_before: float, now: float) -> None:
        """Gives up expecting what should have come since `heard_before`, as the history forgets a series."""
        for series, record in list(self._expected.items()):
            if record.updated < heard_before:
                del self._expected[series]
                self.forgotten(record, now)

    def heard(self, records: Iterable[Record]) -> list[tuple[Series, Kind]]:
        """Those of the series that alerts on silence watch."""
        return [
            (record.series, record.kind)
            for record in records
            if any(each.rule.condition.silent_for_s is not None for each in self._watched.get(record, ()))
        ]

    def _take_over(self, expected: Record, record: Record, rules: list[Rule]) -> list[Rule]:
        """What is expected has come, as `record`. Returns those of its rules that watched nothing yet."""
        names = {rule.name for rule in rules}
        instances = self._watched.pop(expected, [])
        kept = [each for each in instances if each.rule.name in names]
        for instance in instances:
            if instance not in kept:
                self._end(instance, Reason.RULE, record.updated)
        for instance in kept:
            instance.record = record
        if kept:
            self._watched[record] = kept
        watching = {each.rule.name for each in kept}
        return [rule for rule in rules if rule.name not in watching]

    def _watch(self, record: Record, rules: list[Rule], heard: float) -> None:
        instances = [Instance(rule, record, heard, self._changes) for rule in rules]
        self._watched.setdefault(record, []).extend(instances)
        before = self.timers.next_due
        for instance in instances:
            self._settle(instance)
        if self.timers.next_due != before:
            self._on_news()

    def _settle(self, instance: Instance) -> None:
        self._count(instance)
        if (due := instance.due) is not None:
            self.timers.set(instance, due)

    def _end(self, instance: Instance, reason: Reason, now: float) -> None:
        instance.end(reason, Moment(self._wall(), now))
        instance.wake = None
        self._count(instance)

    def _count(self, instance: Instance) -> None:
        state, before = instance.state, self.active.get(instance, State.OK)
        if state is before:
            return
        if before is not State.OK:
            self.states[before] -= 1
        if state is State.OK:
            del self.active[instance]
        else:
            self.active[instance] = state
            self.states[state] += 1

    def _tell(self) -> None:
        if self._changes:
            self._on_news()

    def _concerned(self, record: Record) -> list[Rule]:
        series = record.series
        by_metric = self._by_metric.get(series.metric)
        if by_metric is None:
            by_metric = [
                (rule, rule.condition.selector.tags) for matches, rule in self._globs if matches(series.metric)
            ]
            if len(self._by_metric) >= METRICS_MAX:
                self._by_metric.clear()
            self._by_metric[series.metric] = by_metric
        if not by_metric or series.metric in OWN:
            return []
        return [
            rule
            for rule, tags in by_metric
            if (not tags or _tags_match(tags, series)) and (record.kind != "event" or _hears_events(rule))
        ]


def _same(old: Rule, new: Rule) -> bool:
    return (old.condition, old.severity) == (new.condition, new.severity)


def _tags_match(globs: tuple[tuple[str, str], ...], series: Series) -> bool:
    have = dict(series.tags)
    return all(key in have and glob_match(glob, have[key]) for key, glob in globs)


def _hears_events(rule: Rule) -> bool:
    """An event has a text, which no threshold fits; but it can fail to appear."""
    condition = rule.condition
    return condition.silent_for_s is not None and condition.above is None and condition.below is None
