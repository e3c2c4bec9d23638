"""What a scenario is, and one repetition of it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.faults.accounting import Account, Verdict
from benchmarks.faults.forks import Forks
from benchmarks.faults.processes import Stage, Timeout, open_stage


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault: `play` begins on a stage where nothing runs and ends when the fault is over (`Stage.healed`)."""

    name: str
    says: str  # what happens, for the report
    play: Callable[[Stage], Awaitable[None]]
    settings: Mapping[str, str] = field(default_factory=dict)
    namespace: bool = False  # a network of its own
    missing: Callable[[], str | None] = lambda: None  # why it cannot be played here
    epochs: bool = False  # the broadcaster may lose its history, and has to say so
    gaps: bool = False  # samples may be dropped, and have to be counted
    options: Mapping[str, Any] = field(default_factory=dict)  # of the stage
    quick: bool = False  # for the tests


@dataclass(frozen=True, slots=True)
class Repetition:
    scenario: str
    seed: int
    verdict: Verdict | None  # None: it was not played to its end
    recovery_s: float | None
    seconds: float
    problems: tuple[str, ...]
    facts: Mapping[str, float]


async def repeat(scenario: Scenario, seed: int, seconds: float, forks: Forks | None = None) -> Repetition:
    """One repetition with its verdict. Never raises for what goes wrong on the stage."""
    began = time.monotonic()
    problems: list[str] = []
    async with open_stage(
        seed, seconds, scenario.settings, namespace=scenario.namespace, forks=forks, **dict(scenario.options)
    ) as stage:
        try:
            await scenario.play(stage)
            await stage.settle()
        except Timeout as timeout:
            problems.append(f"{timeout}: {stage.logs()}")
        verdict = Account(stage.record.all()).verdict(stage.claims)
        problems += [*stage.wrong, *verdict.problems, *_unexpected(scenario, verdict)]
        if not verdict.samples:
            problems.append("no samples at all")
        return Repetition(
            scenario.name,
            seed,
            verdict,
            stage.recovery_s(),
            time.monotonic() - began,
            tuple(problems),
            dict(stage.facts),
        )


def _unexpected(scenario: Scenario, verdict: Verdict) -> list[str]:
    """Announced, but there was no reason to lose anything."""
    found = []
    if verdict.announced and not scenario.gaps:
        found.append(f"{verdict.announced} announced without need")
    if (verdict.ended or verdict.again) and not scenario.epochs:
        found.append(f"{verdict.ended} lost with an epoch, {verdict.again} in two")
    return found
