from dash import html
from dash.development.base_component import Component

from dashboard import ids, panels
from dashboard.config import DashboardConfig


def page(config: DashboardConfig) -> Component:
    """The whole page. `#panels` is filled by the modules in `assets/`; Dash never touches its inside again."""
    header = html.Header([html.H1(config.title), panels.navigation(), panels.controls(config)], className="top")
    return html.Div(
        [
            header,
            panels.health_bar(),
            html.Div(id=ids.BANNER, className="banner", hidden=True, role="alert"),
            html.Main([panels.empty_state(), html.Div(id=ids.PANELS), html.Div(id=ids.CONNECTIONS, hidden=True)]),
            html.Div(id=ids.SCRATCH, hidden=True),
        ],
        id=ids.APP,
    )
