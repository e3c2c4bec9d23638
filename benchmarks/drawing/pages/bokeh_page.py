"""As Bokeh's own documentation streams: a source for each plot, a periodic callback, `stream` with a rollover."""

import sys
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from bokeh.server.server import Server

from benchmarks.drawing.held import EVERY_MS, PANELS, POINTS, Held
from benchmarks.drawing.load import feeding

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


def page(document: Document) -> None:
    sources = [ColumnDataSource(columns(panel, 0), name=f"panel{panel}") for panel in range(PANELS.panels)]
    newest = [max(source.data["time"], default=0.0) for source in sources]
    document.add_root(gridplot([plot(source) for source in sources], ncols=3, toolbar_location=None))

    def refresh() -> None:
        for panel, source in enumerate(sources):
            new = columns(panel, newest[panel])
            if new["time"]:
                newest[panel] = new["time"][-1]
                source.stream(new, rollover=POINTS)

    document.add_periodic_callback(refresh, EVERY_MS)


with feeding(PANELS, held.sink):
    server = Server({"/": Application(FunctionHandler(page))}, port=int(sys.argv[1]), address="127.0.0.1")
    server.start()
    server.io_loop.start()
