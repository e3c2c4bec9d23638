"""Alerts at work: rules from files, changes to the hub and to webhooks. What decides is in the pure modules."""

import itertools
import logging
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import trio

from broadcaster.alerts import heard, notices
from broadcaster.alerts.deliveries import Deliveries, Delivery, Post
from broadcaster.alerts.episodes import Episodes
from broadcaster.alerts.evaluator import Evaluator
from broadcaster.alerts.files import RuleFiles, read_rules
from broadcaster.alerts.folder import Folder
from broadcaster.alerts.heard import Heard
from broadcaster.alerts.instance import Change, State
from broadcaster.alerts.listing import Listing, Sight
from broadcaster.alerts.rules import Rule
from broadcaster.alerts.webhook import post
from broadcaster.history import Record
from broadcaster.hub import Hub
from ingest.errors import CommandError
from ingest.messages import MessageError
from ingest.samples import Entry

SWEEP_S: Final = 2.0
IDLE_S: Final = 3_600.0
REMEMBERED: Final = 5  # sweeps from one look at what is heard to the next
SLICE: Final = 2_000  # series that are matched in one go when rules change
CHECKED: Final = 100  # series whose time has come that are looked at in one go
TOLD: Final = 100  # changes that are told in one go, with about 20 µs each; or
TOLD_SHARE: Final = 32  # this part of those that wait, so that they cannot become ever more

log = logging.getLogger("streamgauge.alerts")


