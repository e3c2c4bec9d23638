from dash import html
from dash.development.base_component import Component

from dashboard import ids, panels
from dashboard.config import DashboardConfig


def page(config: DashboardConfig) -> Component:
    """The whole page. `#panels` is filled by the modules in `assets/`; Dash never touches its inside again."""
    skip = html.A("Skip to the panels", href=f"#{ids.MAIN}", className="skip")
    header = html.Header([html.H1(config.title), panels.navigation(), panels.controls(config)], className="top")
    return html.Div(
        [
            skip,
            header,
            panels.health_bar(),
            html.Section(id=ids.BANNER, className="banner", hidden=True, **panels.attributes(aria_label="Notice")),
            html.Main(
                [
                    panels.empty_state(),
                    html.H2("Panels", className="panels-title visually-hidden"),
                    html.Div(id=ids.PANELS),
                    html.Div(id=ids.CONNECTIONS, hidden=True),
                ],
                id=ids.MAIN,
                tabIndex="-1",
            ),
            html.Div(id=ids.SCRATCH, hidden=True),
        ],
        id=ids.APP,
    )
