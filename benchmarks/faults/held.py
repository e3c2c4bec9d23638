"""Load held for long: is everything accounted for, and does memory stay flat?

    python -m benchmarks held [--subscribers 5000] [--producers 50] [--rate 200000] [--minutes 30] [--churn 0.1]
        [--slow 0.05] [--series 20] [--max-rate 4] [--out FOLDER]

Producers share the rate; each has --series series of numbered samples, of which every subscriber selects one: each
sample goes to several. A share of the subscribers reads 2 KiB a second; a share leaves every minute, without a word,
and comes back with its cursor. Every subscriber checks every number: what comes next, or exactly as much later as gaps
announced. Exits with 1 if a number is wrong or missing, if not all was accepted, or, in runs of at least 5 minutes, if
memory grew by 10 % from the middle third to the last.
"""

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import trio

from benchmarks.faults.crowd import Client, Crowd
from benchmarks.faults.flood import METRIC
from benchmarks.faults.processes import ROOT, Stage
from benchmarks.faults.storm import CONNECT_PER_S, Lag
from benchmarks.machine import facts
from benchmarks.statistics import ages_ms

EVERY_S = 10.0
TICK_S = 0.25
GROWTH_MAX = 0.1
GROWTH_MINUTES = 5.0  # in less, the history is still being filled
DRAIN_S = 30.0
COLUMNS = (
    "minute",
    "MiB",
    "live",
    "samples/s",
    "batches/s",
    "announced",
    "p50 ms",
    "p99 ms",
    "cores",
    "lag s",
    "wrong",
)
SETTINGS = {
    "ping_interval_s": "20",
    "telemetry_interval_s": "1",
    "history_bytes": str(128 * 2**20),
    "mailbox_batches": "64",  # so that slow readers come to their bounds within a minute
}


@dataclass(frozen=True, slots=True)
class Load:
    subscribers: int
    producers: int
    series: int  # of each producer
    rate: float
    minutes: float
    churn: float  # share of the subscribers that leave in a minute
    slow: float
    max_rate: float
    seed: int


class Meter:
    """What changed since it was read last."""

    def __init__(self, stage: Stage, crowd: Crowd, lag: Lag) -> None:
        assert stage.broadcaster is not None
        self._process = psutil.Process(stage.broadcaster.pid)
        self._crowd, self._lag = crowd, lag
        self._began = self._at = time.monotonic()
        self._samples = self._batches = 0
        self._cpu_s = self._cpu()
        self.rows: list[dict[str, float]] = []

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def read(self) -> None:
        now, tally, cpu_s = time.monotonic(), self._crowd.tally, self._cpu()
        seconds = now - self._at
        ages = ages_ms(self._crowd.ages)
        row = {
            "minute": round((now - self._began) / 60, 2),
            "MiB": round(self._process.memory_info().rss / 2**20, 1),
            "live": self._crowd.live,
            "samples/s": round((tally.samples - self._samples) / seconds),
            "batches/s": round((tally.batches - self._batches) / seconds),
            "announced": tally.announced,
            "p50 ms": round(ages["p50_ms"], 1),
            "p99 ms": round(ages["p99_ms"], 1),
            "cores": round((cpu_s - self._cpu_s) / seconds, 2),
            "lag s": round(self._lag.worst_s, 3),
            "wrong": tally.wrongs,
        }
        self.rows.append(row)
        print(f"| {' | '.join(f'{row[name]:g}' for name in COLUMNS)} |", flush=True)
        self._at, self._samples, self._batches, self._cpu_s = now, tally.samples, tally.batches, cpu_s
        del self._crowd.ages[:]
        self._lag.reset()


def growth(megabytes: list[float]) -> float:
    """How much the median of the last third is above that of the middle third, as a fraction."""
    third = len(megabytes) // 3
    if not third:
        return 0.0
    return median(megabytes[2 * third :]) / median(megabytes[third : 2 * third]) - 1


def _fill(crowd: Crowd, load: Load, dice: random.Random) -> None:
    for number in range(load.subscribers):
        one = number % (load.producers * load.series)
        producer, series = one % load.producers, one // load.producers
        tags = f'{{"metric":"{METRIC}","tags":{{"producer":"{producer}","series":"{series}"}}}}'
        crowd.add(tags.encode(), slow=dice.random() < load.slow, after_s=number / CONNECT_PER_S)


def _churn(crowd: Crowd, load: Load, dice: random.Random, owed: float) -> float:
    """Some leave; they come back by themselves. Returns the fraction of one that is still to leave."""
    owed += load.subscribers * load.churn / 60 * TICK_S
    while owed >= 1:
        client: Client = dice.choice(crowd.clients)
        if client.live:
            crowd.cut([client])
        owed -= 1
    return owed


def _run(crowd: Crowd, meter: Meter, load: Load, dice: random.Random) -> None:
    end, due, owed = time.monotonic() + load.minutes * 60, time.monotonic() + EVERY_S, 0.0
    while (now := time.monotonic()) < end:
        crowd.run(now + TICK_S)
        owed = _churn(crowd, load, dice, owed)
        if time.monotonic() >= due:
            meter.read()
            due += EVERY_S


