"""Recorded samples, sent again at a chosen speed: CSV in wide or long form, and JSON lines."""

import csv
import math
import re
import time as clock
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import trio

from ingest.producer import Producer
from ingest.ratelimit import Occasional
from ingest.samples import MAX_TIME, Entry, SampleError, Value, check_series, check_time, check_value
from ingest.sources.lines import REPORT_S, REPORTS_AT_ONCE, LineError, LineParser, utf8

TIME_COLUMNS = ("time", "timestamp", "ts", "datetime", "date")
READ_AHEAD = 500  # rows
TITLE_MAX = 60  # characters that are shown
UNTIMED = -MAX_TIME
UNTIMED_ROW_S = 1.0  # rows of a file without times are so far apart


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Cells of a column that were not sent: in it there was no number yet, if one came at all."""

    title: str
    cells: int
    numbers: bool

    def __str__(self) -> str:
        cells = f"{self.cells:,} cell{'s' if self.cells != 1 else ''}"
        what = f": {cells} left out before its first number" if self.numbers else f" left out: no number in {cells}"
        return f'column "{self.title[:TITLE_MAX]}"{what}'


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file. `position` is where in the file it ends, in bytes; `time` None: it has none."""

    line: int
    position: int
    time: float | None = None
    entries: tuple[Entry, ...] = ()
    problem: str | None = None
    left_out: tuple[LeftOut, ...] = ()  # at the end of a file, which is no row


class _Counted:
    """The lines of a file and how far they go. One that is not UTF-8 raises LineError; those behind it follow."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self.position = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.position += len(line)
        self.number += 1
        return utf8(line, "utf-8-sig" if self.number == 1 else "utf-8")


def read_jsonl(file: Iterable[bytes]) -> Iterator[Row]:
    """Lines as of the source `lines`."""
    counted, parser = _Counted(file), LineParser()
    while True:
        try:
            entry = parser.parse(next(counted), UNTIMED)
        except StopIteration:
            return
        except LineError as error:
            yield Row(counted.number, counted.position, problem=str(error))
            continue
        if entry is not None:
            time = None if not entry.times or entry.times[0] == UNTIMED else entry.times[0]
            yield Row(counted.number, counted.position, time, (entry,))


def read_csv(
    file: Iterable[bytes],
    *,
    time_column: str | None = None,
    tags: Sequence[str] = (),
    prefix: str = "",
) -> Iterator[Row]:
    """Rows of a CSV file with a header.

    With columns `metric` and `value` (long form) each row is a sample, and the other columns but `unit` and the time
    are tags; otherwise (wide form) each numeric column is a metric and `tags` names the columns that are tags.

    Raises:
        LineError: a named column is missing, two cannot be told apart, or the header is no CSV.
    """
    counted = _Counted(file)
    reader = csv.reader(counted)
    try:
        header = [name.strip() for name in next(reader, [])]
    except (csv.Error, LineError) as error:
        raise LineError(f"the header: {error}") from None
    table = _Table(header, time_column, tags, prefix)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            if table.left_out:
                yield Row(counted.number, counted.position, left_out=table.left_out)
            return
        except (csv.Error, LineError) as error:
            yield Row(counted.number, counted.position, problem=str(error))
            continue
        if cells:
            yield _csv_row(table, cells, counted)


def _csv_row(table: "_Table", cells: list[str], counted: _Counted) -> Row:
    try:
        time, entries = table.entries(cells)
    except (LineError, SampleError) as error:
        return Row(counted.number, counted.position, problem=str(error))
    return Row(counted.number, counted.position, time, entries)


class _Table:
    def __init__(self, header: list[str], time_column: str | None, tags: Sequence[str], prefix: str) -> None:
        self._header = header
        self._prefix = prefix
        for name in [*tags, *([time_column] if time_column else [])]:
            if name not in header:
                raise LineError(f'no column "{name}"; the columns are: {", ".join(header) or "none"}')
        self._time = time_column or next((name for name in header if name.lower() in TIME_COLUMNS), None)
        self._long = {"metric", "value"} <= set(header)
        special = {self._time, "metric", "value", "unit"} if self._long else {self._time}
        self._untitled = header.count("") > 1
        titles = [name for name in header if name or not self._untitled]
        named = [name for name in titles if name not in special] if self._long and not tags else tags
        self._tags = list(dict.fromkeys(named))
        self._numeric: set[str] = set()  # columns in which there was a number
        self._skipped: Counter[str] = Counter()  # cells before that
        _check_distinct(titles, str)
        _check_distinct(self._tags, _identifier)
        if not self._long:
            _check_distinct((name for name in titles if name != self._time and name not in self._tags), self._metric)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(title, cells, title in self._numeric) for title, cells in self._skipped.items())

    def entries(self, cells: list[str]) -> tuple[float | None, tuple[Entry, ...]]:
        """Raises LineError, SampleError."""
        if len(cells) != len(self._header):
            raise LineError(f"expected {len(self._header)} columns, got {len(cells)}")
        pairs = list(zip(self._header, map(str.strip, cells), strict=True))
        row = dict(pairs)
        if self._untitled and any(text and not name for name, text in pairs):
            raise LineError("a value in one of the columns without a title")
        time = parse_time(row[self._time]) if self._time else None
        tags = {_identifier(name): row[name] for name in self._tags if row[name]}
        at = (UNTIMED if time is None else time,)
        if self._long:
            series = check_series(self._prefix + row["metric"], tags)
            return time, (Entry(series, at, (_number(row["value"]),), unit=row.get("unit") or None),)
        found = [(name, _number(text)) for name, text in row.items() if self._is_metric(name, text)]
        return time, tuple(Entry(check_series(self._metric(name), tags), at, (value,)) for name, value in found)

    def _is_metric(self, name: str, text: str) -> bool:
        if not text or name == self._time or name in self._tags:
            return False
        if name not in self._numeric:
            if not _is_number(text):
                self._skipped[name] += 1
                return False
            self._numeric.add(name)
        return True

    def _metric(self, name: str) -> str:
        metric = self._prefix + _identifier(name)
        return metric if re.match("[A-Za-z_]", metric) else f"_{metric}"


def _check_distinct(titles: Iterable[str], become: Callable[[str], str]) -> None:
    """Raises LineError: the values of two columns would be taken for those of one."""
    seen: dict[str, str] = {}
    for title in titles:
        name = become(title)
        if name in seen:
            both = f'"{title[:TITLE_MAX]}"'
            if title != seen[name]:
                both = f'"{seen[name][:TITLE_MAX]}" and {both}, which both become {name[:TITLE_MAX]}'
            raise LineError(f"the header: two columns {both}")
        seen[name] = title


def _identifier(name: str) -> str:
    """A column's title as a name: `Temp (C)` becomes `Temp_C`."""
    return re.sub("[^A-Za-z0-9_.-]+", "_", name).strip("_") or "_"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> Value:
    """NaN, as many programs write a missing value, is a gap. Raises LineError, SampleError."""
    if not _is_number(text):
        raise LineError(f'expected a number, got "{text}"')
    value = float(text)
    return None if math.isnan(value) else check_value(value)


