"""What a saved dashboard is: a TOML text that people write and version, and the page reads and writes. Pure.

    title = "Web shop"
    window_s = 300

    [[panels]]
    title = "Latency of the checkout"
    metric = "shop.latency"
    tags = { route = "/checkout" }
    width = 2

Each field of a panel has one line in PANEL_FIELDS: what it is by default, and the check that takes or refuses a value.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broadcaster import revisions
from dashboard import panel_fields
from dashboard.panel_fields import AGGREGATES, KINDS, TAG_KEY, TOP_MAX, Limits

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SIZE_MAX = 65_536  # bytes of one text
PANELS_MAX = 100
TITLE_MAX = 120
GLOB_MAX = 255
UNIT_MAX = 32
TAGS_MAX = 16
SECONDS_MAX = 1_000_000_000
COLUMNS = 4
ROWS = 4

_HEADER = re.compile(r"\s*\[{1,2}\s*([A-Za-z0-9_.\"' -]+?)\s*\]{1,2}")
_KEY = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"([^"]*)"|'([^']*)')\s*[=.]""")
_AT = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)


class BoardError(Exception):
    """What is wrong with a text; `line` counts from 1, 0: nowhere in particular."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class _Refused(Exception):
    """A value was not what `path` needs."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """One panel: the series whose metric and tags the globs select, in `width` of four columns and `height` rows."""

    metric: str
    title: str = ""  # empty: the metric
    tags: Mapping[str, str] = field(default_factory=dict)
    kind: str = "lines"
    aggregate: str | None = None  # of the series that share the tags of `group_by`; None: each on its own
    group_by: tuple[str, ...] = ()
    rate: bool | None = None  # per second; None: of counters only
    width: int = 1
    height: int = 1
    unit: str = ""  # empty: as published
    top: int | None = None  # series at most; None: as the kind has it
    min: float | None = None  # of the axis; None: as the values are
    max: float | None = None
    thresholds: Limits = ()


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: its panels in order. `window_s`: seconds shown at first; 0: all; None: as configured."""

    title: str = ""
    window_s: float | None = None
    panels: tuple[PanelSpec, ...] = ()


Check = Callable[[object], Any]  # the value as it is kept; raises ValueError, which says what was expected


def text(most: int) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not value.isprintable():
            raise ValueError(f"text of at most {most} characters in one line")
        return value

    return check


def one_of(*known: str) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"one of {', '.join(known)}" if len(known) > 1 else f'"{known[0]}"')
        return value

    return check


