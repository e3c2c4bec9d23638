"""What very many series bring at once is worked on in turns, between which others have theirs."""

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from broadcaster.alerts import service
from broadcaster.alerts.evaluator import Evaluator
from broadcaster.alerts.instance import Change
from broadcaster.history import Record
from broadcaster.hub import Hub
from ingest.samples import Entry, Series
from tests.broadcaster.alerts.serving import WALL, World, working

HOT = '[hot]\nmetric = "cpu"\nabove = 90\n'
DEAD = '[dead]\nmetric = "cpu"\nsilent_for = "5s"\n'


def write(path: Path, text: str) -> Path:
    file = path / "alerts.toml"
    file.write_text(text)
    return file


def publish(world: World, value: float, hosts: Iterable[int]) -> None:
    entries = [Entry(Series("cpu", (("host", str(host)),)), [WALL], [value]) for host in hosts]
    world.hub.publish(entries, trio.current_time())
    world.hub.flush(trio.current_time())


class Passes(trio.abc.Instrument):
    """How often all tasks had their turn."""

    count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


async def test_silence_of_very_many_is_told_some_at_a_time(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Passes()
    told: list[tuple[int, int]] = []
    put = Hub.publish

    def noted(hub: Hub, entries: list[Entry], now: float) -> Any:
        told.append((passes.count, sum(entry.series.metric == "alerts.state" for entry in entries)))
        return put(hub, entries, now)

    async with working(write(tmp_path, DEAD)) as world:
        publish(world, 1.0, range(many := 10 * service.TOLD + 1))
        trio.lowlevel.add_instrument(passes)
        monkeypatch.setattr(Hub, "publish", noted)
        await trio.sleep(5.5)
        monkeypatch.undo()
        trio.lowlevel.remove_instrument(passes)
        assert sum(changes for _, changes in told) == many
        assert max(changes for _, changes in told) == service.TOLD
        assert all(before < after for (before, _), (after, _) in pairwise(told))
        assert [value for *_, value in world.samples("alerts.firing")] == [many]


async def test_the_more_changes_wait_the_more_are_told_in_one_go(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    take = Evaluator.take

    def noted(evaluator: Evaluator, most: int) -> list[Change]:
        changes = take(evaluator, most)
        taken.append(len(changes))
        return changes

    monkeypatch.setattr(Evaluator, "take", noted)
    async with working(write(tmp_path, HOT)) as world:
        publish(world, 95.0, range(many := 2 * service.TOLD * service.TOLD_SHARE))
        await world.alerts.drained()
        assert sum(taken) == many
        assert max(taken) == 2 * service.TOLD
        assert min([changes for changes in taken if changes][:-1]) == service.TOLD
        listed = await world.listed()
        assert listed["active_total"] == listed["rules"][0]["firing"] == many


async def test_rules_are_replaced_some_series_at_a_time(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SWEEP_S", math.inf)  # it is done here, so that nothing depends on when
    passes = Passes()
    refitted: list[tuple[int, int]] = []
    refit = Evaluator.refit

    def noted(evaluator: Evaluator, records: list[Record], now: float) -> None:
        refitted.append((passes.count, len(records)))
        refit(evaluator, records, now)

    monkeypatch.setattr(Evaluator, "refit", noted)
    monkeypatch.setattr(service, "SLICE", 50)
    async with working(write(tmp_path, HOT)) as world:
        publish(world, 95.0, range(many := 210))
        trio.lowlevel.add_instrument(passes)
        await world.alerts.reload(write(tmp_path, HOT.replace("90", "91.5")))
        trio.lowlevel.remove_instrument(passes)
        assert [series for _, series in refitted][:6] == [50, 50, 50, 50, 10, 50]
        assert max(series for _, series in refitted) == 50
        assert all(before < after for (before, _), (after, _) in pairwise(refitted))
        publish(world, 90.5, range(many))
        await world.alerts.drained()
        assert world.alerts.figures()["alert_changes"] == {"firing": many, "ok": many}
        publish(world, 95.0, range(many))
        await world.alerts.drained()
        assert world.alerts.figures()["alert_changes"] == {"firing": 2 * many, "ok": many}


async def test_the_count_under_a_severity_that_an_alert_had_goes_back(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SWEEP_S", math.inf)
    async with working(write(tmp_path, HOT)) as world:
        publish(world, 95.0, range(many := 5 * service.TOLD))
        await world.alerts.drained()
        write(tmp_path, HOT + 'severity = "critical"\n')
        evaluator = world.hub.inspector
        assert isinstance(evaluator, Evaluator)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.alerts.reload, tmp_path / "alerts.toml")
            while evaluator.rules[0].severity == "warning" or not evaluator.watched:  # the file is read in a thread
                await trio.lowlevel.checkpoint()
            assert evaluator.waiting, "what was is not told of whole yet"
            publish(world, 95.0, range(many))
        await world.alerts.drained()
        newest = {name: value for name, _, value in world.samples("alerts.firing")}
        assert newest == {"hot,critical": many, "hot,warning": 0}
