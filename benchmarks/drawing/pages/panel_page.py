"""As Panel's own documentation streams: Bokeh's plots in panes, and a periodic callback of the visitor's."""

import sys

import panel

from benchmarks.drawing.held import EVERY_MS, PANELS
from benchmarks.drawing.load import feeding
from benchmarks.drawing.pages.bokeh_plots import Plots, held


def page() -> panel.GridBox:
    plots = Plots()
    panel.state.add_periodic_callback(plots.refresh, period=EVERY_MS)
    return panel.GridBox(*[panel.pane.Bokeh(figure) for figure in plots.figures], ncols=3)


with feeding(PANELS, held.sink):
    panel.serve(page, port=int(sys.argv[1]), address="127.0.0.1", show=False)
