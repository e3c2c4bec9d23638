"""A record of logging as one line, logfmt or JSON. Whatever a client says stays within its field."""

import json
import logging
import re
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from structlog.processors import format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from ingest.logs.redaction import redact_fields

EXCEPTION_MAX: Final = 16_000  # characters: of a longer one, the beginning and the end
TEXT_MAX: Final = 2_000
LEFTOVERS: Final = ("message", "asctime", "_record", "_from_structlog", "exc_info", "stack_info", "color_message")
KEY: Final = re.compile(r"[^\w.]")
BARE: Final = re.compile(r"[\w.:/@+,;%~()\[\]*-]+")

Fields = MutableMapping[str, Any]


def formatter(form: str) -> ProcessorFormatter:
    """What makes lines of `form`: logfmt or json."""
    render = as_json if form == "json" else as_logfmt
    return ProcessorFormatter(
        processors=[_shaped, _redacted, lambda logger, name, fields: render(fields)],
        foreign_pre_chain=[ExtraAdder(), format_exc_info],
    )


def _shaped(logger: Any, name: str, fields: Fields) -> Fields:
    """Time, level and event first, whatever else was said behind them, what went wrong last."""
    record: logging.LogRecord = fields["_record"]
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    shaped: dict[str, Any] = {
        "time": moment.removesuffix("+00:00") + "Z",
        "level": record.levelname.lower(),
        "event": fields.pop("event"),
        "logger": record.name.removeprefix("streamgauge."),
    }
    exception = fields.pop("exception", None)
    shaped |= {key: value for key, value in fields.items() if key not in LEFTOVERS and value is not None}
    if exception:
        shaped["exception"] = shortened(str(exception), EXCEPTION_MAX)
    return shaped


def _redacted(logger: Any, name: str, fields: Fields) -> Fields:
    kept = {"exception"}
    return {
        key: clean(value if key in kept else shortened(value, TEXT_MAX)) if isinstance(value, str) else value
        for key, value in redact_fields(fields).items()
    }


def shortened(text: str, most: int) -> str:
    """At most about so many characters: the beginning and the end."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ... {len(text) - most} more ... {text[-(most // 2) :]}"


def clean(text: str) -> str:
    """The text without what a terminal would obey: control characters become escapes, but for those of lines."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def as_json(fields: Mapping[str, Any]) -> str:
    """One object in one line."""
    return orjson.dumps(dict(fields), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def as_logfmt(fields: Mapping[str, Any]) -> str:
    """key=value key="a value", a JSON string wherever there is more than a word."""
    return " ".join(f"{KEY.sub('_', str(key))}={_word(value)}" for key, value in fields.items())


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping | list):
        value = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    text = value if isinstance(value, str) else str(value)
    return text if BARE.fullmatch(text) and text.isascii() else json.dumps(text, ensure_ascii=False)
