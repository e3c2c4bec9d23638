"""`streamgauge alerts check`."""

import sys
from pathlib import Path

from broadcaster.alerts.files import RuleFiles, read_rules
from broadcaster.alerts.notices import host_of
from broadcaster.alerts.rules import Rule
from broadcaster.figures import duration
from ingest.printing import say


def check(path: str) -> int:
    """Prints the alerts of the file or directory, and every problem; 2 if there is one."""
    files = read_rules(Path(path))
    for rule in files.all:
        say(describe(rule))
    for problem in files.problems:
        print(f"streamgauge alerts check: {problem}", file=sys.stderr)
    if files.problems:
        return 2
    say(_summary(files))
    return 0


def _summary(files: RuleFiles) -> str:
    alerts, read = len(files.all), len(files.rules or {})
    return f"{alerts} alert{'s' * (alerts != 1)} in {read} file{'s' * (read != 1)}, all good."


def describe(rule: Rule) -> str:
    """One line: `cpu-hot (critical): host.cpu.percent{host=web-?} above 90 for 30 s; webhook https://hooks.example`."""
    condition = rule.condition
    when = [
        f"{name} {value:g}"
        for name, value in (("above", condition.above), ("below", condition.below), ("clear", condition.clear))
        if value is not None
    ]
    when += [f"for {duration(condition.for_s)}"] if condition.for_s else []
    when += [f"silent for {duration(condition.silent_for_s)}"] if condition.silent_for_s is not None else []
    rate = "rate " if condition.rate else ""
    posts = f"; webhook {', '.join(map(host_of, rule.webhooks))}" if rule.webhooks else ""
    return f"{rule.name} ({rule.severity}): {condition.selector} {rate}{', '.join(when)}{posts}"
