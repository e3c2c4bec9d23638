import math
from typing import Any

import pytest

from broadcaster.alerts.rules import Condition, Rule, RuleError, parse_duration, parse_rule
from broadcaster.selection import Selector


def test_a_complete_rule() -> None:
    table = {
        "metric": "host.cpu.*",
        "tags": {"host": "web-?", "core": "0"},
        "above": 90,
        "clear": 80.5,
        "for": "1m30s",
        "silent_for": "15s",
        "severity": "critical",
        "message": "{host} is hot",
        "webhook": ["https://hooks.example/a?b=c", "http://127.0.0.1:9/"],
    }
    selector = Selector("host.cpu.*", (("core", "0"), ("host", "web-?")))
    condition = Condition(selector, 90.0, None, 80.5, 90.0, 15.0)
    webhooks = ("https://hooks.example/a?b=c", "http://127.0.0.1:9/")
    assert parse_rule("CPU hot", table) == Rule("CPU hot", condition, "critical", "{host} is hot", webhooks)


def test_a_short_rule() -> None:
    rule = parse_rule("low", {"metric": "a", "below": 1, "webhook": "http://x/"})
    assert rule == Rule("low", Condition(Selector("a"), below=1.0), "warning", None, ("http://x/",))
    assert "http://x/" not in repr(rule)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30.0), ("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400.0), ("1d 2h", 93_600.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "30 seconds", "-1s", "1s!", "31d", "1e3s", "0" * 100_000 + "1s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        ({"metric": None}, "", "expected a metric"),
        ({"metric": ""}, "metric", "expected a glob"),
        ({"above": None}, "", "expected above, below or silent_for"),
        ({"above": "90"}, "above", 'expected a finite number, got "90"'),
        ({"above": True}, "above", "expected a finite number"),
        ({"above": math.inf}, "above", "expected a finite number"),
        ({"abvoe": 1}, "abvoe", "did you mean above"),
        ({"colour": 1}, "colour", "known: metric, tags"),
        ({"cpu": {"above": 1}}, "cpu", r'\["hot.cpu"\]'),
        ({"below": 95}, "below", r"expected less than above \(90\), got 95"),
        ({"below": 5, "clear": 50}, "clear", "not both"),
        ({"clear": 91}, "clear", "at most above"),
        ({"above": None, "below": 5, "clear": 4}, "clear", "at least below"),
        ({"above": None, "silent_for": "1s", "for": "1s"}, "for", "needs above or below"),
        ({"above": None, "silent_for": "1s", "clear": 1}, "clear", "needs above or below"),
        ({"for": 30}, "for", 'a duration such as "30s"'),
        ({"for": "soon"}, "for", 'a duration such as "30s"'),
        ({"silent_for": "0s"}, "silent_for", "more than 0"),
        ({"rate": 1}, "rate", "expected true or false, got 1"),
        ({"above": None, "silent_for": "1s", "rate": True}, "rate", "needs above or below"),
        ({"severity": "bad"}, "severity", 'expected info, warning or critical, got "bad"'),
        ({"message": "x" * 501}, "message", "at most 500 characters"),
        ({"tags": "web"}, "tags", "expected at most 16 globs"),
        ({"tags": {"a b": "x"}}, "tags", "expected tag keys"),
        ({"tags": {"host": 1}}, "tags.host", "expected a glob"),
        ({"webhook": "ftp://x/"}, "webhook", "expected a URL"),
        ({"webhook": "http://me:secret@x/"}, "webhook", "without credentials"),
        ({"webhook": "http://x/\r\nfoo"}, "webhook", "expected a URL"),
        ({"webhook": "http://x:99999/"}, "webhook", "expected a URL"),
        ({"webhook": ["http://x/"] * 11}, "webhook", "at most 10"),
        ({"webhook": "http://a..b/secret"}, "webhook", 'a host with 1 to 63 characters between its dots, got "a..b"'),
        ({"webhook": "https://.a/secret"}, "webhook", 'a host with 1 to 63 characters between its dots, got ".a"'),
        ({"webhook": f"http://{'a' * 64}.b/secret"}, "webhook", "a host with 1 to 63 characters"),
        ({"webhook": f"http://{'a.' * 127}b/secret"}, "webhook", "a host of at most 253 characters"),
    ],
)
def test_what_is_refused(change: dict[str, Any], key: str, problem: str) -> None:
    table = {"metric": "a", "above": 90} | change
    with pytest.raises(RuleError, match=problem) as refused:
        parse_rule("hot", {name: value for name, value in table.items() if value is not None})
    assert refused.value.key == key
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines"])
def test_a_name_is_a_tag_value(name: str) -> None:
    with pytest.raises(RuleError, match="expected a name"):
        parse_rule(name, {"metric": "a", "above": 1})


def test_a_rule_is_a_table() -> None:
    with pytest.raises(RuleError, match=r"expected a table \[hot\]"):
        parse_rule("hot", 5)
