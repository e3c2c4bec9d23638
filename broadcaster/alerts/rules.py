"""What an alert is: one table of a TOML file, checked. Pure."""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from broadcaster.selection import GLOB_MAX, Selector
from ingest.hosts import check_host
from ingest.samples import MAX_TAGS, TAG_KEY_PATTERN, SampleError, check_text, show

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)
NAME_MAX = 100
MESSAGE_MAX = 500
WEBHOOKS_MAX = 10
LONGEST_S = 30 * 86_400.0
DURATION_MAX = 64  # characters: looking for the parts of a longer one takes time by the square of them
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def shorten(name: str) -> str:
    """For an error message."""
    return name if len(name) <= NAME_MAX else name[: NAME_MAX - 3] + "..."


class RuleError(ValueError):
    """An alert that is refused: `key` of its table ("" for the table as a whole) and what was expected of it."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{shorten(key)}: {problem}" if key else problem)
        self.key = key
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Condition:
    """When an alert fires. Two rules with equal conditions share their state over a reload. Times in seconds."""

    selector: Selector
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    for_s: float = 0.0
    silent_for_s: float | None = None
    rate: bool = False  # judges how fast the value rises, per second

    @property
    def bounds(self) -> tuple[float, float]:
        """A value outside of [low, high] breaches."""
        return -math.inf if self.below is None else self.below, math.inf if self.above is None else self.above

    @property
    def clear_bounds(self) -> tuple[float, float]:
        """A value within [low, high] ends an alert that fires; narrower than `bounds` by the hysteresis."""
        low, high = self.bounds
        if self.clear is None:
            return low, high
        return (low, self.clear) if self.below is None else (self.clear, high)


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert: when it fires, and what is said then and to whom."""

    name: str
    condition: Condition
    severity: Severity = "warning"
    message: str | None = None
    webhooks: tuple[str, ...] = field(default=(), repr=False)  # their paths may be secrets


def parse_duration(text: str) -> float:
    """Seconds of "30s", "1m30s", "250ms", "2h". Raises ValueError, which says what was expected."""
    parts = _PART.findall(text) if len(text) <= DURATION_MAX else []
    if not parts or "".join(amount + unit for amount, unit in parts) != text.replace(" ", ""):
        raise ValueError(f'expected a duration such as "30s" or "1m30s", got {show(text)}')
    seconds = sum(float(amount) * UNITS[unit] for amount, unit in parts)
    if seconds > LONGEST_S:
        raise ValueError(f"expected at most 30 days, got {show(text)}")
    return seconds


def parse_rule(name: str, table: object) -> Rule:
    """The alert of a table `[name]`. Raises RuleError."""
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise RuleError("", f"expected a name of 1 to {NAME_MAX} printable characters, got {show(name)}")
    if not isinstance(table, Mapping):
        raise RuleError("", f"expected a table [{name}]")  # the value may be a webhook, which may be a secret
    for key, value in table.items():
        if key not in KEYS:
            raise RuleError(key, _unknown(name, key, value))
    read = {KEYS[key][0]: KEYS[key][1](key, value) for key, value in table.items()}
    if "metric" not in read:
        raise RuleError("", 'expected a metric, such as metric = "host.cpu.percent"')
    selector = Selector(read.pop("metric"), read.pop("tags", ()))
    said = {key: read.pop(key) for key in ("severity", "message", "webhooks") if key in read}
    condition = Condition(selector, **read)
    _check_condition(condition)
    return Rule(name, condition, **said)


