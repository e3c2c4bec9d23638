"""What a delivered batch costs as there are more subscribers, selections, series, and samples in a message."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.load.board import PUBLISHED
from benchmarks.load.publisher import Paced
from benchmarks.load.run import Run
from benchmarks.measures import flows
from benchmarks.measures.metrics import scrape
from benchmarks.measures.options import Options, say, server_and_load
from benchmarks.peers.registry import SELECTIONS, STREAMGAUGE

SUBSCRIBERS = 100
SAMPLES = 10
DELIVERIES = 20_000  # batches a second over all subscribers, about: enough to measure, far from saturation
RATE_MAX = 200.0
RATE_MIN = 2.0
SAMPLES_MAX = 50_000  # published a second
INTRODUCED_PER_S = 100_000
MESSAGE_MAX = 1_000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    axis: str
    subscribers: int = SUBSCRIBERS
    selections: int = 1
    series: int = SAMPLES
    samples: int = SAMPLES

    @property
    def x(self) -> int:
        found: int = getattr(self, self.axis)
        return found

    @property
    def rate(self) -> float:
        """Messages a second, each its own batch."""
        wanted = min(DELIVERIES / self.subscribers, SAMPLES_MAX / self.samples)
        return max(RATE_MIN, min(RATE_MAX, wanted))


def points(*, quick: bool) -> Iterator[Point]:
    """Along each axis by tens; `quick`: only far apart."""
    for subscribers in (10, 1_000) if quick else (10, 100, 1_000, 10_000):
        yield Point("subscribers", subscribers=subscribers)
    for selections in (1_000,) if quick else (1, 10, 100, 1_000):
        yield Point("selections", subscribers=1_000, selections=selections)
    for series in (10_000,) if quick else (10, 100, 1_000, 10_000, 100_000):
        yield Point("series", series=series)
    for samples in (1_000,) if quick else (1, 10, 100, 1_000, 10_000):
        yield Point("samples", samples=samples, series=min(samples, SAMPLES))


def growth(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        for point in points(quick=options.quick):
            rows.append({"run": run, "axis": point.axis, "x": point.x, **measured(point, options)})
            row = rows[-1]
            say(
                f"growth run {run} {point.axis:<12} {point.x:>7,}: {row['us_per_delivery']:.2f} us a delivered batch, "
                f"{row['us_per_batch']:.0f} us a batch, server {row['server_cpu']:.2f}"
            )
    return rows


def _introduce(run: Run, point: Point) -> None:
    """Publishes until every series is known and everybody has got it."""
    messages = flows.over_series(min(point.series, MESSAGE_MAX), point.series)
    with run.publishing(Paced(INTRODUCED_PER_S / MESSAGE_MAX, messages)):
        while run.board[PUBLISHED] < len(messages):
            time.sleep(0.01)
    run.drain(run.board[PUBLISHED] * min(point.series, MESSAGE_MAX) * point.subscribers)


def measured(point: Point, options: Options) -> Row:
    dialect = replace(STREAMGAUGE.dialect, subscribe=SELECTIONS)
    messages = flows.over_series(point.samples, point.series)
    with server_and_load(STREAMGAUGE) as run:
        run.fleet(dialect=dialect, selections=point.selections).connect(point.subscribers)
        _introduce(run, point)
        idle = run.measure(options.seconds).server_cpu
        with run.publishing(Paced(point.rate, messages)):
            time.sleep(options.warm_s)
            batches = scrape(run.port)["delivered_batches"]
            interval = run.measure(options.seconds)
            batches = (scrape(run.port)["delivered_batches"] - batches) / interval.seconds
        report = run.report()
        cpu = max(0.0, interval.server_cpu - idle)
        return {
            "us_per_delivery": 1e6 * cpu / batches,
            "us_per_batch": 1e6 * cpu / batches * point.subscribers,
            "deliveries_per_s": batches,
            "server_cpu": interval.server_cpu,
            "idle_cpu": idle,
            "errors": report.errors + report.closed,
        }
