"""Alert files: a TOML file, or all of a directory, read, checked, and read again when they change."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from broadcaster.alerts.rules import Rule, RuleError, parse_rule, shorten
from broadcaster.revisions import revision_of

FILE_BYTES: Final = 1_048_576
FILES_MAX: Final = 1_000

Stamp = tuple[tuple[str, int, int], ...]
"""Names, times of change and sizes: what tells that files changed."""

UNREAD: Final[Stamp] = (("", 0, 0),)
_LONG_TEXT: Final = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'', re.DOTALL)
_NAME: Final = r"""\s*("[^"]*"|'[^']*'|[^\s\[\]."'=]+)\s*"""
_HEADER: Final = re.compile(rf"\s*\[{_NAME}(?:\.{_NAME})?\]")
_KEY: Final = re.compile(rf"{_NAME}[.=]")
_AT_LINE: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file is left out: in which line what was expected."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """What the files of one moment say. A file with a problem gives no rules."""

    stamp: Stamp = ()
    rules: Mapping[str, Sequence[Rule]] | None = None  # by file; None: nothing was ever read
    problems: tuple[Problem, ...] = ()
    revisions: Mapping[str, str] = field(default_factory=dict)  # by alert: of files that say this one, named after it

    @property
    def all(self) -> list[Rule]:
        return [rule for rules in (self.rules or {}).values() for rule in rules]

    @property
    def owners(self) -> dict[str, str]:
        """Which file says an alert."""
        return {rule.name: file for file, rules in (self.rules or {}).items() for rule in rules}


def read_rules(path: Path, before: RuleFiles = RuleFiles()) -> RuleFiles:
    """All rules of a file or of the `*.toml` of a directory; `before` itself if nothing has changed since.

    A file that is broken now keeps the rules that it had `before`: a slip of the pen switches no alert off.
    """
    paths, stamp, problems = _find(path)
    if before.rules is not None and stamp == before.stamp:
        return before
    if not paths and problems and before.rules:
        return RuleFiles(stamp, before.rules, tuple(problems))
    rules: dict[str, Sequence[Rule]] = {}
    owners: dict[str, str] = {}
    alone: dict[str, str] = {}
    for each in paths:
        read, wrong, revision = _read(each, owners)
        if [rule.name for rule in read] == [each.stem]:
            alone[each.stem] = revision
        problems += wrong
        if wrong and before.rules:
            read = [rule for rule in before.rules.get(str(each), ()) if rule.name not in owners]
        rules[str(each)] = read
        owners |= {rule.name: str(each) for rule in read}
    return RuleFiles(stamp, rules, tuple(problems), alone)


def _find(path: Path) -> tuple[list[Path], Stamp, list[Problem]]:
    try:
        if path.is_dir():
            paths = sorted(each for each in path.glob("*.toml") if not each.name.startswith("."))
            stamp = tuple(map(_stamp, paths))
        else:
            status = path.stat()
            paths, stamp = [path], ((str(path), status.st_mtime_ns, status.st_size),)
    except OSError as error:
        return [], UNREAD, [Problem(str(path), 1, f"cannot be read: {error.strerror}")]
    if len(paths) > FILES_MAX:
        return [], stamp, [Problem(str(path), 1, f"at most {FILES_MAX} files, got {len(paths)}")]
    return paths, stamp, []


def _stamp(path: Path) -> tuple[str, int, int]:
    """Of one of several: what cannot be looked at, such as a link to nothing, is told of when it is read."""
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def _read(path: Path, owners: Mapping[str, str]) -> tuple[list[Rule], list[Problem], str]:
    """Its rules, what is wrong, and its revision."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except OSError as error:
        return [], [Problem(str(path), 1, f"cannot be read: {error.strerror}")], ""
    return *_rules(str(path), raw, owners), revision_of(raw)


def _rules(name: str, raw: bytes, owners: Mapping[str, str]) -> tuple[list[Rule], list[Problem]]:
    if len(raw) > FILE_BYTES:
        return [], [Problem(name, 1, f"at most {FILE_BYTES} bytes")]
    try:
        text = raw.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return [], [Problem(name, raw.count(b"\n", 0, error.start) + 1, "expected UTF-8")]
    except ValueError as error:
        return [], [_syntax(name, text, str(error))]
    except RecursionError:
        return [], [Problem(name, 1, "expected TOML: nested too deep")]
    return _parse(name, text, document, owners)


def _syntax(name: str, text: str, problem: str) -> Problem:
    at = _AT_LINE.search(problem)
    line = 1 if at is None else int(at[1]) if at[1] else text.count("\n") + 1
    return Problem(name, line, f"expected TOML: {_AT_LINE.sub('', problem)}")


def _parse(
    name: str, text: str, document: Mapping[str, object], owners: Mapping[str, str]
) -> tuple[list[Rule], list[Problem]]:
    rules, problems = [], []
    lines: Lines | None = None
    for title, table in document.items():
        try:
            if title in owners:
                raise RuleError("", f"the name is taken by {owners[title]}")
            rules.append(parse_rule(title, table))
        except RuleError as error:
            lines = lines or Lines(text)
            where = f"{shorten(title)}.{shorten(error.key)}" if error.key else shorten(title)
            problems.append(Problem(name, lines.of(title, error.key), f"{where}: {error.problem}"))
    return ([] if problems else rules), problems


class Lines:
    """Where tables and their keys are, for messages: it does not parse TOML."""

    def __init__(self, text: str) -> None:
        self._at: dict[tuple[str, ...], int] = {}
        table: str | None = None
        for number, line in enumerate(_LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text).split("\n"), 1):
            if header := _HEADER.match(line):
                table, *inside = [_plain(name) for name in header.groups() if name is not None]
                self._note(number, table, *inside)
            elif key := _KEY.match(line):
                self._note(number, *(() if table is None else (table,)), _plain(key[1]))

    def _note(self, number: int, *names: str) -> None:
        """The first line counts. A table without a header of its own begins with what is said of it first."""
        self._at.setdefault(names[:1], number)
        self._at.setdefault(names[:2], number)

    def of(self, table: str, key: str) -> int:
        """The line of a key of a top-level table, else of the table, else 1."""
        return self._at.get((table, key.partition(".")[0])) or self._at.get((table,), 1)


def _plain(name: str) -> str:
    return name[1:-1] if name[0] in "\"'" else name
