import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from broadcaster.statistics import Figures
from broadcaster.telemetry import FlushTimes, LoopLag, entries, publish_telemetry
from ingest.samples import Entry


def values(published: Sequence[Entry]) -> dict[str, object]:
    return {repr(entry.series): entry.values[0] for entry in published}


def test_the_series_of_the_broadcaster_itself() -> None:
    before = Figures(accepted_samples=100)
    now = Figures(
        {"producer": 2},
        accepted_samples=300,
        delivered_samples=50,
        dropped_samples={"conflate": 3},
        refused={"idle": 2},
        limits={"series_max": 200.0},
        used={"series_max": 50.0, "subscriptions_max": 3.0},
    )
    published = entries(now, before, 2.0, 0.001, 0.02, 1000.0)
    assert values(published) == {
        "broadcaster.connections{role=producer}": 2,
        "broadcaster.connections{role=subscriber}": 0,
        "broadcaster.samples_per_second{direction=in}": 100,
        "broadcaster.samples_per_second{direction=out}": 25,
        "broadcaster.batches_per_second{direction=out}": 0,
        "broadcaster.dropped_samples": 3,
        "broadcaster.flush_time{quantile=p50}": 0.001,
        "broadcaster.flush_time{quantile=p99}": 0.02,
        "broadcaster.loop_lag": 0,
        "broadcaster.series": 0,
        "broadcaster.audiences": 0,
        "broadcaster.history_bytes": 0,
        "broadcaster.mailbox_bytes": 0,
        "broadcaster.loop_stalls": 0,
        "broadcaster.refused{reason=idle}": 2,
        "broadcaster.used{setting=series_max}": 25,
        "broadcaster.memory": 0,
    }
    assert {entry.times for entry in published} == {(1000.0,)}


@pytest.mark.parametrize("store", [Figures(stored_batches=1), Figures(store_failing=1), Figures(store_queue=1)])
def test_a_stored_history_has_series_that_an_alert_can_be_about(store: Figures) -> None:
    published = values(entries(replace(store, store_lost_batches=7), store, 2.0, 0.001, 0.02, 1000.0))
    assert published["broadcaster.store_failing"] == store.store_failing
    assert published["broadcaster.store_lost_batches"] == 7


async def test_they_are_published_every_interval(autojump_clock: MockClock) -> None:
    published: list[Sequence[Entry]] = []
    count = 0

    def figures() -> Figures:
        nonlocal count
        count += 10
        return Figures(accepted_samples=count)

    async with trio.open_nursery() as nursery:
        quantile = FlushTimes().quantile
        nursery.start_soon(
            partial(publish_telemetry, figures, quantile, published.append, trio.current_time, interval_s=2.0)
        )
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert [values(batch)["broadcaster.samples_per_second{direction=in}"] for batch in published] == [5, 5]


async def test_a_loop_that_is_held_up_shows_as_lag() -> None:
    lag = LoopLag()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lag.measure)
        await trio.sleep(0.05)
        time.sleep(0.15)  # noqa: ASYNC251  # what is measured
        await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    assert lag.worst_s >= 0.05


def test_flush_quantiles() -> None:
    times = FlushTimes()
    assert times.quantile(0.5) == 0.0
    for milliseconds in range(1, 101):
        times.add(milliseconds / 1000)
    assert (times.quantile(0.5), times.quantile(0.99)) == (0.051, 0.1)