def parse_time(text: str) -> float:
    """Unix seconds or ISO 8601 (without a zone: UTC). Raises LineError, SampleError."""
    if _is_number(text):
        return check_time(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LineError(f'expected Unix seconds or an ISO 8601 time, got "{text}"') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@dataclass(slots=True)
class ReplayCounts:
    rows: int = 0
    bad: int = 0
    left_out: tuple[LeftOut, ...] = ()  # in the last pass through the file


@dataclass(frozen=True, slots=True)
class _Start:
    recorded: float  # the first row's time
    begun: float  # on trio's clock
    wall: float


class Replay:
    """Sends rows when they are due.

    `speed` 1 is real time, 0 as fast as possible. `restamp` moves the times to now, so that the samples show up live.
    """

    def __init__(self, producer: Producer, speed: float, restamp: bool, report: Callable[[str], None]) -> None:
        self.counts = ReplayCounts()
        self._producer = producer
        self._speed = speed
        self._restamp = restamp
        self._report = report
        self._start: _Start | None = None
        self._reports = Occasional(REPORT_S, REPORTS_AT_ONCE)

    async def run(
        self, path: Path, read: Callable[[Iterable[bytes]], Iterator[Row]], moved: Callable[[int], None]
    ) -> None:
        """Once through the file; `moved` is told how many bytes of it are done. Raises OSError, LineError."""
        self._start = None
        with closing(await trio.to_thread.run_sync(path.open, "rb")) as file:
            rows = read(file)
            while chunk := await trio.to_thread.run_sync(list, islice(rows, READ_AHEAD)):
                await self.play(chunk, moved)

    async def play(self, rows: Iterable[Row], moved: Callable[[int], None]) -> None:
        for row in rows:
            if row.left_out:
                self.counts.left_out = row.left_out
            elif row.problem is not None:
                self._refuse(row)
            else:
                await self._send(row)
            moved(row.position)

    def _refuse(self, row: Row) -> None:
        self.counts.rows += 1
        self.counts.bad += 1
        if self._reports.take(trio.current_time()) is not None:
            self._report(f"line {row.line}: {row.problem}")

    async def _send(self, row: Row) -> None:
        at = self.counts.rows * UNTIMED_ROW_S if row.time is None else row.time
        self.counts.rows += 1
        if self._start is None:
            self._start = _Start(at, trio.current_time(), clock.time())
        wall = clock.time()
        if self._speed:
            after = (at - self._start.recorded) / self._speed
            await trio.sleep_until(self._start.begun + after)
            wall = self._start.wall + after
        for entry in row.entries:
            await self._producer.send_entry(self._stamped(entry, row, wall))

    def _stamped(self, entry: Entry, row: Row, at: float) -> Entry:
        if row.time is None:
            return replace(entry, times=[at] * len(entry.times))
        return replace(entry, times=[time - row.time + at for time in entry.times]) if self._restamp else entry
