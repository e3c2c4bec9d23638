"""The directory of alerts, into which a page puts alerts and out of which it takes them: NAME.toml each, with this one.

Files in which a person keeps several alerts are left to that person.
"""

import re
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from broadcaster import revisions
from broadcaster.alerts.files import FILE_BYTES, FILES_MAX
from broadcaster.alerts.rules import KEYS, RuleError, parse_rule
from ingest.messages import MessageError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True)
class Folder:
    """Any thread may call."""

    directory: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, name: str, table: Mapping[str, Any], expected: str | None, owner: str | None = None) -> str:
        """Writes the alert of that table, and returns its revision. A webhook that is not said is kept as it was.

        Args:
            expected: the revision that is replaced; None: there must be no such file yet.
            owner: the file that has an alert of that name now.

        Raises:
            MessageError: bad_name, bad_alert (names the key), taken, changed, by_hand, too_many, cannot_write.
        """
        path = self._path(name)
        with self._lock:
            before = self._before(path, name, expected)
            if owner not in (None, str(path)):
                raise MessageError("taken", f"name: {name} is an alert of {Path(str(owner)).name} already")
            if before is None and sum(1 for _ in self.directory.glob(f"*{SUFFIX}")) >= FILES_MAX:
                raise MessageError("too_many", f"alerts: at most {FILES_MAX} files")
            kept = _alone(before, name) if before is not None else {}
            full = {key: kept[key] for key in ("webhook",) if key in kept} | dict(table)
            source = (revisions.remarks(before or b"") + written(name, full)).encode()
            with _told(name):
                revisions.replace(path, source, revisions.PRIVATE)  # the path of a webhook may be a secret
        return revisions.revision_of(source)

    def delete(self, name: str, expected: str) -> None:
        """Raises MessageError: bad_name, not_found, changed, by_hand, cannot_write."""
        path = self._path(name)
        with self._lock:
            if not path.exists():
                raise MessageError("not_found", f"{name}: no such alert that was made here")
            if (before := self._before(path, name, expected)) is not None:
                _alone(before, name)
            with _told(name):
                path.unlink()

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise MessageError("bad_name", "name: expected 1 to 64 of a-z, 0-9, - and _, a letter or digit first")
        return self.directory / f"{name}{SUFFIX}"

    def _before(self, path: Path, name: str, expected: str | None) -> bytes | None:
        with _told(name):
            before = revisions.read(path, FILE_BYTES)
        if problem := revisions.conflict(before, expected):
            raise MessageError("changed", f"{name}: {problem}")
        return before


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MessageError("cannot_write", f"{name}: {error.strerror or error}") from None


def _alone(source: bytes, name: str) -> Mapping[str, Any]:
    """The table of a file that says this one alert. Raises MessageError (by_hand)."""
    try:
        document = tomllib.loads(source.decode())
    except ValueError:
        document = {}
    if set(document) != {name} or not isinstance(document[name], Mapping):
        raise MessageError("by_hand", f"{name}{SUFFIX}: is not this one alert alone; it is edited by hand")
    table: Mapping[str, Any] = document[name]
    return table


def written(name: str, table: Mapping[str, Any]) -> str:
    """The text of a file that says this alert. Raises MessageError (bad_alert)."""
    try:
        parse_rule(name, table)
    except RuleError as error:
        raise MessageError("bad_alert", str(error)) from None
    lines = [f"{key} = {_value(table[key])}" for key in KEYS if key in table and table[key] not in (None, [], {})]
    return "\n".join([f"[{revisions.bare(name)}]", *lines]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{revisions.bare(key)} = {revisions.quoted(each)}" for key, each in value.items()) + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(revisions.quoted, value)) + "]"
    return revisions.quoted(value) if isinstance(value, str) else revisions.number(value)
