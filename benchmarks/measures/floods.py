"""Somebody floods the broadcaster in one way or another. Do those who behave notice?"""

import time
from typing import Any

from benchmarks.load.attacker import KINDS, attacking
from benchmarks.load.publisher import Paced
from benchmarks.load.run import FleetHandle, connect_mixed
from benchmarks.measures.fanout import RATE
from benchmarks.measures.metrics import scrape
from benchmarks.measures.options import NUMBERS, Options, say, server_and_load
from benchmarks.peers.registry import STREAMGAUGE
from benchmarks.statistics import ages_ms

READING = 100
PROBES = 20
DEALT_WITH = ("connections_opened", "errors", "refused", "rejected_samples")
LIMITS = {"samples_per_second": 20_000, "messages_per_second": 5_000, "bytes_per_second": 5_000_000}

Row = dict[str, Any]


def floods(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        for kind in KINDS:
            rows.append({"run": run, "kind": kind, **measured(kind, options)})
            row = rows[-1]
            say(
                f"floods run {run} of {kind}: p99 {row['before_p99_ms']:.2f} -> {row['during_p99_ms']:.2f} ms "
                f"({row['p99_ratio']:.2f}), server {row['during_server_cpu']:.2f} cores, "
                f"{row['dealt_with_per_s']:,.0f} dealt with a second, "
                f"{row['lost']} lost, {row['errors']} errors"
            )
    return rows


def measured(kind: str, options: Options) -> Row:
    with server_and_load(STREAMGAUGE, **LIMITS) as run:
        probes = connect_mixed(run, READING, PROBES, NUMBERS)
        row: Row = {}
        with run.publishing(Paced(RATE)):
            time.sleep(options.warm_s)

            def watch(name: str) -> None:
                row.update({f"{name}_{figure}": value for figure, value in _ages(probes, options.seconds).items()})

            watch("before")
            with attacking(kind, run.port):
                time.sleep(options.warm_s)
                began, came = run.moment(), _dealt_with(run.port)
                watch("during")
                came = _dealt_with(run.port) - came
                ended = run.moment()
            time.sleep(options.warm_s)
            watch("after")
        lost = run.drain(run.board[0] * READING)
        report = run.report()
        seconds = ended.at - began.at
        row["p99_ratio"] = row["during_p99_ms"] / row["before_p99_ms"]
        row["during_server_cpu"] = (ended.server_cpu_s - began.server_cpu_s) / seconds
        row["dealt_with_per_s"] = came / seconds
        row["lost"] = lost
        row["errors"] = report.errors + report.probe_errors + report.closed
        row["memory_bytes"] = run.memory()
        row["series"] = scrape(run.port).get("series", 0)
        return row


def _dealt_with(port: int) -> float:
    """What of the flood was let in or refused: connections, messages and samples beyond the limits."""
    figures = scrape(port)
    return sum(figures.get(name, 0.0) for name in DEALT_WITH)


def _ages(probes: FleetHandle, seconds: float) -> dict[str, float]:
    probes.ages()
    time.sleep(seconds)
    return ages_ms(probes.ages())
