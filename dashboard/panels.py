"""The parts of the page that stay: what moves inside them belongs to the modules in `assets/`."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.config import DashboardConfig

WINDOWS = {10.0: "10 s", 30.0: "30 s", 60.0: "1 min", 300.0: "5 min", 900.0: "15 min", 3600.0: "1 h", 0.0: "All"}
FIGURES = (
    ("rtt", "round trip"),
    ("latency", "sample to paint"),
    ("rate", "samples/s"),
    ("gaps", "gaps · lost"),
    ("skew", "clock skew"),
    ("producers", "producers"),
    ("subscribers", "subscribers"),
)


def navigation() -> Component:
    """The pages, the theme, the help, and a place for the picker of dashboards."""
    links = [
        html.A("Dashboard", id=ids.TO_DASHBOARD, href="/", className="tab"),
        html.A("Connections", id=ids.TO_CONNECTIONS, href="/connections", className="tab"),
    ]
    theme = html.Button(id=ids.THEME, className="button icon", **attributes(aria_label="Theme"))
    keys = html.Button("?", id=ids.HELP, className="button icon", title="Help", **attributes(aria_label="Help"))
    pages = html.Nav(links, className="tabs", **attributes(aria_label="Pages"))
    return html.Div([pages, html.Div(id=ids.BOARDS, className="boards"), keys, theme], className="navigation")


def controls(config: DashboardConfig) -> Component:
    return html.Div(
        [
            html.Label("Filter metrics", htmlFor=ids.FILTER, className="visually-hidden"),
            dcc.Input(
                id=ids.FILTER, type="search", placeholder="Filter metrics", value="", debounce=False, className="filter"
            ),
            window_select(config.window_s),
            html.Button("Pause", id=ids.PAUSE, n_clicks=0, className="button", **attributes(aria_pressed="false")),
        ],
        className="controls",
    )


def window_select(chosen_s: float) -> Component:
    """The usual windows, and the configured one if it is another."""
    windows = dict(WINDOWS)
    if chosen_s not in windows:
        windows = {chosen_s: f"{chosen_s:g} s", **windows}
    return dcc.RadioItems(
        id=ids.WINDOW,
        options=[{"label": label, "value": seconds} for seconds, label in windows.items()],
        value=chosen_s,
        className="segments",
        labelClassName="segment",
        inputClassName="segment-input",
    )


def health_bar() -> Component:
    figures = [figure(name, label) for name, label in FIGURES]
    state = html.Div(
        [
            html.Span(className="dot"),
            html.Span("connecting", id=ids.STATE),
            html.Button("Retry now", id=ids.RETRY, hidden=True, className="button small"),
            html.Button(
                "All figures",
                id=ids.MORE_FIGURES,
                className="more-figures",
                **attributes(aria_expanded="false", aria_controls=ids.FIGURES),
            ),
        ],
        className="state",
    )
    return html.Section(
        [state, html.Div(id=ids.MOMENT, className="moment"), html.Dl(figures, id=ids.FIGURES, className="figures")],
        id=ids.HEALTH,
        className="health",
        **attributes(data_state="connecting", aria_label="Connection health"),
    )


def figure(name: str, label: str) -> Component:
    first, _, rest = label.partition(" ") if name == "latency" else (label, "", "")
    words: list[Any] = [html.Span(f"{first} ", className="wide-only"), rest] if rest else [first]  # phones lack room
    return html.Div([html.Dt(words), html.Dd("\u2013", **attributes(data_health=name))], className="figure")


def attributes(**named: str) -> dict[str, Any]:
    """data_* and aria_* as HTML spells them."""
    return {name.replace("_", "-"): value for name, value in named.items()}


def empty_state() -> Component:
    """What a person sees before anything was published: how to publish."""
    example = html.Div(
        [html.Pre(html.Code(id=ids.EXAMPLE)), html.Button("Copy", id=ids.COPY, className="button small")],
        className="example",
    )
    return html.Section(
        [
            html.H2("Waiting for the first sample"),
            html.P("Panels appear here by themselves as soon as something is published. Try it from a shell:"),
            example,
        ],
        id=ids.EMPTY,
        className="empty",
        hidden=True,
    )
