"""The same targets under atheris, which follows what the code does with an input and keeps what leads somewhere new.

It is no dependency of the project: `pip install atheris` (Linux, x86_64) makes it available. As a program, this feeds
one target until its time is up or something is found: python -m tests.fuzz.guided NAME SECONDS SEED
"""

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGES = ["broadcaster", "dashboard", "ingest"]
MEMORY_MIB = 2_048  # of the process: more is growth
GRACE_S = 120.0
INPUT_BYTES = 100_000
SHOWN = 3_000


@dataclass(frozen=True, slots=True)
class Guided:
    name: str
    inputs: int
    peak_mib: int
    problem: str | None

    @property
    def good(self) -> bool:
        return self.problem is None


def guide(name: str, seconds: float, seed: int) -> Guided:
    """Runs one target in a process of its own."""
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(int(seconds)), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + GRACE_S)
    inputs, peak = (_figure(done.stderr, of) for of in ("number_of_executed_units", "peak_rss_mb"))
    problem = (done.stdout + done.stderr)[-SHOWN:] if done.returncode else None
    return Guided(name, inputs, peak, problem)


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    return int(found[1]) if found else 0


def main(names: list[str], seconds: float, seed: int) -> bool:
    """Feeds the targets one after the other. True if nothing was found."""
    runs = []
    for name in names:
        runs.append(guide(name, seconds, seed))
        print(f"{name}: {runs[-1].inputs:,} inputs", file=sys.stderr, flush=True)
        if runs[-1].problem:
            print(f"\n{name}:\n{runs[-1].problem}", flush=True)
    print("| target | inputs | peak MiB | found |\n|---|---:|---:|---|")
    for run in runs:
        print(f"| {run.name} | {run.inputs:,} | {run.peak_mib} | {'nothing' if run.good else 'a failure'} |")
    return all(run.good for run in runs)


def _feed(name: str, seconds: int, seed: int) -> None:
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=PACKAGES):
        targets = import_module("tests.fuzz.targets")
    mutating = import_module("tests.fuzz.mutating")
    fuzzed = targets.TARGETS[name]

    def worse(data: bytes, most: int, seed: int) -> bytes:
        """Half of the time as libFuzzer would, and else by what is known of the format."""
        choose = random.Random(seed)
        if choose.random() < 0.5:
            changed: bytes = atheris.Mutate(data, most)
            return changed
        begun = [data] if data and choose.random() < 0.8 else fuzzed.seeds
        mutated: bytes = mutating.Mutator(choose, begun, fuzzed.words).next()
        return mutated[:most]

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, data in enumerate(fuzzed.seeds):
            (corpus / str(number)).write_bytes(data)
        target: Callable[[bytes], object] = fuzzed.make(Path(folder))
        bounds = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MIB}", "-timeout=10", f"-max_len={INPUT_BYTES}"]
        places = [f"-artifact_prefix={folder}/", f"-seed={seed % 2**31}", "-print_final_stats=1", str(corpus)]
        atheris.Setup([sys.argv[0], *bounds, *places], target, custom_mutator=worse)
        atheris.Fuzz()


if __name__ == "__main__":
    _feed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
