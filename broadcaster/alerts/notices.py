"""How alerts are told: event texts, samples, webhook bodies, the answer of `/v1/alerts`. Pure."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from broadcaster.alerts.episodes import Episode
from broadcaster.alerts.instance import Change, Instance, Reason, State
from broadcaster.alerts.rules import Rule
from broadcaster.figures import duration, quantity
from broadcaster.history import Record
from ingest.samples import MAX_EVENT_TEXT, Entry, Series

BODY_VERSION: Final = 1
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z0-9_.-]+)\}")


def state_series(rule: Rule, state: State) -> Series:
    return Series("alerts.state", (("alert", rule.name), ("severity", rule.severity), ("state", state.value)))


def state_entry(change: Change) -> Entry:
    """The change as a sample of an event series."""
    return Entry(state_series(change.rule, change.state), [change.time], [describe(change)], "event")


def firing_entry(rule: Rule, firing: int, time: float) -> Entry:
    """How many series of the rule's are firing."""
    series = Series("alerts.firing", (("alert", rule.name), ("severity", rule.severity)))
    return Entry(series, [time], [float(firing)], "gauge", help="Series on which the alert fires.")


def describe(change: Change) -> str:
    """One line: `cpu-hot: host.cpu.percent{core=0} is 97 %, above 90 %`, or the rule's own message."""
    rule, record = change.rule, change.record
    what = ": " if change.state is State.FIRING else " is over: "
    return (rule.name + what + said(rule, record, change.state, change.reason, change.value))[:MAX_EVENT_TEXT]


def said(rule: Rule, record: Record, state: State, reason: Reason, value: float | None) -> str:
    """The rule's message, with what stands in braces filled in; without one, what happened."""
    if rule.message is None or state is State.OK:
        return f"{record.series!r} {_happened(rule, record, state, reason, value)}"
    words = dict(record.series.tags) | {
        "metric": record.series.metric,
        "series": repr(record.series),
        "value": quantity(value, _unit(rule, record)) if value is not None else "?",
    }
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), rule.message)


def _happened(rule: Rule, record: Record, state: State, reason: Reason, value: float | None) -> str:
    condition = rule.condition
    if reason is Reason.SILENT:
        return f"is silent for {duration(condition.silent_for_s or 0.0)}"
    if reason is Reason.FORGOTTEN:
        return "is forgotten: nothing came for long"
    if reason is Reason.RULE:
        return "is not watched any more: the alert was changed or removed"
    unit = _unit(rule, record)
    text = f"is {quantity(value, unit)}" if value is not None else "has no value yet"
    low, high = condition.bounds
    if value is not None and not low <= value <= high:
        word, bound = ("above", high) if value > high else ("below", low)
        text += f", {word} {quantity(bound, unit)}"
        text += f" for {duration(condition.for_s)}" if condition.for_s and state is State.FIRING else ""
    return text


def webhook_body(change: Change, id: str) -> bytes:
    """The JSON that is posted; its form is documented and stays. `id` is the same in every attempt."""
    rule, record = change.rule, change.record
    return orjson.dumps(
        {
            "version": BODY_VERSION,
            "id": id,
            "alert": rule.name,
            "severity": rule.severity,
            "state": change.state.value,
            "reason": change.reason.value,
            "text": describe(change),
            "series": _series(record),
            "value": _number(change.value),
            "since": change.since,
            "time": change.time,
            "condition": _condition(rule),
        }
    )


def rule_fields(rule: Rule, pending: int, firing: int) -> Mapping[str, Any]:
    """A rule as `/v1/alerts` shows it to anybody."""
    return {
        "alert": rule.name,
        "severity": rule.severity,
        "message": rule.message,
        "metric": rule.condition.selector.metric,
        "tags": dict(rule.condition.selector.tags),
        "condition": _condition(rule),
        "pending": pending,
        "firing": firing,
    }


def origin_fields(rule: Rule, file: str | None, revision: str | None) -> Mapping[str, Any]:
    """What the scope admin sees beside that. Of webhooks only the hosts: paths may be secrets."""
    return {"webhooks": [host_of(url) for url in rule.webhooks], "file": file, "revision": revision}


def instance_fields(instance: Instance, fired: Change | None) -> Mapping[str, Any]:
    """An alert that is pending or firing, as `/v1/alerts` shows it. `fired`: the change with which it began to fire."""
    rule, record = instance.rule, instance.record
    return {
        "alert": rule.name,
        "severity": rule.severity,
        "state": instance.state.value,
        "reason": instance.reason.value,
        "text": said(rule, record, instance.state, instance.reason, instance.value),
        "series": _series(record),
        "value": _number(instance.value),
        "since": instance.since,
        "time": instance.time if math.isfinite(instance.time) else None,
        "fired": None if fired is None else fired.time,
    }


def episode_fields(episode: Episode) -> Mapping[str, Any]:
    """An alert that is over, as `/v1/alerts` shows it: how it began, and when and why it ended."""
    fired, ended = episode
    rule, record = fired.rule, fired.record
    return {
        "alert": rule.name,
        "severity": rule.severity,
        "reason": fired.reason.value,
        "text": said(rule, record, fired.state, fired.reason, fired.value),
        "series": _series(record),
        "value": _number(fired.value),
        "since": fired.since,
        "fired": fired.time,
        "ended": ended.time,
        "ended_reason": ended.reason.value,
        "ended_value": _number(ended.value),
    }


def host_of(url: str) -> str:
    """Scheme, host and port: what may be logged of a webhook."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _series(record: Record) -> Mapping[str, Any]:
    return {"metric": record.series.metric, "tags": dict(record.series.tags), "unit": record.unit}


def _unit(rule: Rule, record: Record) -> str | None:
    """Of the value that is judged."""
    return f"{record.unit or '1'}/s" if rule.condition.rate else record.unit


def _number(value: float | None) -> float | None:
    """Columns of whole numbers are kept as they came; JSON is to have one kind of number."""
    return None if value is None else float(value)


def _condition(rule: Rule) -> Mapping[str, Any]:
    condition = rule.condition
    names = ("above", "below", "clear", "for_s", "silent_for_s", "rate")
    return {name: getattr(condition, name) for name in names}
