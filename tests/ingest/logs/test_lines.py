import json
import logging
import sys
from typing import Any

import orjson
import pytest

from ingest.logs.lines import TEXT_MAX, formatter


def record(message: str = "connection opened", *args: Any, **extra: Any) -> logging.LogRecord:
    log = logging.getLogger("streamgauge.broadcaster")
    made = log.makeRecord(log.name, logging.INFO, "x.py", 1, message, args, extra.pop("exc_info", None), extra=extra)
    made.created = 1_700_000_000.25
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = formatter("json").format(made)
    assert "\n" not in line
    found: dict[str, Any] = orjson.loads(line)
    return found


def test_an_event_is_an_object_in_one_line() -> None:
    assert as_json(record("%s opened", "connection", connection="ab12", count=3, nothing=None)) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "event": "connection opened",
        "logger": "broadcaster",
        "connection": "ab12",
        "count": 3,
    }


def test_an_event_is_words_and_quoted_texts() -> None:
    line = formatter("logfmt").format(
        record(address="127.0.0.1:5000", client="my client", on=True, s=0.25, of={"a": 1})
    )
    assert line == (
        'time=2023-11-14T22:13:20.250Z level=info event="connection opened" logger=broadcaster address=127.0.0.1:5000'
        ' client="my client" on=true s=0.25 of="{\\"a\\":1}"'
    )


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_nobody_forges_a_line_or_speaks_to_the_terminal(form: str) -> None:
    evil = 'x\ntime=2023 level=critical event="all is lost"\r\x1b[2J\x9b31m\u2028\u202e\ud800'
    line = formatter(form).format(record(client=evil))
    assert line.isprintable()
    assert "\\x1b[2J" in line


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_an_exception_is_one_field(form: str) -> None:
    try:
        json.loads("{")
    except ValueError:
        line = formatter(form).format(record("it failed", exc_info=sys.exc_info()))
    assert "\n" not in line
    assert "Traceback" in line and "JSONDecodeError" in line


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_credentials_wherever_they_are(form: str) -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0c2VjcmV0"
    try:
        raise ValueError(f"Authorization: Bearer {secret}")
    except ValueError:
        made = record("refused %s", secret, exc_info=sys.exc_info(), token="hidden", headers={"cookie": "hidden"})
    line = formatter(form).format(made)
    assert secret not in line and "hidden" not in line and "eyJ" not in line
    assert line.count("***") == 5  # once more in the line of the source


def test_a_long_text_is_shortened() -> None:
    text = as_json(record(client="x" * 50_000))["client"]
    assert len(text) < TEXT_MAX + 50
    assert "48000 more" in text
