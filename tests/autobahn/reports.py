"""What a fuzzing client found: the reports of Autobahn's `wstest` and of `kosoku`, which writes them alike."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")
GOOD_CLOSE = ("OK", "INFORMATIONAL")
OURS = tuple(f'{{"type":"{kind}"' for kind in ("welcome", "error", "bye"))

Event = list[Any]
"""`["message", payload, binary]`, `["ping", payload]`, `["pong", payload]` or `["timeout", name]`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one case: on what was exchanged, and on how the connection ended."""

    case: str
    behavior: str
    close: str
    milliseconds: int
    why: str

    @property
    def section(self) -> str:
        return self.case.partition(".")[0]

    @property
    def passed(self) -> bool:
        return self.behavior in GOOD and self.close in GOOD_CLOSE

    @property
    def outcome(self) -> str:
        """One of GOOD, or FAILED."""
        return self.behavior if self.passed else "FAILED"


def order(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]


def read(folder: Path) -> list[dict[str, Any]]:
    """The reports of one run, in the order of the cases."""
    index: dict[str, dict[str, dict[str, Any]]] = json.loads((folder / "index.json").read_text())
    files = {case: entry["reportfile"] for cases in index.values() for case, entry in cases.items()}
    return [json.loads((folder / files[case]).read_text()) for case in sorted(files, key=order)]


def verdict(report: dict[str, Any]) -> Verdict:
    """As the fuzzing client judged."""
    why = "; ".join(filter(None, (report["result"], report["resultClose"])))
    return Verdict(report["id"], report["behavior"], report["behaviorClose"], report["duration"], why)


def needs_echo(report: dict[str, Any]) -> bool:
    """True if there is no way to pass this case but to say a message back."""
    expected: Iterable[list[Event]] = report["expected"].values()
    return all(any(event[0] == "message" for event in events) for events in expected)


def verdict_beside_messages(report: dict[str, Any]) -> Verdict:
    """As the case judges the real stream, whose `welcome`, `error` and `bye` are no part of what it tests.

    A case compares all that it received with the lists that it expects, so it takes a message of ours for a failure.
    They are left out here, and the same comparison is made again; how the connection ended stays as it was judged.
    """
    judged = verdict(report)
    received = [event for event in report["received"] if not _ours(event)]
    found = next((name for name, events in report["expected"].items() if events == received), "FAILED")
    if judged.behavior == "INFORMATIONAL":
        found = judged.behavior
    return Verdict(judged.case, found, judged.close, judged.milliseconds, judged.why)


def _ours(event: Event) -> bool:
    return event[0] == "message" and str(event[1]).startswith(OURS)


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Lines of a Markdown table by section, and the sum."""
    lines = ["| section | cases | OK | non-strict | informational | failed |", "|---|---:|---:|---:|---:|---:|"]
    sections = sorted({each.section for each in verdicts}, key=int)
    for section in sections:
        lines.append(_row(section, [each for each in verdicts if each.section == section]))
    return [*lines, _row("all", verdicts)]


def _row(name: str, verdicts: Sequence[Verdict]) -> str:
    counts = Counter(each.outcome for each in verdicts)
    cells = (name, len(verdicts), *(counts[outcome] for outcome in (*GOOD, "FAILED")))
    return f"| {' | '.join(map(str, cells))} |"


def differences(one: Sequence[Verdict], other: Sequence[Verdict]) -> tuple[int, list[str]]:
    """How many cases both have, and those on which they do not agree."""
    by_case = {each.case: each for each in other}
    shared = [(each, by_case[each.case]) for each in one if each.case in by_case]
    return len(shared), [
        f"{a.case}: {a.behavior}, close {a.close} / {b.behavior}, close {b.close}"
        for a, b in shared
        if (a.behavior, a.close) != (b.behavior, b.close)
    ]
