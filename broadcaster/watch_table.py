import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from broadcaster.figures import duration, number, quantity, sparkline
from broadcaster.subscription import (
    Column,
    Described,
    GapReported,
    Message,
    Refused,
    Resynchronised,
    Samples,
    SeriesDescribed,
    StateChanged,
)
from ingest.samples import Series, Value

POINTS = 60
RATE_S = 10.0
ROWS_MAX = 10_000  # bounds the memory that a broadcaster with very many series can take here
STALE_S = 15.0
FIGURES_WIDTH = 42  # value, rate, age and the blanks between columns
LOOK = {
    "connecting": ("◌", "yellow"),
    "live": ("●", "green"),
    "reconnecting": ("◌", "yellow"),
    "cannot_connect": ("✕", "red"),
}


@dataclass(slots=True)
class Row:
    """What is shown of one series. `arrivals`: when live samples came and how many, for the rate."""

    of: Described
    times: deque[float] = field(default_factory=lambda: deque(maxlen=POINTS))
    values: deque[Value] = field(default_factory=lambda: deque(maxlen=POINTS))
    arrivals: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, column: Column, now: float, *, live: bool) -> None:
        self.times.extend(column.times[-POINTS:])
        self.values.extend(column.values[-POINTS:])
        if live:
            self.arrivals.append((now, len(column.times)))
            self._forget(now)

    def _forget(self, now: float) -> None:
        while self.arrivals and self.arrivals[0][0] <= now - RATE_S:
            self.arrivals.popleft()

    def rate(self, now: float, since: float) -> float:
        """Samples a second over the last ten seconds, or since the beginning if that is less."""
        self._forget(now)
        return sum(count for _, count in self.arrivals) / max(1.0, min(RATE_S, now - since))

    def line(self, width: int) -> str:
        """The sparkline; of a counter, its increases, since the counts themselves only ever rise."""
        values = [value if isinstance(value, float | int) else None for value in self.values]
        if self.of.kind == "event":
            return ("◆" * len(values))[-width:]
        if self.of.kind == "counter":
            pairs = itertools.pairwise(values)
            values = [None if a is None or b is None else max(0.0, b - a) for a, b in pairs]
        return sparkline(values, width)


class Model:
    """What `watch` knows. `take` it what arrives; times are seconds of a monotonic clock unless they are samples'."""

    def __init__(self, url: str, now: float) -> None:
        self.url = url
        self.state = StateChanged("connecting")
        self.rows: dict[Series, Row] = {}
        self.left_out: set[Series] = set()
        self.lost = 0
        self.holes = 0
        self.notice = ""
        self.retry_at = now
        self.round_trip_s: float | None = None
        self._since = now
        self._sorted: list[Row] | None = None

    def take(self, message: Message, now: float) -> None:
        match message:
            case StateChanged():
                self.state = message
                self.retry_at = now + message.retry_s
            case SeriesDescribed(series):
                self._describe(series)
            case Samples():
                self._add(message, now)
            case GapReported(announced=True):
                self.lost += message.samples or 0
            case GapReported():
                self.holes += 1
            case Resynchronised():
                self._start_again(message)
            case Refused(_, text):
                self.notice = text

    def _describe(self, series: Iterable[Described]) -> None:
        for one in series:
            if row := self.rows.get(one.series):
                row.of = one
            elif len(self.rows) < ROWS_MAX:
                self.rows[one.series] = Row(one)
                self._sorted = None
            elif len(self.left_out) < ROWS_MAX:
                self.left_out.add(one.series)

    def _add(self, samples: Samples, now: float) -> None:
        for column in samples.columns:
            if row := self.rows.get(column.of.series):
                row.add(column, now, live=not samples.backfill)

    def _start_again(self, message: Resynchronised) -> None:
        if message.epoch_changed:
            self.notice = "the broadcaster started anew: samples may be missing"
            return
        for row in self.rows.values():
            row.times.clear()
            row.values.clear()

    def sorted_rows(self) -> list[Row]:
        if self._sorted is None:
            self._sorted = sorted(self.rows.values(), key=lambda row: (row.of.series.metric, row.of.series.tags))
        return self._sorted

    def rate(self, now: float) -> float:
        return sum(row.rate(now, self._since) for row in self.rows.values())

    def row_rate(self, row: Row, now: float) -> float:
        return row.rate(now, self._since)