def _behind(crowd: Crowd, last: dict[str, int], load: Load) -> list[int]:
    """Those quick ones that do not have all of their series."""
    found = []
    for number, client in enumerate(crowd.clients):
        producer = number % (load.producers * load.series) % load.producers
        ends = list(client.sums.ends().values())
        if not client.slow and (ends != [last[f"numbers_{producer}"]] or client.sums.owed):
            found.append(number)
    return found


def hold(load: Load) -> dict[str, Any]:
    dice = random.Random(load.seed)
    with TemporaryDirectory(prefix="streamgauge-held-") as folder, ExitStack() as stack:
        stage = Stage(Path(folder), dice, 2.0, dict(SETTINGS), None, stack)
        trio.run(stage.start_broadcaster)
        lag = Lag(stage.http_url)
        stack.callback(lag.stop)
        crowd = Crowd(stage.ports[0], max_rate=load.max_rate)
        stack.callback(crowd.close)
        _fill(crowd, load, dice)
        end = time.monotonic() + load.subscribers / CONNECT_PER_S + 60
        while crowd.live < load.subscribers and time.monotonic() < end:
            crowd.run(time.monotonic() + 0.1)
        lag.reset()
        print(f"{crowd.live} subscribers\n| {' | '.join(COLUMNS)} |\n|{'---:|' * len(COLUMNS)}", flush=True)
        flood = _flood(stage, load)
        stack.callback(flood.kill)
        meter = Meter(stage, crowd, lag)
        _run(crowd, meter, load, dice)
        flood.send_signal(signal.SIGTERM)
        while flood.poll() is None:
            crowd.run(time.monotonic() + TICK_S)
        last: dict[str, Any] = json.loads(flood.communicate()[0])
        end = time.monotonic() + DRAIN_S
        while (behind := _behind(crowd, last, load)) and time.monotonic() < end:
            crowd.run(time.monotonic() + TICK_S)
        return _found(load, crowd, meter, last, behind)


def _flood(stage: Stage, load: Load) -> "subprocess.Popen[bytes]":
    options = {"producers": load.producers, "series": load.series, "rate": load.rate}
    command = [sys.executable, "-m", "benchmarks.faults.flood", str(stage.ports[0])]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def _found(load: Load, crowd: Crowd, meter: Meter, last: dict[str, Any], behind: list[int]) -> dict[str, Any]:
    tally = crowd.tally
    return {
        **{name: getattr(load, name) for name in Load.__slots__},
        "slow_ones": sum(client.slow for client in crowd.clients),
        "published": last["sent"],
        "accepted": last["accepted"],
        "published_per_s": last["sent"] / last["seconds"],
        "publisher_late_s": last["late_s"],
        "received": tally.samples,
        "announced": tally.announced,
        "conflated": tally.conflated,
        "connections": tally.connections,
        "resumed": tally.resumed,
        "not_resumed": tally.restarts,
        "refused": {str(status): n for status, n in tally.refused.items()},
        "closes": {str(code): n for code, n in tally.closes.items()},
        "wrong": tally.wrongs,
        "first_wrong": tally.wrong,
        "behind": len(behind),
        "memory_growth": growth([row["MiB"] for row in meter.rows]),
        "rows": meter.rows,
    }


def problems(found: dict[str, Any]) -> list[str]:
    said = []
    if found["wrong"]:
        said.append(f"{found['wrong']} wrong: {found['first_wrong'][:3]}")
    if found["behind"]:
        said.append(f"{found['behind']} quick subscribers do not have everything")
    if found["accepted"] != found["published"]:
        said.append(f"{found['accepted']} of {found['published']} were accepted")
    if found["minutes"] >= GROWTH_MINUTES and found["memory_growth"] > GROWTH_MAX:
        said.append(f"memory grew by {found['memory_growth']:.1%}")
    return said


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks held", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subscribers", type=int, default=5_000)
    parser.add_argument("--producers", type=int, default=50)
    parser.add_argument("--series", type=int, default=20, help="of each producer (20)")
    parser.add_argument("--rate", type=float, default=200_000.0, help="samples a second in all (200,000)")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--churn", type=float, default=0.1, help="share that leaves in a minute (0.1)")
    parser.add_argument("--slow", type=float, default=0.05, help="share that reads slowly (0.05)")
    parser.add_argument("--max-rate", type=float, default=4.0, help="batches a second to each subscriber (4)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where held.json goes (nowhere)")
    given = vars(parser.parse_args(argv))
    out: Path | None = given.pop("out")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = hold(Load(**given))
    print(json.dumps({name: value for name, value in found.items() if name != "rows"}, indent=1))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "held.json").write_text(json.dumps({**found, "machine": facts()}, indent=1) + "\n")
    said = problems(found)
    for problem in said:
        print(problem, file=sys.stderr)
    return int(bool(said))
