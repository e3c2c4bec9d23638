"""What the options of a producer may be, checked in one place before anything starts. Pure."""

import math
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import UUID

from ingest.credentials import is_token
from ingest.trust import trust

OnFull = Literal["drop_oldest", "block"]

MAX_ID = 2**63 - 1


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _seconds(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]  # as asked


def _token(value: object) -> bool:
    return value is None or callable(value) or is_token(value)


def _authorities(value: object) -> bool:
    try:
        return value is None or (isinstance(value, str | os.PathLike | ssl.SSLContext) and bool(trust(value)))
    except ValueError:
        return False


COUNT = (_whole(1, MAX_ID), "a whole number of at least 1")
SECONDS = (_seconds, "seconds as a number of at least 0")
OPTIONS: dict[str, tuple[Callable[[object], bool], str]] = {
    "token": (_token, "printable ASCII without spaces, a function that gives it, or None"),
    "ca": (_authorities, "None, a PEM file with certificates that can be read, or an ssl.SSLContext"),
    "client": (lambda value: value is None or isinstance(value, str), "None or a text"),
    "buffer_samples": COUNT,
    "on_full": (lambda value: value in ("drop_oldest", "block"), '"drop_oldest" or "block"'),
    "flush_interval_s": SECONDS,
    "batch_samples": COUNT,
    "window": COUNT,
    "flush_s": SECONDS,
    "producer_id": (lambda value: value is None or isinstance(value, UUID), "None or a uuid.UUID"),
    "first_id": (lambda value: value is None or _whole(0, MAX_ID)(value), "None or a whole number from 0 to 2^63 - 1"),
    "dial": (lambda value: value is None or callable(value), "None or a function"),
}


def check_options(**options: object) -> None:
    """Raises ValueError that names the option and what was expected; TypeError if there is no such option."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise TypeError(f"a producer has no option {name}; there are: {', '.join(OPTIONS)}")
        holds, expected = OPTIONS[name]
        if not holds(value):
            # A token is nothing for a log.
            raise ValueError(f"{name}: expected {expected}" + (f", got {value!r}" if name != "token" else ""))


def program_name() -> str:
    """What a producer is called that got no name: a person looks for the script that was started."""
    path = Path(sys.argv[0] if sys.argv else "")
    name = path.parent.name if path.name == "__main__.py" else path.name
    return "streamgauge producer" if name in ("", "-", "-c", "-m") else name
