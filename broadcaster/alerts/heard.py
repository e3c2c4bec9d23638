"""Which series alerts on silence watched, kept in a file: of one that never comes again after a restart, somebody has
to know that it is missing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from broadcaster import revisions
from ingest.samples import Kind, SampleError, Series, check_kind, check_series

FILE: Final = ".heard.json"
BYTES_MAX: Final = 16_777_216

Heard = tuple[Series, Kind]


def read(path: Path) -> list[Heard]:
    """What the file says; nothing if there is none, or if it is not such a file. Raises OSError."""
    source = revisions.read(path, BYTES_MAX)
    if source is None:
        return []
    try:
        return [_heard(each) for each in orjson.loads(source)["series"]]
    except (ValueError, TypeError, KeyError, SampleError):
        return []


def _heard(each: dict[str, object]) -> Heard:
    return check_series(each["metric"], each["tags"]), check_kind(each["kind"]) or "gauge"


def write(path: Path, heard: Iterable[Heard]) -> None:
    """Raises OSError."""
    series = [{"metric": series.metric, "tags": dict(series.tags), "kind": kind} for series, kind in heard]
    revisions.replace(path, orjson.dumps({"series": series}), revisions.PRIVATE)
