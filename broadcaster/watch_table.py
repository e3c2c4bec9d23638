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
FORGET_S = (
    120.0  # rows that were silent for longer make room for others: processes that ended, containers that are gone
)
VALUE_WIDTH, RATE_WIDTH, AGE_WIDTH, BARS_MIN = 10, 8, 7, 8
PADDING = 2  # of each column
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
    heard: float | None = None

    def add(self, column: Column, now: float, *, live: bool) -> None:
        self.heard = now
        self.times.extend(column.times[-POINTS:])
        self.values.extend(column.values[-POINTS:])
        if live:
            self.arrivals.append((now, len(column.times)))
            self._forget(now)

    def is_present(self, now: float) -> bool:
        return self.heard is not None and (self.of.kind == "event" or now - self.heard <= FORGET_S)

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
        self._labels: dict[Series, str] = {}

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
            self._labels = labels(row.of.series for row in self._sorted)
        return self._sorted

    def present_rows(self, now: float) -> list[Row]:
        """Those that were heard of lately, events at any time; all of them if there are none such."""
        rows = self.sorted_rows()
        return [row for row in rows if row.is_present(now)] or rows

    def label(self, series: Series) -> str:
        """The tags, of which those come first that tell the metric's series apart."""
        return self._labels.get(series, "")

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
        rows = self.model.present_rows(self.now)
        silent = len(self.model.rows) - len(rows)
        fits = len(rows) <= height - 3 and not self.model.left_out and not silent
        shown = rows if fits else rows[: max(1, height - 4)]
        yield self._top(options.max_width)
        yield Text()
        if not rows:
            yield Text("  No series yet that the selection matches.", style="dim")
            return
        yield self._table(shown, options.max_width)
        if not fits:
            more = len(rows) - len(shown) + len(self.model.left_out)
            parts = [f"and {more:,} more"] if more else []
            parts += [f"{silent:,} silent"] if silent else []
            yield Text("  " + ", ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")

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
        plan = Plan.of(rows, self.model, width)
        table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=True)
        table.add_column("metric", no_wrap=True, overflow="ellipsis", width=plan.metric)
        table.add_column("tags", no_wrap=True, overflow="ellipsis", width=plan.tags, style="dim")
        table.add_column("value", justify="right", no_wrap=True, overflow="ellipsis", width=plan.value)
        if plan.bars:
            table.add_column(f"last {plan.bars}", no_wrap=True, width=plan.bars)
        if plan.rate:
            table.add_column("rate", justify="right", no_wrap=True, width=plan.rate)
        table.add_column("age", justify="right", no_wrap=True, width=AGE_WIDTH)
        above = ""
        for row in rows:
            table.add_row(*self._cells(row, plan, above))
            above = row.of.series.metric
        return table

    def _cells(self, row: Row, plan: "Plan", above: str) -> list[Text | str]:
        """A metric is named once, above its series."""
        series = row.of.series
        cells: list[Text | str] = [
            Text("" if series.metric == above else series.metric),
            Text(self.model.label(series)),
            _value(row),
        ]
        if plan.bars:
            colour = "magenta" if row.of.kind == "event" else "cyan"
            cells.append(Text(row.line(plan.bars).rjust(plan.bars), style=colour))
        if plan.rate:
            cells.append(f"{number(round(self.model.row_rate(row, self.now), 1))} /s")
        return [*cells, self._age(row)]

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


def labels(all_series: Iterable[Series]) -> dict[Series, str]:
    """Tags as text. Those with the same value in every series of a metric come last, where a narrow column cuts."""
    found: dict[Series, str] = {}
    for _, of_metric in itertools.groupby(all_series, key=lambda series: series.metric):
        group = list(of_metric)
        values: dict[str, set[str]] = {}
        for key, value in itertools.chain.from_iterable(series.tags for series in group):
            values.setdefault(key, set()).add(value)
        for series in group:
            ordered = sorted(series.tags, key=lambda pair: (len(values[pair[0]]) == 1, pair[0]))
            found[series] = " ".join(f"{key}={value}" for key, value in ordered)
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """How wide each column is; 0: it is left out."""

    metric: int
    tags: int
    value: int
    bars: int
    rate: int

    @classmethod
    def of(cls, rows: Sequence[Row], model: Model, width: int) -> "Plan":
        """The figures get what they need, names what is left, and bars what names leave over: the longer the better."""
        wide = width >= 100
        value = min(24 if wide else 14, max(VALUE_WIDTH, *(len(_value(row)) for row in rows)))
        rate = RATE_WIDTH if wide else 0
        room = width - value - AGE_WIDTH - 4 * PADDING - (rate + PADDING if rate else 0)
        metric = max(len("metric"), *(len(row.of.series.metric) for row in rows))
        tags = max(len("tags"), *(len(model.label(row.of.series)) for row in rows))
        bars = 0 if width < 60 else max(BARS_MIN, min(POINTS, room - PADDING - metric - tags))
        room -= bars + PADDING if bars else 0
        metric = max(1, min(metric, room - min(tags, room // 3)))
        return cls(metric, max(1, room - metric), value, bars, rate)
