"""Each fault again and again, with an account of every sample.

    python -m benchmarks faults [NAMES] [--repeat 50] [--seconds 2] [--seed 1] [--at-once 2] [--out FOLDER]

Exits with 1 if a sample was lost in silence, came twice or out of order, or was announced where there was no reason.
"""

import argparse
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import trio

from benchmarks.faults.forks import Forks
from benchmarks.faults.report import merged, results, said, table
from benchmarks.faults.scenario import Repetition, Scenario, repeat
from benchmarks.faults.scenarios import clocks, disks, kills, networks, peers, tabs
from benchmarks.machine import facts

SCENARIOS: list[Scenario] = [
    *kills.SCENARIOS,
    *networks.SCENARIOS,
    *peers.SCENARIOS,
    *clocks.SCENARIOS,
    *disks.SCENARIOS,
    *tabs.SCENARIOS,
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


Keep = Callable[[list[Repetition]], None]


async def play(given: argparse.Namespace, scenarios: list[Scenario], keep: Keep) -> list[Repetition]:
    """All of one scenario before the next, kept after each. Prints each verdict as it comes."""
    done: list[Repetition] = []
    forks = Forks()
    for scenario in scenarios:
        limiter = trio.CapacityLimiter(given.at_once)

        async def one(number: int, scenario: Scenario = scenario, limiter: trio.CapacityLimiter = limiter) -> None:
            async with limiter:
                done.append(await repeat(scenario, given.seed + number, given.seconds, forks))
                print(said(done[-1]), flush=True)

        async with trio.open_nursery() as nursery:
            for number in range(given.repeat):
                nursery.start_soon(one, number)
        keep(done)
    forks.close()
    return done


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("names", nargs="*", metavar="NAMES", help=f"some of {', '.join(BY_NAME)} (all)")
    made.add_argument("--repeat", type=int, default=50, help="how often each (50)")
    made.add_argument("--seconds", type=float, default=2.0, help="about as long as one takes, without its start (2)")
    made.add_argument("--seed", type=int, default=1, help="of the first repetition; each has one of its own (1)")
    made.add_argument("--at-once", type=int, default=2, help="repetitions under way at once (2)")
    made.add_argument("--out", type=Path, help="where faults.json goes; other rows of it stay (nowhere)")
    return made


def main(argv: list[str]) -> int:
    given = parser().parse_args(argv)
    if unknown := [name for name in given.names if name not in BY_NAME]:
        parser().error(f"no scenario {', '.join(unknown)}; there are: {', '.join(BY_NAME)}")
    chosen = [BY_NAME[name] for name in given.names] or SCENARIOS
    playable = []
    for scenario in chosen:
        if reason := scenario.missing():
            print(f"{scenario.name}: not played, {reason}")
        else:
            playable.append(scenario)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as ctrl-C: networks and processes are put away
    about = {
        "taken": time.strftime("%Y-%m-%d", time.gmtime()),
        "repeat": given.repeat,
        "seconds": given.seconds,
        "seed": given.seed,
        "machine": facts(),
    }

    def keep(done: list[Repetition]) -> None:
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            file = given.out / "faults.json"
            before = json.loads(file.read_text())["rows"] if file.exists() else []
            rows = merged(before, results(playable, done, **about)["rows"], list(BY_NAME))
            file.write_text(json.dumps({"rows": rows}, indent=1) + "\n")

    done = trio.run(play, given, playable, keep)
    print("\n" + table(results(playable, done)["rows"]))
    return int(any(each.problems for each in done))
