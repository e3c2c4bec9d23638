"""How old a sample is when a subscriber reads it, at 1,000 samples a second."""

import time
from typing import Any

from benchmarks.load.publisher import Paced
from benchmarks.load.run import connect_mixed
from benchmarks.measures.fanout import RATE, checked
from benchmarks.measures.options import NUMBERS, Options, say, server_and_load
from benchmarks.peers.peer import Peer
from benchmarks.statistics import ages_ms

SUBSCRIBERS = (1, 100, 1_000)
PROBES = 20

Row = dict[str, Any]


def latency(options: Options) -> list[Row]:
    rows: list[Row] = []
    for run in range(1, options.runs + 1):
        for subscribers in SUBSCRIBERS:
            for peer in options.peers:
                row = {"run": run, "subscribers": subscribers, **measured(peer, subscribers, options)}
                rows.append(row)
                say(
                    f"latency run {run} {subscribers:>5} subscribers {peer.name:<12} p50 {row['p50_ms']:.2f} "
                    f"p99 {row['p99_ms']:.2f} max {row['max_ms']:.1f} ms  lost {row['lost_share']:.1%}"
                )
    return rows


def measured(peer: Peer, subscribers: int, options: Options) -> Row:
    with server_and_load(peer) as run:
        probes = connect_mixed(run, subscribers, min(subscribers, PROBES), NUMBERS)
        with run.publishing(Paced(RATE)):
            time.sleep(options.warm_s)
            probes.ages()
            interval = run.measure(options.seconds)
            ages = probes.ages()
        return {
            "peer": peer.name,
            **ages_ms(ages),
            "observed": len(ages),
            "server_cpu": interval.server_cpu,
            "delivered_per_s": interval.delivered,
            **checked(run, options),
        }
