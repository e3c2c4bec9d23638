"""As Dash's own documentation streams: an Interval, a callback, figures."""

import sys
from typing import Any

import dash
from dash import Input, Output, dcc, html

from benchmarks.drawing.held import EVERY_MS, PANELS, Held
from benchmarks.drawing.load import feeding

held = Held()
app = dash.Dash("dash_page")
STYLE = {"display": "grid", "gridTemplateColumns": "repeat(3, 1fr)"}
MARGIN = {"l": 50, "r": 10, "t": 10, "b": 30}


def figure(panel: int) -> dict[str, Any]:
    times, columns = held.panel(panel)
    layout = {"height": 240, "margin": MARGIN, "uirevision": "kept", "showlegend": False}
    return {"data": [{"type": "scatter", "mode": "lines", "x": times, "y": each} for each in columns], "layout": layout}


graphs = [dcc.Graph(id=f"panel{panel}") for panel in range(PANELS.panels)]
app.layout = html.Div([dcc.Interval(id="tick", interval=EVERY_MS), html.Div(graphs, style=STYLE)])


@app.callback([Output(f"panel{panel}", "figure") for panel in range(PANELS.panels)], Input("tick", "n_intervals"))
def refresh(_: int) -> list[dict[str, Any]]:
    return [figure(panel) for panel in range(PANELS.panels)]


with feeding(PANELS, held.sink):
    app.run(port=sys.argv[1], debug=False)
