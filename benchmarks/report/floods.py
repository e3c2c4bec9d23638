"""What floods did to those who behave, as a Markdown table. Pure."""

from collections.abc import Mapping
from typing import Any

from benchmarks.report.tables import number, table
from benchmarks.statistics import Row, medians


def floods(section: Mapping[str, Any]) -> str:
    rows: list[Row] = section["rows"]
    lines = [
        [
            row["kind"],
            number(row["before_p99_ms"]),
            number(row["during_p99_ms"]),
            f"{row['p99_ratio']:.2f} ({_spread(rows, row['kind'])})",
            number(row["after_p99_ms"]),
            number(row["dealt_with_per_s"]),
            number(row["during_server_cpu"]),
            number(row["lost"]),
            number(row["memory_bytes"] / 1e6),
        ]
        for row in medians(rows, ["kind"])
    ]
    head = [
        "a flood of",
        "p99 before, ms",
        "during",
        "times",
        "after",
        "dealt with, /s",
        "server, cores",
        "samples lost",
        "memory, MB",
    ]
    return table(head, lines)


def _spread(rows: list[Row], kind: str) -> str:
    ratios = [row["p99_ratio"] for row in rows if row["kind"] == kind]
    return f"{min(ratios):.2f}-{max(ratios):.2f}"
