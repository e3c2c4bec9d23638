"""Recorded samples, sent again at a chosen speed: CSV in wide or long form, and JSON lines."""

import csv
import math
import re
import time as clock
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
from ingest.sources.lines import REPORT_S, REPORTS_AT_ONCE, LineError, LineParser

TIME_COLUMNS = ("time", "timestamp", "ts", "datetime", "date")
READ_AHEAD = 500  # rows
UNTIMED = -MAX_TIME
UNTIMED_ROW_S = 1.0  # rows of a file without times are so far apart


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file. `position` is where in the file it ends, in bytes; `time` None: it has none."""

    line: int
    position: int
    time: float | None = None
    entries: tuple[Entry, ...] = ()
    problem: str | None = None


class _Counted:
    """The lines of a file and how far they go."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.position = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.position += len(line)
            self.number += 1
            yield line.decode("utf-8-sig" if self.number == 1 else "utf-8", errors="replace")


def read_jsonl(file: Iterable[bytes]) -> Iterator[Row]:
    """Lines as of the source `lines`."""
    counted, parser = _Counted(file), LineParser()
    for text in counted:
        try:
            entry = parser.parse(text, UNTIMED)
        except LineError as error:
            yield Row(counted.number, counted.position, problem=str(error))
            continue
        if entry is not None:
            time = None if not entry.times or entry.times[0] == UNTIMED else entry.times[0]
            yield Row(counted.number, counted.position, time, (entry,))


def read_csv(
    file: Iterable[bytes], *, time_column: str | None = None, tags: Sequence[str] = (), prefix: str = ""
) -> Iterator[Row]:
    """Rows of a CSV file with a header.

    With columns `metric` and `value` (long form) each row is a sample, and the other columns but `unit` and the time
    are tags; otherwise (wide form) each numeric column is a metric and `tags` names the columns that are tags.

    Raises:
        LineError: a named column is missing, or the header is no CSV.
    """
    counted = _Counted(file)
    reader = csv.reader(iter(counted))
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise LineError(f"the header: {error}") from None
    table = _Table(header, time_column, tags, prefix)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
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
        self._tags = [name for name in header if name not in special] if self._long and not tags else list(tags)
        self._numeric: dict[str, bool] = {}  # decided by a column's first value

    def entries(self, cells: list[str]) -> tuple[float | None, tuple[Entry, ...]]:
        """Raises LineError, SampleError."""
        if len(cells) != len(self._header):
            raise LineError(f"expected {len(self._header)} columns, got {len(cells)}")
        row = dict(zip(self._header, map(str.strip, cells), strict=True))
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
            self._numeric[name] = _is_number(text)
        return self._numeric[name]

    def _metric(self, name: str) -> str:
        metric = self._prefix + _identifier(name)
        return metric if re.match("[A-Za-z_]", metric) else f"_{metric}"


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
            if row.problem is not None:
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
