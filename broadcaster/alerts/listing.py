"""The answer of `/v1/alerts`. Very many may ask while very many alerts are active, so all answers take turns."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import trio

from broadcaster.alerts import notices
from broadcaster.alerts.episodes import Episodes
from broadcaster.alerts.evaluator import Evaluator
from broadcaster.alerts.files import RuleFiles
from broadcaster.alerts.instance import Instance, State
from broadcaster.alerts.rules import Rule
from broadcaster.selection import covers

ACTIVE_MAX: Final = 1_000  # in one answer, beside the first of each alert
RECENT_MAX: Final = 200
TURN_S: Final = 0.001

Fields = Mapping[str, Any]


class Sight(Protocol):
    """What a caller may see; `subscribe` are the globs behind `may_subscribe`."""

    @property
    def subscribe(self) -> frozenset[str]: ...

    def may_subscribe(self, metric: str) -> bool: ...

    @property
    def admin(self) -> bool: ...


class Listing:
    """`clock` measures turns, in seconds."""

    def __init__(
        self,
        evaluator: Evaluator,
        episodes: Episodes,
        wall: Callable[[], float],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._evaluator = evaluator
        self._episodes = episodes
        self._wall = wall
        self._clock = clock
        self._turn = trio.Lock()  # first come, first served

    async def answer(self, sight: Sight, files: RuleFiles, *, writable: bool) -> Fields:
        """The rules, and what is pending or firing, of metrics that the caller may see, as of when it was asked.

        Args:
            writable: rules can be changed over HTTP at all.
        """
        found = Found()
        answer: dict[str, Any] = {"time": self._wall(), "rules": [], "active": [], "recent": []}
        if sight.subscribe:
            await self._work(self._look(sight, found))
            await self._work(self._tell_active(found, answer["active"]))
            await self._work(self._tell_recent(sight, answer["recent"]))
        if sight.subscribe or sight.admin:
            await self._work(self._tell_rules(sight, found, files, answer["rules"], writable=writable))
        answer |= {"active_total": found.total, "writable": sight.admin and writable}
        if sight.admin:
            answer["problems"] = [
                {"file": each.file, "line": each.line, "message": each.message} for each in files.problems
            ]
        return answer

    async def _work(self, steps: Iterator[None]) -> None:
        """Of all answers one works on in a pass of the event loop, for a millisecond, or one step that takes longer."""
        while True:
            async with self._turn:
                until = self._clock() + TURN_S
                for _ in steps:
                    if self._clock() >= until:
                        break
                else:
                    return

    def _look(self, sight: Sight, found: "Found") -> Iterator[None]:
        for instance in list(self._evaluator.active):
            if instance.state is not State.OK and sight.may_subscribe(instance.record.series.metric):
                found.add(instance)
            yield

    def _tell_active(self, found: "Found", told: list[Fields]) -> Iterator[None]:
        for instance in found.chosen():
            if instance.state is not State.OK:
                fired = self._episodes.fired(instance.rule.name, instance.record.series)
                told.append(notices.instance_fields(instance, fired))
            yield

    def _tell_recent(self, sight: Sight, told: list[Fields]) -> Iterator[None]:
        for episode in reversed(list(self._episodes.over)):
            if len(told) == RECENT_MAX:
                return
            if sight.may_subscribe(episode.fired.record.series.metric):
                told.append(notices.episode_fields(episode))
            yield

    def _tell_rules(
        self, sight: Sight, found: "Found", files: RuleFiles, told: list[Fields], *, writable: bool
    ) -> Iterator[None]:
        owners = files.owners if sight.admin else {}
        for rule in self._evaluator.rules:
            pending, firing = found.pending[rule.name], found.firing[rule.name]
            if sight.admin or pending or firing or _is_within(rule, sight):
                fields = notices.rule_fields(rule, pending, firing)
                told.append({**fields, **_origin(rule, owners, files, writable)} if sight.admin else fields)
            yield


class Found:
    """What of all that is active is listed: the newest, and of each rule what fires for longest."""

    def __init__(self) -> None:
        self.total = 0
        self.pending: Counter[str] = Counter()  # by the rule's name
        self.firing: Counter[str] = Counter()
        self._firsts: dict[str, Instance] = {}
        self._newest: deque[Instance] = deque(maxlen=ACTIVE_MAX)

    def add(self, instance: Instance) -> None:
        """In the order in which they began."""
        name, fires = instance.rule.name, instance.state is State.FIRING
        self.total += 1
        if name not in self._firsts or (fires and name not in self.firing):
            self._firsts[name] = instance
        (self.firing if fires else self.pending)[name] += 1
        self._newest.append(instance)

    def chosen(self) -> list[Instance]:
        newest = set(self._newest)
        return [*(each for each in self._firsts.values() if each not in newest), *self._newest]


def _is_within(rule: Rule, sight: Sight) -> bool:
    """Whether the caller may see whatever the rule is about."""
    metric = rule.condition.selector.metric
    return any(covers(glob, metric) for glob in sight.subscribe)


def _origin(rule: Rule, owners: Mapping[str, str], files: RuleFiles, writable: bool) -> Fields:
    file = owners.get(rule.name)
    revision = files.revisions.get(rule.name) if writable else None
    return notices.origin_fields(rule, None if file is None else Path(file).name, revision)
