"""A tenth of 1,000 subscribers stops reading. Do the others notice, what does it cost, is the account exact?"""

import time
from dataclasses import dataclass
from typing import Any

from benchmarks.load.board import PUBLISHED
from benchmarks.load.fleet import FleetReport
from benchmarks.load.publisher import Paced
from benchmarks.load.run import FleetHandle, Run, connect_mixed
from benchmarks.measures.fanout import RATE
from benchmarks.measures.metrics import scrape
from benchmarks.measures.options import NUMBERS, Options, say, server_and_load
from benchmarks.peers.registry import STREAMGAUGE
from benchmarks.statistics import ages_ms

READING = 900
STOPPING = 100
PROBES = 20
MAILBOX_BATCHES = 32
MAILBOX_BYTES = 65_536
RECEIVE_BYTES = 4_096  # of the sockets of those who stop, so that it is not the kernel which keeps all they miss
STOPPED = 3  # times as long as the measurements before
RECOVERY_S = 2.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Watched:
    """One stretch of time, seen by those who read on."""

    ages: dict[str, float]
    server_cpu: float
    mailbox_bytes: float
    memory: int


def isolation(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        rows.append({"run": run, **measured(options)})
        row = rows[-1]
        say(
            f"isolation run {run}: p99 {row['before_p99_ms']:.1f} -> {row['during_p99_ms']:.1f} ms, mailboxes "
            f"{row['mailbox_bytes'] / 1e6:.2f} of {row['bound_bytes'] / 1e6:.1f} MB, {row['gaps']} gaps, "
            f"exact {row['exact']} of {STOPPING}, errors {row['errors']}"
        )
    return rows


def measured(options: Options) -> Row:
    with server_and_load(STREAMGAUGE, mailbox_batches=MAILBOX_BATCHES, mailbox_bytes=MAILBOX_BYTES) as run:
        stopping = run.fleet(receive_bytes=RECEIVE_BYTES, numbers=NUMBERS)
        stopping.connect(STOPPING)
        probes = connect_mixed(run, READING, PROBES, NUMBERS)
        with run.publishing(Paced(RATE)):
            time.sleep(options.warm_s)
            before = _watch(run, probes, options.seconds)
            stopping.ask("pause")
            time.sleep(options.warm_s)
            during = _watch(run, probes, options.seconds * STOPPED)
            stopping.ask("resume")
            time.sleep(RECOVERY_S)
            after = _watch(run, probes, options.seconds)
        run.drain(run.board[PUBLISHED] * (READING + STOPPING))
        time.sleep(options.warm_s)
        return {**_row(before, during, after), **_account(run, stopping.report())}


def _watch(run: Run, probes: FleetHandle, seconds: float) -> Watched:
    probes.ages()
    interval = run.measure(seconds)
    return Watched(ages_ms(probes.ages()), interval.server_cpu, scrape(run.port)["mailbox_bytes"], run.memory())


def _row(before: Watched, during: Watched, after: Watched) -> Row:
    row: Row = {}
    for name, stretch in (("before", before), ("during", during), ("after", after)):
        row |= {f"{name}_{figure}": value for figure, value in stretch.ages.items()}
        row[f"{name}_server_cpu"] = stretch.server_cpu
        row[f"{name}_memory_bytes"] = stretch.memory
    row["p99_ratio"] = during.ages["p99_ms"] / before.ages["p99_ms"]
    row["mailbox_bytes"] = during.mailbox_bytes
    row["mailbox_bytes_after"] = after.mailbox_bytes
    row["bound_bytes"] = STOPPING * MAILBOX_BYTES
    return row


def _account(run: Run, stopped: FleetReport) -> Row:
    """Who stopped got or was told of every sample; who did not got every sample."""
    published, everybody = run.board[PUBLISHED], run.report()
    owed = [published - got - gone for got, gone in zip(stopped.samples, stopped.announced, strict=True)]
    return {
        "published": published,
        "gaps": stopped.gaps,
        "announced": sum(stopped.announced),
        "conflated": stopped.conflated,
        "exact": owed.count(0),
        "lost": sum(map(abs, owed)),
        "readers_lost": published * (READING + STOPPING) - sum(everybody.samples) - sum(everybody.announced),
        "readers_gaps": everybody.gaps - stopped.gaps,
        "errors": everybody.errors + everybody.probe_errors + everybody.closed,
    }
