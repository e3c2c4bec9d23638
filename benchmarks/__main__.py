"""Measure Streamgauge, and its peers beside it.

python -m benchmarks all --quick        a minute, without smoothness, into benchmarks/.results
python -m benchmarks all                everything, medians of 5 runs, into docs/benchmarks
python -m benchmarks fanout --peers streamgauge,nats --runs 3 --seconds 2
python -m benchmarks report             the table and the charts again, from results.json
python -m benchmarks faults --help      and storm, held: what faults and long loads do; see docs/reliability.md
"""

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.drawing.others import OTHERS
from benchmarks.machine import facts
from benchmarks.measures.connections import connections
from benchmarks.measures.fanout import fanout
from benchmarks.measures.floods import floods
from benchmarks.measures.growth import growth
from benchmarks.measures.ingest import ingest
from benchmarks.measures.isolation import isolation
from benchmarks.measures.latency import latency
from benchmarks.measures.options import Options, installed, say
from benchmarks.measures.smoothness import FULL_S, QUICK_S, smoothness
from benchmarks.peers.registry import BY_NAME, PEERS
from benchmarks.report.charts import write_charts
from benchmarks.report.page import page

HERE = Path(__file__).parent
FULL = HERE.parent / "docs" / "benchmarks"
QUICK = HERE / ".results"
QUICK_PEERS = ("streamgauge", "nats", "socket.io")

MEASURES: dict[str, Callable[[Options], list[dict[str, Any]]]] = {
    "fanout": fanout,
    "latency": latency,
    "ingest": ingest,
    "connections": connections,
    "isolation": isolation,
    "floods": floods,
    "growth": growth,
    "smoothness": smoothness,
}
RELIABILITY = {  # with options of their own
    "faults": "benchmarks.faults.command",
    "storm": "benchmarks.faults.storm",
    "held": "benchmarks.faults.held",
}
RUNS = {"smoothness": 3}  # two minutes each


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("measure", choices=[*MEASURES, "all", "report"])
    made.add_argument("--quick", action="store_true", help="one short run, few peers")
    made.add_argument("--peers", help=f"some of {','.join(BY_NAME)}")
    made.add_argument("--runs", type=int, help="how often; medians are shown (5; smoothness 3; quick 1)")
    made.add_argument("--seconds", type=float, help="how long each measurement takes (2.5; quick 0.7)")
    made.add_argument("--out", type=Path, help="where results.json, the page and the charts go")
    return made


def main(argv: list[str] | None = None) -> None:
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in RELIABILITY:
        sys.exit(importlib.import_module(RELIABILITY[words[0]]).main(words[1:]))
    given = parser().parse_args(words)
    out = given.out or (QUICK if given.quick else FULL)
    out.mkdir(parents=True, exist_ok=True)
    if given.measure != "report":
        _measure(given, out)
    results = _read(out)
    (out / "results.md").write_text(page(results))
    write_charts(results, out)
    say(f"written: {out.name}/results.json, results.md, charts")


def _measure(given: argparse.Namespace, out: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = given.peers.split(",") if given.peers else QUICK_PEERS if given.quick else [peer.name for peer in PEERS]
    options = Options(
        peers=installed(BY_NAME[name] for name in names),
        quick=given.quick,
        runs=given.runs or (1 if given.quick else 5),
        seconds=given.seconds or (0.7 if given.quick else 2.5),
        warm_s=0.5 if given.quick else 1.5,
        drain_s=1.0 if given.quick else 3.0,
    )
    for name in _measures(given):
        runs = given.runs or (1 if given.quick else RUNS.get(name, options.runs))
        began, machine = time.time(), facts()
        rows = MEASURES[name](replace(options, runs=runs))
        taken = time.strftime("%Y-%m-%d %H:%M", time.gmtime(began))
        peers = [other.peer for other in OTHERS] if name == "smoothness" else options.peers
        versions = {peer.name: dict(peer.versions) for peer in peers}
        machine["load_average_after"] = os.getloadavg()[0]
        section = {"taken": taken, "machine": machine, "versions": versions, "runs": runs, "rows": rows}
        seconds = (QUICK_S if given.quick else FULL_S) if name == "smoothness" else options.seconds
        _write(out, {**_read(out), name: {**section, "seconds": seconds}})


def _measures(given: argparse.Namespace) -> list[str]:
    if given.measure != "all":
        return [given.measure]
    return [name for name in MEASURES if not (given.quick and name in RUNS)]  # a minute has no time for those


def _read(out: Path) -> dict[str, Any]:
    file = out / "results.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _write(out: Path, results: dict[str, Any]) -> None:
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
