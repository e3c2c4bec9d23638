"""A reconnection storm: everybody is cut off at once. Are all back and resumed in time, and does the loop go on?

    python -m benchmarks storm [--clients 5000] [--cut reset|restart] [--data-dir] [--out FOLDER]

reset: every connection is reset at the same moment. restart: the broadcaster is killed and started again; with
--data-dir its history outlives that. Clients wait as the protocol says and bring their cursors. Exits with 1 if
somebody was not back and resumed within 30 s, if a sample was lost or came twice, or if the loop was a second late.
"""

import argparse
import json
import random
import re
import resource
import signal
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trio

from benchmarks.faults.crowd import Crowd
from benchmarks.faults.processes import Stage
from benchmarks.faults.scenarios.disks import missing
from benchmarks.faults.sender import LANES, METRIC
from benchmarks.machine import facts
from benchmarks.statistics import quantile

BACK_S = 30.0
LAG_MAX_S = 1.0
RATE = 4.0  # samples a second, each to everybody
LOOK_S = 0.2
SELECT = b'{"metric":"%b"}' % METRIC.encode()
CONNECT_PER_S = 500.0  # at the beginning, which is no storm


class Lag:
    """The worst that /metrics told, by a thread, since `reset`."""

    def __init__(self, http_url: str) -> None:
        self.worst_s = 0.0
        self._url = f"{http_url}/metrics"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self.worst_s = 0.0

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                with urllib.request.urlopen(self._url, timeout=5) as answer:
                    found = re.search(rb"^streamgauge_loop_lag_seconds (\S+)", answer.read(), re.MULTILINE)
            except OSError:
                continue  # it is being started again
            if found is not None:
                self.worst_s = max(self.worst_s, float(found[1]))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)


def _until_live(crowd: Crowd, bound_s: float) -> None:
    end = time.monotonic() + bound_s
    while crowd.live < len(crowd.clients) and time.monotonic() < end:
        crowd.run(time.monotonic() + 0.05)


def _restart(stage: Stage) -> None:
    stage.kill_broadcaster()
    trio.run(stage.start_broadcaster)


def _cut(crowd: Crowd, stage: Stage, how: str) -> None:
    if how == "reset":
        crowd.cut(crowd.clients)
    else:
        # Started by another thread: the crowd notices meanwhile that it is gone.
        threading.Thread(target=_restart, args=(stage,), daemon=True).start()


def measure(clients: int, how: str, *, data_dir: bool = False, calm_s: float = 3.0) -> dict[str, Any]:
    with TemporaryDirectory(prefix="streamgauge-storm-") as folder, ExitStack() as stack:
        settings = {"ping_interval_s": "20", "telemetry_interval_s": "1"}
        if data_dir:
            settings |= {"data_dir": str(Path(folder) / "data"), "durability": "committed"}
        stage = Stage(Path(folder), random.Random(1), 2.0, settings, None, stack, rate=RATE)
        trio.run(stage.start_broadcaster)
        lag = Lag(stage.http_url)
        stack.callback(lag.stop)
        crowd = Crowd(stage.ports[0], LANES)
        stack.callback(crowd.close)
        for number in range(clients):
            crowd.add(SELECT, after_s=number / CONNECT_PER_S)
        _until_live(crowd, clients / CONNECT_PER_S + 60)
        sender = stage.start_sender()
        crowd.run(time.monotonic() + calm_s)
        before, connecting_lag_s = asdict(crowd.tally), lag.worst_s
        crowd.lived_at.clear()
        lag.reset()
        cut_at = time.monotonic()
        _cut(crowd, stage, how)
        crowd.run(cut_at + 1)
        _until_live(crowd, 3 * BACK_S)
        crowd.run(time.monotonic() + calm_s)
        sender.process.send_signal(signal.SIGTERM)
        while sender.process.poll() is None:
            crowd.run(time.monotonic() + 0.1)
        crowd.run(time.monotonic() + 1)
        sent = sender.now["sent"]
        behind = list(crowd.unequal({(sent + lane) % LANES: sent + lane for lane in range(LANES)}))
        return {
            "clients": clients,
            "cut": how,
            "data_dir": data_dir,
            **_back(crowd, before, cut_at),
            "loop_lag_s": lag.worst_s,
            "loop_lag_while_connecting_s": connecting_lag_s,
            "samples_sent": sent,
            "samples_received": crowd.tally.samples,
            "announced": crowd.tally.announced,
            "wrong": crowd.tally.wrongs,
            "first_wrong": crowd.tally.wrong[:5],
            "behind": len(behind),
            "first_behind": behind[:3],
            "producer": sender.now,
        }


def _back(crowd: Crowd, before: dict[str, Any], cut_at: float) -> dict[str, Any]:
    """Who came back since, when and how. `before`: the tally as it was then."""
    tally, backs = crowd.tally, sorted(at - cut_at for at in crowd.lived_at)
    return {
        "back": len(backs),
        "back_p50_s": quantile(backs, 0.5),
        "back_p99_s": quantile(backs, 0.99),
        "back_last_s": quantile(backs, 1.0),
        "resumed": tally.resumed - before["resumed"],
        "not_resumed": tally.restarts - before["restarts"],
        "attempts": tally.attempts - before["attempts"],
        "refused": {str(status): n - before["refused"][status] for status, n in tally.refused.items()},
    }


def problems(found: dict[str, Any]) -> list[str]:
    said = []
    if found["back"] < found["clients"] or not found["back_last_s"] <= BACK_S:
        said.append(f"{found['back']} of {found['clients']} were back, the last after {found['back_last_s']:.1f} s")
    keeps = found["cut"] == "reset" or found["data_dir"]
    if keeps and found["resumed"] < found["clients"]:
        said.append(f"{found['resumed']} of {found['clients']} were resumed")
    if keeps and (found["wrong"] or found["behind"]):
        said.append(f"{found['wrong']} wrong, {found['behind']} behind")
    if found["loop_lag_s"] >= LAG_MAX_S:
        said.append(f"the loop was {found['loop_lag_s']:.2f} s late")
    return said


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=5_000)
    parser.add_argument("--cut", choices=("reset", "restart"), default="reset", help="what happens to them (reset)")
    parser.add_argument("--data-dir", action="store_true", help="the broadcaster keeps its history in a file")
    parser.add_argument("--out", type=Path, help="where storm.json goes (nowhere)")
    given = parser.parse_args(argv)
    if given.data_dir and (reason := missing()):
        parser.error(f"--data-dir {reason}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = measure(given.clients, given.cut, data_dir=given.data_dir)
    print(json.dumps(found, indent=1))
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "storm.json").write_text(json.dumps({**found, "machine": facts()}, indent=1) + "\n")
    said = problems(found)
    for problem in said:
        print(problem, file=sys.stderr)
    return int(bool(said))
