"""What `streamgauge push` shows of its producer: one line while it goes on, one at the end."""

from collections import deque
from collections.abc import Callable

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from ingest.statistics import ProducerStatistics, State

PACE_S = 5.0
BAR_WIDTH = 24
LOOK: dict[State, tuple[str, str]] = {
    "connecting": ("◌", "yellow"),
    "connected": ("●", "green"),
    "reconnecting": ("◌", "yellow"),
    "cannot_connect": ("✕", "red"),
    "refused": ("✕", "red"),
    "closed": ("◌", "dim"),
}


class Pace:
    """How many samples a second, over the last few. Pure; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def rate(self, now: float, count: int) -> float:
        """`count` is the total so far."""
        self._counts.append((now, count))
        while len(self._counts) > 2 and now - self._counts[1][0] >= PACE_S:
            self._counts.popleft()
        since, before = self._counts[0]
        return (count - before) / (now - since) if now > since else 0.0


def state(now: ProducerStatistics) -> Text:
    mark, colour = LOOK[now.state]
    return Text.assemble(
        (f"{mark} ", colour), (now.state.replace("_", " "), f"bold {colour}"), no_wrap=True, overflow="ellipsis"
    )


def line(now: ProducerStatistics, url: str, rate: float) -> Text:
    """How it goes; what may be cut off on a narrow terminal comes last."""
    text = state(now)
    text.append(f"  {now.acknowledged:,} acknowledged")
    if now.unsent:
        text.append(f"  {now.unsent:,} under way" if now.state == "connected" else f"  {now.unsent:,} waiting")
    for name, count in (("rejected", now.rejected), ("dropped", now.dropped)):
        if count:
            text.append(f"  {count:,} {name}", style="bold red")
    if now.state == "connected":
        text.append(f"  {rate:,.0f} samples/s")
    text.append(f"  {now.reason or url}", style="dim")
    return text


def summary(last: ProducerStatistics) -> str:
    """How it went, in one line."""
    text = f"sent {last.sent:,} sample{'s' if last.sent != 1 else ''}, {last.acknowledged:,} acknowledged"
    lost = {"rejected": last.rejected, "dropped": last.dropped, "left unsent": last.unsent}
    return text + "".join(f", {count:,} {name}" for name, count in lost.items() if count)


class _Connection(ProgressColumn):
    """Why a bar stands still."""

    def __init__(self, statistics: Callable[[], ProducerStatistics]) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis", ratio=1))
        self._statistics = statistics

    def render(self, task: Task) -> Text:
        now = self._statistics()
        text = state(now)
        if now.reason:
            text.append(f"  {now.reason}", style="dim")
        return text


def progress_bar(statistics: Callable[[], ProducerStatistics], **options: object) -> Progress:
    """Of a file; it ends with the state of the connection. The options are those of rich's Progress."""
    return Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", max_width=30)),
        BarColumn(BAR_WIDTH, complete_style="cyan", finished_style="cyan", pulse_style="cyan"),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        _Connection(statistics),
        expand=True,
        transient=True,
        **options,  # type: ignore[arg-type]  # of Progress, by tests
    )