def _unknown(name: str, key: str, value: object) -> str:
    if isinstance(value, Mapping):
        return f'unknown table; a name with a dot in it is written ["{name}.{shorten(key)}"]'
    close = difflib.get_close_matches(key, KEYS, n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known: {', '.join(KEYS)}"


def _check_condition(condition: Condition) -> None:
    above, below, clear = condition.above, condition.below, condition.clear
    if above is None and below is None:
        if condition.silent_for_s is None:
            raise RuleError("", "expected above, below or silent_for")
        for key, value in (("clear", clear), ("for", condition.for_s or None), ("rate", condition.rate or None)):
            if value is not None:
                raise RuleError(key, "needs above or below")
    elif above is not None and below is not None:
        if below >= above:
            raise RuleError("below", f"expected less than above ({above:g}), got {below:g}")
        if clear is not None:
            raise RuleError("clear", "needs either above or below, not both")
    elif clear is not None and above is not None and clear > above:
        raise RuleError("clear", f"expected at most above ({above:g}), got {clear:g}")
    elif clear is not None and below is not None and clear < below:
        raise RuleError("clear", f"expected at least below ({below:g}), got {clear:g}")


def _glob(key: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= GLOB_MAX:
        raise RuleError(key, f"expected a glob of 1 to {GLOB_MAX} characters, got {show(value)}")
    return value


def _tags(key: str, value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or len(value) > MAX_TAGS:
        raise RuleError(key, f'expected at most {MAX_TAGS} globs, such as {{ host = "web-?" }}, got {show(value)}')
    for tag in value:
        if not TAG_KEY_PATTERN.fullmatch(tag):
            raise RuleError(key, f"expected tag keys of 1 to 64 characters of [A-Za-z0-9_.-], got {show(tag)}")
    return tuple(sorted((tag, _glob(f"{key}.{tag}", glob)) for tag, glob in value.items()))


def _number(key: str, value: object) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an int beyond the largest float
        pass
    raise RuleError(key, f"expected a finite number, got {show(value)}")


def _duration(key: str, value: object) -> float:
    if not isinstance(value, str):
        raise RuleError(key, f'expected a duration such as "30s" or "1m30s", got {show(value)}')
    try:
        return parse_duration(value)
    except ValueError as error:
        raise RuleError(key, str(error)) from None


def _silence(key: str, value: object) -> float:
    if (seconds := _duration(key, value)) <= 0:
        raise RuleError(key, f"expected more than 0, got {show(value)}")
    return seconds


def _truth(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RuleError(key, f"expected true or false, got {show(value)}")
    return value


def _severity(key: str, value: object) -> str:
    if value not in SEVERITIES:
        raise RuleError(key, f"expected {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}, got {show(value)}")
    return str(value)


def _message(key: str, value: object) -> str | None:
    try:
        return check_text(value, key, MESSAGE_MAX)
    except SampleError as error:
        raise RuleError(key, error.problem) from None


def _webhooks(key: str, value: object) -> tuple[str, ...]:
    urls = value if isinstance(value, list) else [value]
    if len(urls) > WEBHOOKS_MAX:
        raise RuleError(key, f"at most {WEBHOOKS_MAX}, got {len(urls)}")
    return tuple(dict.fromkeys(_webhook(key, url) for url in urls))


def _webhook(key: str, value: object) -> str:
    expected = RuleError(key, "expected a URL such as https://HOST/PATH, without credentials and fragment")
    if not isinstance(value, str) or not value.isascii() or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise expected
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise expected from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or "@" in parts.netloc
        or parts.fragment
    ):
        raise expected
    try:
        check_host(parts.hostname)
    except ValueError as error:
        raise RuleError(key, f"{error}, got {show(parts.hostname)}") from None  # without the path
    return value


KEYS: Final[Mapping[str, tuple[str, Callable[[str, object], Any]]]] = {
    "metric": ("metric", _glob),
    "tags": ("tags", _tags),
    "above": ("above", _number),
    "below": ("below", _number),
    "clear": ("clear", _number),
    "for": ("for_s", _duration),
    "silent_for": ("silent_for_s", _silence),
    "rate": ("rate", _truth),
    "severity": ("severity", _severity),
    "message": ("message", _message),
    "webhook": ("webhooks", _webhooks),
}
