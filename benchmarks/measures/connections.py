"""10,000 subscribers: how fast they are accepted, what each takes, and whether one batch a second reaches all."""

import time
from typing import Any

from benchmarks.load.publisher import Paced
from benchmarks.measures.fanout import checked
from benchmarks.measures.metrics import scrape
from benchmarks.measures.options import NUMBERS, Options, say, server_and_load
from benchmarks.peers.registry import STREAMGAUGE
from benchmarks.statistics import ages_ms

SUBSCRIBERS = 10_000
SUBSCRIBERS_QUICK = 1_000
BATCHES = 10
BATCHES_QUICK = 3
SETTLE_S = 1.0

Row = dict[str, Any]


def connections(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        rows.append({"run": run, **measured(options)})
        row = rows[-1]
        say(
            f"connections run {run}: {row['accepted_per_s']:,.0f}/s, {row['kib_each']:.1f} KiB each, "
            f"p99 {row['p99_ms']:.0f} ms, lost {row['lost_share']:.2%}, errors {row['errors']}"
        )
    return rows


def measured(options: Options) -> Row:
    subscribers = SUBSCRIBERS_QUICK if options.quick else SUBSCRIBERS
    with server_and_load(STREAMGAUGE) as run:
        fleets = [run.fleet(numbers=NUMBERS) for _ in range(2)]
        empty, cpu_s = run.memory(), run.moment().server_cpu_s
        seconds = sum(fleet.connect(subscribers // 2) for fleet in fleets)
        cpu_s = run.moment().server_cpu_s - cpu_s
        time.sleep(SETTLE_S)
        full = run.memory()
        with run.publishing(Paced(1)):
            interval = run.measure(BATCHES_QUICK if options.quick else BATCHES)
        ages = [age for fleet in fleets for age in fleet.ages()]
        row = checked(run, options)
        dropped = scrape(run.port).get("dropped_samples", 0.0)
        return {
            "subscribers": subscribers,
            "accepted_per_s": subscribers / seconds,
            "accept_cpu_us": 1e6 * cpu_s / subscribers,
            "kib_each": (full - empty) / 1024 / subscribers,
            "kib_each_busy": (run.memory() - empty) / 1024 / subscribers,
            **ages_ms(ages),
            "server_cpu": interval.server_cpu,
            "dropped": dropped,
            **row,
        }
