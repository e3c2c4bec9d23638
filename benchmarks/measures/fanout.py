"""How many samples a second reach 1,000 subscribers, and what 1,000 samples a second to them cost."""

import time
from typing import Any

from benchmarks.load.board import PUBLISHED
from benchmarks.load.publisher import POOL, Paced, Saturating
from benchmarks.load.run import Interval, Run, connect_mixed
from benchmarks.measures.options import NUMBERS, Options, say, sealed_server_and_load, server_and_load
from benchmarks.peers.peer import Peer
from benchmarks.peers.registry import STREAMGAUGE, bare
from benchmarks.report.page import SEALED

SUBSCRIBERS = 1_000
PROBES = 20
RATE = 1_000
BARE_WARM_S = 0.5
OVERFLOW_BATCHES = 2
OVERFLOW_RATE = 10_000
RECEIVE_BYTES = 4_096

Row = dict[str, Any]


def fanout(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        for peer in options.peers:
            rows.append({"run": run, **saturated(peer, options)})
            _tell(rows[-1])
            if peer is STREAMGAUGE:
                rows.append({"run": run, **bare_loop(rows[-1], options)})
                _tell(rows[-1])
                rows.append({"run": run, **overflowing(options)})
                _tell(rows[-1])
                rows.append({"run": run, **saturated(peer, options, sealed=True)})
                _tell(rows[-1])
        for peer in options.peers:
            rows.append({"run": run, **paced(peer, options)})
            _tell(rows[-1])
            if peer is STREAMGAUGE:
                rows.append({"run": run, **paced(peer, options, sealed=True)})
                _tell(rows[-1])
    return rows


def saturated(peer: Peer, options: Options, *, sealed: bool = False) -> Row:
    """One-sample messages, always a quarter second of them under way. `sealed`: everybody over TLS."""
    with (sealed_server_and_load if sealed else server_and_load)(peer) as run:
        connect_mixed(run, SUBSCRIBERS, PROBES, POOL)
        with run.publishing(Saturating(SUBSCRIBERS)):
            time.sleep(options.warm_s)
            interval = run.measure(options.seconds)
        return {
            "peer": peer.name,
            "load": load_name("saturated", sealed),
            **_figures(interval),
            **checked(run, options),
        }


def load_name(load: str, sealed: bool) -> str:
    return load + SEALED if sealed else load


def bare_loop(streamgauge: Row, options: Options) -> Row:
    """Frames as large as Streamgauge's were on average in its run before."""
    size = max(200, round(streamgauge["frame_bytes"]))
    peer = bare(size)
    with server_and_load(peer) as run:
        run.fleet().connect(SUBSCRIBERS)
        with run.publishing(Paced(0.001)):
            time.sleep(BARE_WARM_S)
            interval = run.measure(options.seconds)
        return {"peer": peer.name, "load": "saturated", **_figures(interval), "frame_bytes": size}


def overflowing(options: Options) -> Row:
    """Streamgauge with subscribers whose sockets hold next to nothing: all goes through mailboxes, which overflow."""
    with server_and_load(STREAMGAUGE, mailbox_batches=OVERFLOW_BATCHES) as run:
        run.fleet(receive_bytes=RECEIVE_BYTES).connect(SUBSCRIBERS)
        with run.publishing(Paced(OVERFLOW_RATE)):
            time.sleep(options.warm_s)
            interval = run.measure(options.seconds)
        row = {"peer": STREAMGAUGE.name, "load": "overflowing", **_figures(interval), **checked(run, options)}
    row["cpu_s_per_million"] = 1e6 * interval.server_cpu / interval.delivered if interval.delivered else 0.0
    return row


def paced(peer: Peer, options: Options, *, sealed: bool = False) -> Row:
    """1,000 one-sample messages a second."""
    with (sealed_server_and_load if sealed else server_and_load)(peer) as run:
        connect_mixed(run, SUBSCRIBERS, PROBES, NUMBERS)
        with run.publishing(Paced(RATE)):
            time.sleep(options.warm_s)
            interval = run.measure(options.seconds)
        row = {
            "peer": peer.name,
            "load": load_name("1,000 a second", sealed),
            **_figures(interval),
            **checked(run, options),
        }
    row["cpu_s_per_million"] = 1e6 * interval.server_cpu / interval.delivered if interval.delivered else 0.0
    return row


def _figures(interval: Interval) -> Row:
    return {
        "published_per_s": interval.published,
        "delivered_per_s": interval.delivered,
        "bytes_per_s": interval.bytes,
        "server_cpu": interval.server_cpu,
        "generator_cpu": interval.fleet_cpu,
        "publisher_cpu": interval.publisher_cpu,
    }


def checked(run: Run, options: Options) -> Row:
    """Whether everybody got everything, in order, once the publisher has stopped."""
    published = run.board[PUBLISHED]
    subscribers = sum(fleet.size for fleet in run.fleets)
    run.drain(published * subscribers, options.drain_s)
    report = run.report()
    got = sum(report.samples)
    return {
        "published": published,
        "expected": published * subscribers,
        "delivered": got,
        "lost_share": max(0.0, 1 - got / (published * subscribers)) if published else 0.0,
        "least": min(report.samples, default=0),
        "most": max(report.samples, default=0),
        "announced": sum(report.announced),
        "unaccounted": published * subscribers - got - sum(report.announced),
        "gaps": report.gaps,
        "errors": report.errors + report.probe_errors,
        "closed": report.closed,
        "probed": report.probed,
        "frame_bytes": run.received() / report.batches if report.batches else 0.0,
    }


def _tell(row: Row) -> None:
    say(
        f"fanout {row['load']:>19} run {row['run']} {row['peer']:<12} {row['delivered_per_s'] / 1e6:8.3f} M/s "
        f"{row['bytes_per_s'] / 1e6:7.0f} MB/s  server {row['server_cpu']:.2f}  generator {row['generator_cpu']:.2f}  "
        f"lost {row.get('lost_share', 0):.1%}  errors {row.get('errors', 0)}"
    )
