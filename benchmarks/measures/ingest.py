"""How many samples a second Streamgauge takes from one producer over its real WebSocket."""

import time
from typing import Any

from benchmarks.load.board import CONTEXT, PUBLISHED
from benchmarks.load.publisher import Flooding
from benchmarks.load.run import Run
from benchmarks.measures import flows
from benchmarks.measures.metrics import scrape
from benchmarks.measures.options import Options, say, server_and_load
from benchmarks.peers.registry import STREAMGAUGE

SUBSCRIBERS = (0, 100)
ENTRIES = 100
COLUMN = 1_000
SETTLE_S = 0.2

Row = dict[str, Any]


def forms() -> dict[str, tuple[int, bytes]]:
    """By name: samples a message, and some messages to send again and again."""
    return {
        "one-sample messages": (1, b"".join(flows.singles(200))),
        f"{ENTRIES} entries a message": (ENTRIES, b"".join(flows.entries(ENTRIES, 10))),
        f"columns of {COLUMN:,}": (COLUMN, b"".join(flows.columns(COLUMN, 5))),
    }


def ingest(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        for form in forms():
            for subscribers in SUBSCRIBERS:
                row = {"run": run, "form": form, "subscribers": subscribers, **measured(form, subscribers, options)}
                rows.append(row)
                say(
                    f"ingest run {run} {form:<22} {subscribers:>3} subscribers {row['samples_per_s'] / 1e6:.3f} M/s  "
                    f"server {row['server_cpu']:.2f}  dropped {row['dropped_share']:.1%}  errors {row['errors']}"
                )
    return rows


def measured(form: str, subscribers: int, options: Options) -> Row:
    """The time runs from the first byte until the server has answered what came last."""
    samples, block = forms()[form]
    with server_and_load(STREAMGAUGE) as run:
        if subscribers:
            run.fleet().connect(subscribers)
        before = run.moment()
        seconds = _flood(run, Flooding(block, flows.LAST, flows.ACK, options.seconds))
        after = run.moment()
        published = run.board[PUBLISHED] * block.count(b'"publish"') * samples
        metrics = scrape(run.port)
        rest = run.drain(published * subscribers) if subscribers else 0
        report = run.report()
        missing = [published - got - gone for got, gone in zip(report.samples, report.announced, strict=True)]
        return {
            "samples_per_s": published / seconds,
            "messages_per_s": published / samples / seconds,
            "server_cpu": (after.server_cpu_s - before.server_cpu_s) / seconds,
            "generator_cpu": (after.fleet_cpu_s - before.fleet_cpu_s) / seconds,
            "bytes_per_s": (after.bytes - before.bytes) / seconds,
            "accepted": metrics["accepted_samples"],
            "published": published,
            "delivered_per_s": (published * subscribers - max(rest, 0)) / seconds,
            "dropped_share": sum(report.announced) / (published * subscribers) if subscribers else 0.0,
            "errors": report.errors + report.closed + sum(map(bool, missing)),
        }


def _flood(run: Run, plan: Flooding) -> float:
    """Sends it all from a process of its own; returns the seconds it took."""
    mine, theirs = CONTEXT.Pipe()
    with run.publishing(plan, theirs):
        theirs.close()
        if not mine.poll(plan.seconds + 60):
            raise TimeoutError("the server did not answer the last message")
        seconds: float = mine.recv()
    time.sleep(SETTLE_S)
    return seconds
