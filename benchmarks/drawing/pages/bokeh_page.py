"""As Bokeh's own documentation streams: a source for each plot, a periodic callback, `stream` with a rollover."""

import sys

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.layouts import gridplot
from bokeh.server.server import Server

from benchmarks.drawing.held import EVERY_MS, PANELS
from benchmarks.drawing.load import feeding
from benchmarks.drawing.pages.bokeh_plots import Plots, held


def page(document: Document) -> None:
    plots = Plots()
    document.add_root(gridplot(plots.figures, ncols=3, toolbar_location=None))
    document.add_periodic_callback(plots.refresh, EVERY_MS)


with feeding(PANELS, held.sink):
    server = Server({"/": Application(FunctionHandler(page))}, port=int(sys.argv[1]), address="127.0.0.1")
    server.start()
    server.io_loop.start()
