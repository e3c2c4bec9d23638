"""What a panel says of its drawing, checked. Pure."""

import math
import re
from collections.abc import Mapping
from typing import Any

KINDS = ("lines", "stat", "bars", "heat", "table")
AGGREGATES = ("sum", "mean", "min", "max", "count", "p50", "p90", "p95", "p99")
LEVELS = ("warn", "bad")
LIMITS_MAX = 10
TOP_MAX = 200
KEYS_MAX = 16
TAG_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Limits = tuple[Mapping[str, float | str], ...]


def number(value: object) -> float:
    """Raises ValueError, which says what was expected."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or math.isnan(value):
        raise ValueError("a number")
    return float(value)


def keys(value: object) -> tuple[str, ...]:
    """Tags by which series are grouped. Raises ValueError."""
    given = value if isinstance(value, list | tuple) else [None]
    if len(given) > KEYS_MAX or not all(isinstance(each, str) and TAG_KEY.fullmatch(each) for each in given):
        raise ValueError(f'at most {KEYS_MAX} tags such as ["route", "host"]')
    if len(set(given)) < len(given):
        raise ValueError("each tag once")
    return tuple(given)


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def limits(value: object) -> Limits:
    """Thresholds: tables with `level` and one of `above`, `below`. Raises ValueError."""
    if not isinstance(value, list | tuple) or len(value) > LIMITS_MAX or not all(map(_is_limit, value)):
        raise ValueError(f'at most {LIMITS_MAX} thresholds such as {{ above = 90, level = "bad" }}')
    return tuple(_limit(each) for each in value)


def _is_limit(value: Any) -> bool:
    if not isinstance(value, Mapping) or set(value) not in ({"above", "level"}, {"below", "level"}):
        return False
    try:
        number(next(each for key, each in value.items() if key != "level"))
    except ValueError:
        return False
    return value["level"] in LEVELS


def _limit(value: Mapping[str, Any]) -> Mapping[str, float | str]:
    return {key: each if key == "level" else float(each) for key, each in value.items()}
