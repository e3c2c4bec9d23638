"""Targets fed with mutated input for a while: what they raise, how long they take, and whether they grow."""

import gc
import logging
import math
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil

from tests.fuzz.mutating import Mutator
from tests.fuzz.targets import TARGETS, Fuzzed, Target

WARM = 0.4  # of the time goes by before growth is measured: caches fill first
GROWTH_BLOCKS = 20_000  # allocations that may be left over in the rest of the time
GROWTH_BYTES = 32 * 1_048_576  # of memory, which the allocator hands back unevenly
SLOW_S = 2.0  # of the processor: one input that takes longer is a finding
SHOWN_BYTES = 300
KEPT = 5  # findings of a target


class TooSlow(Exception):
    """One input took too long."""


@dataclass(slots=True)
class Finding:
    problem: str
    data: bytes
    count: int = 1


@dataclass(slots=True)
class Fed:
    """What came of one target."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    blocks: int = 0  # more than when it was warm
    bytes: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def grew(self) -> bool:
        return self.blocks > GROWTH_BLOCKS or self.bytes > GROWTH_BYTES

    @property
    def good(self) -> bool:
        return not self.findings and not self.grew


def feed(name: str, fuzzed: Fuzzed, seconds: float, seed: int, inputs: float = math.inf) -> Fed:
    """For seconds of the processor. Everything but the number of inputs follows from the seed; `inputs` bounds it."""
    fed = Fed(name)
    choose = Mutator(random.Random(seed), fuzzed.seeds, fuzzed.words)
    began = time.process_time()  # a busy machine tries no less
    warm, end = began + WARM * seconds, began + seconds
    before: tuple[int, int] | None = None
    with tempfile.TemporaryDirectory() as folder, _quiet():
        target = fuzzed.make(Path(folder))
        for data in fuzzed.seeds:
            _try(target, data, fed)
        while (now := time.process_time()) < end and len(fed.findings) < KEPT and fed.inputs < inputs:
            if before is None and now >= warm:
                before = _memory()
            _try(target, choose.next(), fed)
        if before is not None:
            after = _memory()
            fed.blocks, fed.bytes = after[0] - before[0], after[1] - before[1]
    fed.seconds = time.process_time() - began
    return fed


def _memory() -> tuple[int, int]:
    """Allocations that Python holds, and the memory of the process."""
    gc.collect()
    return sys.getallocatedblocks(), psutil.Process().memory_info().rss


def _try(target: Target, data: bytes, fed: Fed) -> None:
    fed.inputs += 1
    began = time.process_time()
    try:
        with Alarm():
            target(data)
    except Exception as error:  # whatever it raises is what is looked for
        problem, where = "".join(traceback.format_exception(error)).rstrip(), _where(error)
        if (known := fed.findings.get(where)) is not None:
            known.count += 1
        else:
            fed.findings[where] = Finding(problem, data)
    fed.slowest_s = max(fed.slowest_s, time.process_time() - began)


def _where(error: BaseException) -> str:
    """Tells one kind of failure from another."""
    if isinstance(error, TooSlow):
        return "too slow"
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


@contextmanager
def _quiet() -> Iterator[None]:
    """What is logged of bad input, of which there is much, is not shown."""
    log = logging.getLogger("streamgauge")
    propagates, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.propagate = propagates


class Alarm:
    """Raises TooSlow in the midst of what takes too much time of the processor, whatever else the machine does."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGPROF, self._ring)
        signal.setitimer(signal.ITIMER_PROF, SLOW_S)

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._before)

    @staticmethod
    def _ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {SLOW_S:g} s")


def table(runs: list[Fed]) -> list[str]:
    lines = [
        "| target | inputs | seconds | slowest ms | growth, blocks | growth, MiB | found |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for fed in runs:
        found = f"{len(fed.findings)} kinds of failure" if fed.findings else "it grew" if fed.grew else "nothing"
        figures = f"{fed.inputs:,} | {fed.seconds:.0f} | {1e3 * fed.slowest_s:.0f} | {fed.blocks:,}"
        lines.append(f"| {fed.name} | {figures} | {fed.bytes / 1_048_576:.1f} | {found} |")
    return lines


def main(names: list[str], seconds: float, seed: int) -> bool:
    """Feeds the targets one after the other. True if none raised, hung or grew."""
    runs = []
    for name in names:
        runs.append(fed := feed(name, TARGETS[name], seconds, seed))
        print(f"{name}: {fed.inputs:,} inputs in {fed.seconds:.0f} s", file=sys.stderr, flush=True)
        for finding in fed.findings.values():
            shown = repr(finding.data[:SHOWN_BYTES])
            print(f"\n{name}: {finding.count} times, first by {len(finding.data)} bytes {shown}\n{finding.problem}")
    print("\n".join(table(runs)), flush=True)
    return all(fed.good for fed in runs)
