"""What Bokeh's and Panel's pages have in common: a source for each plot, and `stream` with a rollover."""

from typing import Any

from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from benchmarks.drawing.held import PANELS, POINTS, Held

held = Held()
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728")


def columns(panel: int, after: float) -> dict[str, list[float]]:
    times, values = held.panel(panel)
    first = sum(time <= after for time in times)
    return {"time": times[first:], **{f"line{at}": each[first:] for at, each in enumerate(values)}}


def plot(source: ColumnDataSource) -> Any:
    made = figure(width=600, height=240, toolbar_location=None)
    for line in range(PANELS.lines):
        made.line("time", f"line{line}", source=source, color=COLOURS[line])
    return made


class Plots:
    """The plots of one visitor."""

    def __init__(self) -> None:
        self._sources = [ColumnDataSource(columns(panel, 0), name=f"panel{panel}") for panel in range(PANELS.panels)]
        self._newest = [max(source.data["time"], default=0.0) for source in self._sources]
        self.figures = [plot(source) for source in self._sources]

    def refresh(self) -> None:
        for panel, source in enumerate(self._sources):
            new = columns(panel, self._newest[panel])
            if new["time"]:
                self._newest[panel] = new["time"][-1]
                source.stream(new, rollover=POINTS)