@dataclass(frozen=True, slots=True)
class Screen:
    """The table at one moment, fitted to the terminal: `now` monotonic, `time` in Unix seconds."""

    model: Model
    now: float
    time: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.size.height
        rows = self.model.sorted_rows()
        fits = len(rows) <= height - 3 and not self.model.left_out
        shown = rows if fits else rows[: max(1, height - 4)]
        yield self._top(options.max_width)
        yield Text()
        if not rows:
            yield Text("  No series yet that the selection matches.", style="dim")
            return
        yield self._table(shown, options.max_width)
        if not fits:
            more = len(rows) - len(shown) + len(self.model.left_out)
            yield Text(f"  and {more:,} more", style="dim")

    def _top(self, width: int) -> Table:
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(justify="right", no_wrap=True)
        line.add_row(self._state(), self._summary(width))
        return line

    def _state(self) -> Text:
        state = self.model.state
        mark, colour = LOOK[state.state]
        text = Text.assemble((f" {mark} ", colour), (state.state.replace("_", " "), f"bold {colour}"))
        if state.retry_s:
            text.append(f", next attempt in {max(0.0, self.model.retry_at - self.now):.0f} s")
        text.append(f"  {state.reason or self.model.url}", style="dim")
        if self.model.notice and state.state == "live":
            text.append(f"  {self.model.notice}", style="yellow")
        return text

    def _summary(self, width: int) -> Text:
        model = self.model
        parts = [f"{len(model.rows):,} series", f"{number(round(model.rate(self.now), 1))} samples/s"]
        if width >= 90 and model.round_trip_s is not None:
            parts.append(f"round trip {duration(model.round_trip_s)}")
        text = Text("  ".join(parts), style="dim")
        if model.lost or model.holes:
            text.append(f"  {model.lost:,} lost", style="bold red")
            text.append(f", {model.holes} unexplained" if model.holes else "", style="bold red")
        text.append(" ")
        return text

    def _table(self, rows: Sequence[Row], width: int) -> Table:
        bars = _room_for_bars(rows, width)
        table = Table(box=None, expand=True, padding=(0, 1), header_style="dim", pad_edge=True)
        table.add_column("metric", no_wrap=True, overflow="ellipsis", ratio=3)
        table.add_column("tags", no_wrap=True, overflow="ellipsis", ratio=3, style="dim")
        table.add_column("value", justify="right", no_wrap=True, overflow="ellipsis", min_width=10)
        if bars:
            table.add_column(f"last {bars}", no_wrap=True, width=bars)
        table.add_column("rate", justify="right", no_wrap=True, min_width=6)
        table.add_column("age", justify="right", no_wrap=True, min_width=7)
        for row in rows:
            table.add_row(*self._cells(row, bars))
        return table

    def _cells(self, row: Row, bars: int) -> list[Text | str]:
        series = row.of.series
        cells: list[Text | str] = [
            Text(series.metric),
            Text(_tags(series)),
            _value(row),
        ]
        if bars:
            cells.append(Text(row.line(bars).rjust(bars), style="magenta" if row.of.kind == "event" else "cyan"))
        return [*cells, f"{number(round(self.model.row_rate(row, self.now), 1))} /s", self._age(row)]

    def _age(self, row: Row) -> Text:
        if not row.times:
            return Text("")
        age = max(0.0, self.time - row.times[-1])
        text = "now" if age < 1 else duration(age if age >= 60 else int(age))
        return Text(text, style="yellow" if age >= STALE_S and row.of.kind != "event" else "")


def _value(row: Row) -> Text:
    if not row.values:
        return Text("")
    newest = row.values[-1]
    if isinstance(newest, str):
        return Text(newest if len(newest) <= 24 else newest[:23] + "…", style="magenta")
    return Text(quantity(newest, row.of.unit), style="dim" if newest is None else "bold")


def _tags(series: Series) -> str:
    return " ".join(f"{key}={value}" for key, value in series.tags)


def _room_for_bars(rows: Sequence[Row], width: int) -> int:
    """What names and figures leave over, within bounds: a sparkline shorter than 8 says nothing."""
    names = max(len(row.of.series.metric) for row in rows) + max(len(_tags(row.of.series)) for row in rows)
    return 0 if width < 60 else max(8, min(POINTS, width - names - FIGURES_WIDTH))
