"""What came of the repetitions, as a table and as JSON. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from benchmarks.faults.scenario import Repetition, Scenario
from benchmarks.statistics import quantile

COLUMNS = (
    "fault",
    "runs",
    "acknowledged",
    "received",
    "announced by gaps",
    "ended with an epoch",
    "in doubt, from both epochs",
    "lost in silence",
    "twice",
    "out of order",
    "failed",
    "recovery p50",
    "p95",
)
SUMMED = ("samples", "received", "announced", "ended", "again", "lost", "twice", "disordered")


def row(name: str, repetitions: Sequence[Repetition]) -> dict[str, Any]:
    verdicts = [each.verdict for each in repetitions if each.verdict]
    recoveries = sorted(each.recovery_s for each in repetitions if each.recovery_s is not None)
    facts: dict[str, list[float]] = {}
    for each in repetitions:
        for fact, value in each.facts.items():
            facts.setdefault(fact, []).append(value)
    return {
        "fault": name,
        "runs": len(repetitions),
        **{field: sum(getattr(verdict, field) for verdict in verdicts) for field in SUMMED},
        "failed": sum(bool(each.problems) for each in repetitions),
        "recovery_p50_s": quantile(recoveries, 0.5) if recoveries else None,
        "recovery_p95_s": quantile(recoveries, 0.95) if recoveries else None,
        "facts": {fact: {"mean": mean(values), "max": max(values)} for fact, values in facts.items()},
    }


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    for each in rows:
        numbers = [each["runs"], *(each[field] for field in SUMMED), each["failed"]]
        times = [_seconds(each["recovery_p50_s"]), _seconds(each["recovery_p95_s"])]
        lines.append(f"| {' | '.join([each['fault'], *(f'{number:,}' for number in numbers), *times])} |")
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def said(repetition: Repetition) -> str:
    """One line for a repetition."""
    verdict = repetition.verdict
    counts = "" if verdict is None else f"{verdict.samples} acknowledged, {verdict.received} received"
    if verdict is not None:
        extra = {"announced": verdict.announced, "ended": verdict.ended, "again": verdict.again}
        counts += "".join(f", {value} {name}" for name, value in extra.items() if value)
    recovered = f", back after {_seconds(repetition.recovery_s)}"
    facts = "".join(f", {name} {value:g}" for name, value in repetition.facts.items())
    verdict_word = "FAILED: " + "; ".join(repetition.problems) if repetition.problems else "ok"
    return f"{repetition.scenario} seed {repetition.seed}: {counts}{recovered}{facts}: {verdict_word}"


def merged(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[Any]:
    """Rows in the order of `names`: those of now, and those of before that were not made again."""
    rows = {row["fault"]: row for row in (*before, *now)}
    return sorted(rows.values(), key=lambda row: names.index(row["fault"]) if row["fault"] in names else len(names))


def results(scenarios: Iterable[Scenario], repetitions: Sequence[Repetition], **about: Any) -> dict[str, Any]:
    """For a file: `about` says how they were made, of each row."""
    rows = []
    for scenario in scenarios:
        of = [each for each in repetitions if each.scenario == scenario.name]
        if of:
            failures = [asdict(each) for each in of if each.problems]
            rows.append({**row(scenario.name, of), "says": scenario.says, "failures": failures, **about})
    return {"rows": rows}