class Alerts:
    """All alerts of a broadcaster.

    Args:
        path: a file or a directory of rules, None for no alerts.
        interval_s: between samples of `alerts.firing`; 0: only with changes.
        wall: Unix seconds.
        writable: alerts may be put into the directory, which is made if it is not there.
        forget_s: after so long a series that was known before a restart is not expected any more.

    Raises:
        CommandError: a path that cannot be read or made, or a file that was named itself and has a problem.
    """

    def __init__(
        self,
        path: Path | None,
        hub: Hub,
        interval_s: float,
        wall: Callable[[], float] = time.time,
        send: Post = post,
        *,
        writable: bool = False,
        forget_s: float = 3_600.0,
    ) -> None:
        self._path = path
        self._folder = _folder(path) if writable else None
        self._forget_s = forget_s
        self._episodes = Episodes()
        self._reloading = trio.Lock()
        self._heard: list[Heard] = []
        self._hub = hub
        self._interval_s = interval_s
        self._wall = wall
        self._send = send
        self._news = trio.Event()
        self._deliveries: Deliveries | None = None
        self._evaluator = Evaluator(wall, self._wake)
        self._listing = Listing(self._evaluator, self._episodes, wall)
        self._firing: Counter[tuple[str, str]] = Counter()  # by rule and severity, as they are published
        self._changes = {State.FIRING.value: 0, State.OK.value: 0}
        self._touched: dict[tuple[str, str], Rule] = {}  # whose count of firing series is to be published
        self._unpublished = 0
        self._files = RuleFiles()
        if path is not None:
            self._begin(path)

    def _begin(self, path: Path) -> None:
        self._files = read_rules(path)
        if self._files.problems and not os.path.isdir(path):  # `Path.is_dir` raises where it may not look
            raise CommandError("; ".join(map(str, self._files.problems)))
        self._tell(self._files)
        self._evaluator.replace(self._files.all)
        self._hub.inspector = self._evaluator
        if self._folder is not None:
            with _logged("series that were heard before are not known"):
                self._heard = heard.read(self._folder.directory / heard.FILE)
            self._evaluator.expect(self._heard, trio.current_time())

    def _wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; at once if there are to be no alerts."""
        if self._path is None:
            return
        async with trio.open_nursery() as nursery:
            self._deliveries = Deliveries(nursery, self._send)
            nursery.start_soon(self._watch_files, self._path)
            if self._interval_s:
                nursery.start_soon(self._gauge)
            try:
                await self._work()
            finally:
                self._remember(self._evaluator.heard(self._evaluator.watched))
                if waiting := self._deliveries.waiting:
                    log.warning("webhooks not delivered before the end: %d", waiting)

    async def drained(self) -> None:
        """Returns when what has happened is told to every webhook that answers."""
        if self._deliveries is not None:
            while self._is_past(self._turn()):
                await trio.lowlevel.checkpoint()
            await self._deliveries.drained()

    async def _work(self) -> None:
        while True:
            due = self._turn()
            if self._is_past(due):
                await trio.lowlevel.checkpoint()
                continue
            with trio.CancelScope(deadline=trio.current_time() + IDLE_S if due is None else due):
                await self._news.wait()
            self._news = trio.Event()

    def _turn(self) -> float | None:
        """Does a part of what is to be done. Returns when there is more to do."""
        now, evaluator = trio.current_time(), self._evaluator
        due = evaluator.check(now, CHECKED)
        changes = evaluator.take(max(TOLD, evaluator.waiting // TOLD_SHARE))
        if evaluator.waiting:
            due = now
        self._publish(changes, more=self._is_past(due))
        return due

    @staticmethod
    def _is_past(due: float | None) -> bool:
        return due is not None and due <= trio.current_time()

    async def _gauge(self) -> None:
        while True:
            self._publish_entries(self._gauges(self._evaluator.rules))
            await trio.sleep(self._interval_s)

    def _gauges(self, rules: tuple[Rule, ...] | list[Rule]) -> list[Entry]:
        now = self._wall()
        return [notices.firing_entry(rule, self._firing[_series_of(rule)], now) for rule in rules]

    def _publish(self, changes: list[Change], *, more: bool) -> None:
        """How many series fire is published when there are no `more` changes for now."""
        assert self._deliveries is not None
        now = trio.current_time()
        for change in changes:
            self._changes[change.state.value] += 1
            self._episodes.take(change)
            self._firing[_series_of(change.rule)] += 1 if change.state is State.FIRING else -1
            if change.rule.webhooks:
                body = notices.webhook_body(change, str(uuid.uuid4()))
                about = f"{change.rule.name} {change.state.value}"
                for url in change.rule.webhooks:
                    self._deliveries.put(url, Delivery(about, body, now))
            self._touched[_series_of(change.rule)] = change.rule
        entries = [notices.state_entry(change) for change in changes]
        if not more:
            entries += self._gauges(list(self._touched.values()))
            self._touched.clear()
        if entries:
            self._publish_entries(entries)

    def _publish_entries(self, entries: list[Entry]) -> None:
        """Through the hub, like anybody's samples; a producer's series of that name but another kind is left alone."""
        kind_of = self._hub.history.kind_of
        sound = [entry for entry in entries if (kind_of(entry.series) or entry.kind) == entry.kind]
        refused = self._hub.publish(sound, trio.current_time())
        lost = len(entries) - len(sound) + len(refused)
        if lost and not self._unpublished:
            log.warning("alerts: some of alerts.* cannot be published: too many series, or their names are taken")
        self._unpublished += lost

    # The files.

    async def _watch_files(self, path: Path) -> None:
        await self._adopt()
        for sweep in itertools.count(1):
            await trio.sleep(SWEEP_S)
            await self.reload(path)
            now = trio.current_time()
            self._evaluator.dismiss(now - self._forget_s, now)
            if not sweep % REMEMBERED and self._folder is not None:
                await trio.to_thread.run_sync(self._remember, await self._heard_now())

    async def _heard_now(self) -> list[Heard]:
        found: list[Heard] = []
        for watched in _slices(self._evaluator.watched):
            found += self._evaluator.heard(watched)
            await trio.lowlevel.checkpoint()
        return found

    def _remember(self, now_heard: list[Heard]) -> None:
        """For after a restart."""
        if self._folder is None or set(now_heard) == set(self._heard):
            return
        with _logged("series that are heard will not be known after a restart"):
            heard.write(self._folder.directory / heard.FILE, now_heard)
        self._heard = now_heard

    async def reload(self, path: Path) -> None:
        async with self._reloading:
            await self._reload(path)

    async def _reload(self, path: Path) -> None:
        """Takes over what changed in the files."""
        files = await trio.to_thread.run_sync(read_rules, path, self._files)
        if files is self._files:
            return
        self._files = files
        self._tell(files)
        self._evaluator.replace(files.all)
        await self._adopt()
        log.info("alerts: %d from %s", len(files.all), path)

    async def _adopt(self) -> None:
        """Every series gets the rules as they are now."""
        for watched in _slices(self._evaluator.watched):
            self._evaluator.refit(watched, trio.current_time())
            await trio.lowlevel.checkpoint()
        for records in _slices(list(self._hub.history.records.values())):
            known = self._hub.history.records
            there = [each for each in records if known.get(each.series) is each]
            self._evaluator.refit(there, trio.current_time())  # if it was expected until just now
            self._evaluator.adopt(there)
            await trio.lowlevel.checkpoint()

    def _tell(self, files: RuleFiles) -> None:
        for problem in files.problems:
            log.warning("alerts: %s", problem)

    # What others change.

    async def put(self, name: str, table: Mapping[str, Any], expected: str | None) -> Mapping[str, Any]:
        """Writes an alert into the directory; it is judged when this returns. Raises MessageError, as `Folder.put`."""
        folder = self._writable()
        async with self._reloading:
            owner = self._files.owners.get(name)
            revision = await trio.to_thread.run_sync(folder.put, name, table, expected, owner)
            await self._reload(folder.directory)
        return {"alert": name, "revision": revision}

    async def delete(self, name: str, expected: str) -> None:
        """Raises MessageError, as `Folder.delete`."""
        folder = self._writable()
        async with self._reloading:
            await trio.to_thread.run_sync(folder.delete, name, expected)
            await self._reload(folder.directory)

    def _writable(self) -> Folder:
        if self._folder is None:
            why = "alerts are not changed from here: start it with --alerts DIR --alerts-writable"
            raise MessageError("read_only", why)
        return self._folder

    # What others ask.

    def figures(self) -> dict[str, Any]:
        """Fields of `broadcaster.statistics.Figures`."""
        states = self._evaluator.states
        deliveries = self._deliveries
        return {
            "alert_rules": len(self._evaluator.rules),
            "alerts": {state.value: states[state] for state in (State.PENDING, State.FIRING)},
            "alert_changes": dict(self._changes),
            "webhooks": dict(deliveries.counts.outcomes) if deliveries else {},
            "webhook_retries": deliveries.counts.retries if deliveries else 0,
            "webhooks_waiting": deliveries.waiting if deliveries else 0,
        }

    async def describe(self, sight: Sight) -> Mapping[str, Any]:
        """The answer of `/v1/alerts`."""
        return await self._listing.answer(sight, self._files, writable=self._folder is not None)


def _slices(records: list[Record]) -> Iterator[list[Record]]:
    return (records[at : at + SLICE] for at in range(0, len(records), SLICE))


def _folder(path: Path | None) -> Folder:
    """Raises CommandError."""
    if path is None:
        raise CommandError("--alerts-writable: needs --alerts DIR")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise CommandError(f"--alerts: {path}: expected a directory, for --alerts-writable") from None
    except OSError as error:
        raise CommandError(f"--alerts: {path}: {error.strerror or error}") from None
    return Folder(path)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.warning("alerts: %s: %s", what, error.strerror or error)


def _series_of(rule: Rule) -> tuple[str, str]:
    """What tells the series of `alerts.firing` apart: a rule that was changed may have another severity."""
    return rule.name, rule.severity
