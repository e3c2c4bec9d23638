"""Samples from a stream of text lines: JSON objects as in a `publish` message, or `metric value key=value...`."""

import os
import shlex
import sys
import time as clock
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import trio

from ingest.producer import Producer
from ingest.ratelimit import Occasional
from ingest.samples import Entry, SampleError, Validator

LINE_BYTES_MAX = 2**20
WORDS_MAX = 2**15  # characters of a line that is no JSON: splitting it takes time by the square of them
REPORTS_AT_ONCE = 10
REPORT_S = 1.0
RESERVED = {"time", "unit", "kind"}  # key=value pairs that are no tags


class LineError(ValueError):
    """A line that is no sample; the text says why."""


class LineParser:
    """One line to one entry. Pure."""

    def __init__(self) -> None:
        self._validator = Validator(cache_size=50_000)

    def parse(self, line: str, now: float) -> Entry | None:
        """None for an empty line or a comment (#). Raises LineError."""
        line = line.strip()
        if not line or line.startswith("#"):
            return None
        raw = _json(line) if line.startswith("{") else _words(line)
        try:
            entry, errors = self._validator.entry(raw, now)
        except SampleError as error:
            raise LineError(str(error)) from None
        if errors:
            raise LineError(str(errors[0]))
        return entry


def _json(line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineError(f"not JSON ({error})") from None


def _words(line: str) -> dict[str, Any]:
    if len(line) > WORDS_MAX:
        raise LineError(f"longer than {WORDS_MAX} characters")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise LineError(f"{error} (quotes group words: host='my machine')") from None
    if len(words) < 2:
        raise LineError("expected: metric value key=value...")
    metric, value, *pairs = words
    raw: dict[str, Any] = {"metric": metric, "tags": {}}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise LineError(f'expected key=value, got "{pair}"')
        if key in RESERVED:
            raw[key] = number(text) if key == "time" else text
        else:
            raw["tags"][key] = text
    raw["value"] = value if raw.get("kind") == "event" else None if value == "null" else number(value)
    return raw


def number(text: str) -> float:
    """Raises LineError."""
    try:
        return float(text)
    except ValueError:
        raise LineError(f'expected a number, got "{text}"') from None


@dataclass(slots=True)
class LineCounts:
    lines: int = 0
    bad: int = 0


async def lines(
    producer: Producer,
    source: AsyncIterator[bytes],
    *,
    report: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
) -> LineCounts:
    """Send what the lines of `source` say until it ends; bad lines are reported and left out."""
    parser, counts, reports = LineParser(), LineCounts(), Occasional(REPORT_S, REPORTS_AT_ONCE)
    async for line in source:
        counts.lines += 1
        try:
            entry = parser.parse(_decode(line), clock.time())
            if entry is not None:
                await producer.send_entry(entry)
        except (LineError, SampleError) as error:
            counts.bad += 1
            if (withheld := reports.take(trio.current_time())) is not None:
                more = f" ({withheld} more bad lines before it)" if withheld else ""
                report(f"line {counts.lines}: {error}{more}")
    return counts


def _decode(line: bytes) -> str:
    if len(line) > LINE_BYTES_MAX:
        raise LineError(f"longer than {LINE_BYTES_MAX} bytes")
    return utf8(line)


def utf8(line: bytes, encoding: str = "utf-8") -> str:
    """Raises LineError."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8 ({error.reason} at byte {error.start})") from None


async def split_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends. Of one that is too long only so much is kept that it is seen to be too long."""
    rest = b""
    async for chunk in chunks:
        *complete, last = (rest + chunk).split(b"\n")
        for line in complete:
            yield line[: LINE_BYTES_MAX + 1]
        rest = last[: LINE_BYTES_MAX + 1]
    if rest:
        yield rest


async def read_descriptor(descriptor: int) -> AsyncIterator[bytes]:
    """Chunks of a file, pipe or terminal until it ends, each read in a worker thread.

    A read under way when this is cancelled is abandoned: whoever typed ctrl-C does not want to type one more line.
    """
    while chunk := await trio.to_thread.run_sync(os.read, descriptor, 2**16, abandon_on_cancel=True):
        yield chunk
