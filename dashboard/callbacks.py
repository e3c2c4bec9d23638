"""From Dash's controls to the page's modules. All of it runs in the browser: the server is never asked again."""

from collections.abc import Callable

from dash import Dash, Input, Output

from dashboard import ids

# The modules may not be there yet when Dash first calls, so the newest choice is also left where they will look.
CONTROLS = """
function (clicks, windowS, filter) {
    const paused = (clicks || 0) % 2 === 1;
    window.streamgaugeControls = { paused, windowS: Number(windowS), filter: filter || '' };
    document.dispatchEvent(new CustomEvent('streamgauge:controls'));
    return [paused ? 'Resume' : 'Pause', String(paused)];
}
"""


def register(app: Dash) -> None:
    add: Callable[..., None] = app.clientside_callback
    add(
        CONTROLS,
        Output(ids.PAUSE, "children"),
        Output(ids.PAUSE, "aria-pressed"),
        Input(ids.PAUSE, "n_clicks"),
        Input(ids.WINDOW, "value"),
        Input(ids.FILTER, "value"),
    )