def whole(least: int, most: int) -> Check:
    def check(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return check


def glob(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= GLOB_MAX or not value.isprintable():
        raise ValueError(f"a metric, or a glob such as host.*, of at most {GLOB_MAX} characters")
    return value


def seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
        raise ValueError(f"seconds from 0 to {SECONDS_MAX}")
    return float(value)


def globs(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > TAGS_MAX:
        raise ValueError(f'a table of at most {TAGS_MAX} tags such as {{ host = "web-*" }}')
    for key, each in value.items():
        if not TAG_KEY.fullmatch(key) or not isinstance(each, str) or not each.isprintable():
            raise ValueError('tags such as { host = "web-*" }')
        if not 0 < len(each) <= GLOB_MAX + 1:
            raise ValueError(f"globs of 1 to {GLOB_MAX + 1} characters")
    return dict(value)


BOARD_FIELDS: dict[str, Check] = {"title": text(TITLE_MAX), "window_s": seconds}
PANEL_FIELDS: dict[str, Check] = {
    "title": text(TITLE_MAX),
    "metric": glob,
    "tags": globs,
    "kind": one_of(*KINDS),
    "aggregate": one_of(*AGGREGATES),
    "group_by": panel_fields.keys,
    "rate": panel_fields.flag,
    "width": whole(1, COLUMNS),
    "height": whole(1, ROWS),
    "unit": text(UNIT_MAX),
    "top": whole(1, TOP_MAX),
    "min": panel_fields.number,
    "max": panel_fields.number,
    "thresholds": panel_fields.limits,
}


def parse(source: bytes | str) -> Board:
    """Raises BoardError, which says where in the text and what was expected there."""
    if len(source) > SIZE_MAX:
        raise BoardError(f"at most {SIZE_MAX} bytes, got {len(source)}")
    try:
        decoded = source if isinstance(source, str) else source.decode("utf-8-sig")
        document = tomllib.loads(decoded)
    except UnicodeDecodeError as error:
        assert isinstance(source, bytes)
        raise BoardError("expected UTF-8", source[: error.start].count(b"\n") + 1) from None
    except tomllib.TOMLDecodeError as error:
        match = _AT.match(str(error))
        line = int(match["line"] or decoded.count("\n") + 1) if match else 0
        raise BoardError(match["what"] if match else str(error), line) from None
    except RecursionError:
        raise BoardError("nested too deeply") from None
    except ValueError:  # of int(), which tomllib lets through
        raise BoardError("a number has too many digits") from None
    try:
        return _board(document)
    except _Refused as refused:
        raise BoardError(refused.message, line_of(decoded, refused.path)) from None


def from_json(document: object) -> Board:
    """What the page sends; null is a field left out. Raises BoardError, which names the field."""
    document = _without_null(document)
    if isinstance(document, dict) and isinstance(document.get("panels"), list):
        document["panels"] = [_without_null(each) for each in document["panels"]]
    try:
        return _board(document)
    except _Refused as refused:
        raise BoardError(refused.message) from None


def _without_null(table: object) -> Any:
    return {key: value for key, value in table.items() if value is not None} if isinstance(table, dict) else table


def _board(document: object) -> Board:
    if not isinstance(document, dict):
        raise _Refused((), f"expected a table, got {_shown(document)}")
    raw = document.get("panels", [])
    if not isinstance(raw, list):
        raise _Refused(("panels",), "panels: expected tables [[panels]]")
    if len(raw) > PANELS_MAX:
        raise _Refused(("panels", PANELS_MAX), f"panels: at most {PANELS_MAX}, got {len(raw)}")
    fields = _checked({key: value for key, value in document.items() if key != "panels"}, BOARD_FIELDS, ("panels",))
    return Board(**fields, panels=tuple(_panel(each, at) for at, each in enumerate(raw)))


def _panel(raw: object, at: int) -> PanelSpec:
    where = ("panels", at)
    if not isinstance(raw, dict):
        raise _Refused(where, f"panels[{at}]: expected a table, got {_shown(raw)}")
    fields = _checked(raw, PANEL_FIELDS, (), where, f"panels[{at}].")
    if "metric" not in fields:
        raise _Refused(where, f"panels[{at}].metric: missing, expected a metric or a glob such as host.*")
    panel = PanelSpec(**fields)
    if panel.min is not None and panel.max is not None and panel.min >= panel.max:
        raise _Refused((*where, "max"), f"panels[{at}].max: expected more than min, {revisions.number(panel.min)}")
    if panel.group_by and panel.aggregate is None:
        needs = f"expected aggregate beside it, one of {', '.join(AGGREGATES)}"
        raise _Refused((*where, "group_by"), f"panels[{at}].group_by: {needs}")
    return panel


def _checked(
    raw: Mapping[str, object],
    fields: Mapping[str, Check],
    also: tuple[str, ...],
    where: tuple[str | int, ...] = (),
    prefix: str = "",
) -> dict[str, Any]:
    checked = {}
    for key, value in raw.items():
        if key not in fields:
            raise _Refused((*where, key), f"{prefix}{_short(key)}: unknown{_suggestion(key, (*fields, *also))}")
        try:
            checked[key] = fields[key](value)
        except ValueError as error:
            raise _Refused((*where, key), f"{prefix}{key}: expected {error}, got {_shown(value)}") from None
    return checked


def _suggestion(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else f", expected one of {', '.join(known)}"


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:37] + "..."


def _shown(value: object) -> str:
    try:
        return _short(json.dumps(value, default=str, ensure_ascii=False))
    except (RecursionError, ValueError):
        return "something nested too deep, or a number too long"


def line_of(source: str, path: tuple[str | int, ...]) -> int:
    """The line, from 1, where the text says `path`: its key, or else the header of its panel; 1 if neither is found."""
    panel = next((part for part in path if isinstance(part, int)), None)
    key = str(path[-1]) if path and isinstance(path[-1], str) else None
    at, begins, header, quoted = -1, 1, "", False
    for number, line in enumerate(source.split("\n"), start=1):
        inside, quoted = quoted, quoted ^ ((line.count('"""') + line.count("'''")) % 2 == 1)
        if inside:
            continue
        if match := _HEADER.match(line):
            header = match[1].strip()
            at += header == "panels"
            if at == panel and header == "panels":
                begins = number
            if panel in (None, at) and header.rpartition(".")[2] == key:
                return number
        elif (at == panel if panel is not None else not header) and (match := _KEY.match(line)):
            if key is not None and key in match.groups() and header in ("", "panels"):
                return number
            if panel is not None and header == f"panels.{key}":
                return number
    return begins


def write(board: Board) -> str:
    """The text that `parse` reads as the same board, as a person would write it: what is as by default is left out."""
    lines = [f"title = {revisions.quoted(board.title)}"] if board.title else []
    if board.window_s is not None:
        lines.append(f"window_s = {revisions.number(board.window_s)}")
    for panel in board.panels:
        lines += ["", "[[panels]]", *_panel_lines(panel)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _panel_lines(panel: PanelSpec) -> list[str]:
    plain = PanelSpec(panel.metric)
    lines = []
    for name in PANEL_FIELDS:
        value = getattr(panel, name)
        if name == "metric" or value != getattr(plain, name):
            lines.append(f"{name} = {_value(value)}")
    return lines


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{revisions.bare(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return revisions.number(value)
    return revisions.quoted(value) if isinstance(value, str) else str(value)


def as_json(board: Board) -> dict[str, Any]:
    """For the page: every field, defaults included."""
    panels = [{name: _plain(getattr(panel, name)) for name in PANEL_FIELDS} for panel in board.panels]
    return {"title": board.title, "window_s": board.window_s, "panels": panels}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value
