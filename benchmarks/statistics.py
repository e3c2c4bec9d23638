"""Medians, quantiles and ratios of runs. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

Row = Mapping[str, Any]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of values in ascending order: the smallest that at least `share` of them do not exceed. NaN if there are none."""
    if not ordered:
        return float("nan")
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def ages_ms(ages: Iterable[float]) -> dict[str, float]:
    """p50, p99 and the greatest of ages in seconds, in milliseconds."""
    ordered = sorted(ages)
    return {
        "p50_ms": 1e3 * quantile(ordered, 0.5),
        "p99_ms": 1e3 * quantile(ordered, 0.99),
        "max_ms": 1e3 * quantile(ordered, 1),
    }


def medians(rows: Iterable[Row], by: Sequence[str]) -> list[dict[str, Any]]:
    """One row for all that agree in `by`: the median of every number, and the count of `runs`. The order is kept."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in by), []).append(row)
    return [
        {
            **dict(zip(by, key, strict=True)),
            "runs": len(group),
            **{
                name: median(row[name] for row in group)
                for name, value in group[0].items()
                if name not in (*by, "run") and isinstance(value, int | float)
            },
        }
        for key, group in groups.items()
    ]


def ratios(rows: Sequence[Row], measure: Callable[[Row], float], ours: str, theirs: str) -> list[float]:
    """Ours over theirs, one for each run that has both."""
    runs = sorted({row["run"] for row in rows})
    found = []
    for run in runs:
        values = {row["peer"]: measure(row) for row in rows if row["run"] == run}
        if ours in values and values.get(theirs):
            found.append(values[ours] / values[theirs])
    return found
