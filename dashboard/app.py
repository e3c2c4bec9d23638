import gzip
import json
import logging
from functools import cache
from importlib.resources import files

import dash
from dash.exceptions import DependencyException
from flask import Flask, Response, request

from broadcaster.origins import is_loopback
from dashboard import boards_http, callbacks, client_files, ids, layout
from dashboard.config import DashboardConfig
from dashboard.policy import BESIDE, HSTS, Policy, hostname
from dashboard.shelf import Shelf
from dashboard.signin.routes import Entrance

log = logging.getLogger("streamgauge.dashboard")

# The smallest of Plotly's own bundles that has what is drawn; the Python package brings only one four times as large.
PLOTLY = "plotly-basic-4.1.1.min.js"
PLOTLY_PATH = f"/vendor/{PLOTLY}"
PAGES = ("/connections", "/embed")  # beside "/": what the page's modules show there is theirs to know
FOREVER = "public, max-age=31536000, immutable"  # the version is in the path

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
{%css%}
<script type="application/json" id="CONFIG_ID">CONFIG_JSON</script>
<script defer src="PLOTLY_PATH"></script>
<script type="module" src="/assets/main.js"></script>
</head>
<body>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
"""


def create_app(config: DashboardConfig) -> dash.Dash:
    """A Dash app of its own for each call; `app.server` is its Flask application."""
    app = dash.Dash(
        "dashboard",
        title=config.title,
        update_title="",
        add_log_handler=False,  # what it logs goes where everything does
        index_string=index(config),
        # The page's modules import each other; Dash would include them as plain scripts.
        assets_ignore=r".*\.js$",
    )
    app.layout = layout.page(config)
    callbacks.register(app)
    server: Flask = app.server
    server.add_url_rule("/healthz", "healthz", healthz)
    server.add_url_rule(PLOTLY_PATH, "plotly", plotly_script)
    client_files.register(server)
    for path in PAGES:
        server.add_url_rule(path, path, app.index)
    server.view_functions["/<path:path>"] = not_found  # Dash would answer any path with its page
    server.view_functions["/_dash-update-component"] = nothing_to_call
    server.register_error_handler(DependencyException, no_such_file)
    shelf = Shelf.at(config.dashboards)
    for problem in shelf.everything()[1]:
        log.warning("not read as a dashboard: %s", problem)
    boards_http.register(server, shelf, config.doorkeeper())
    if config.signs_in:
        Entrance(server, config, ("/", *PAGES))
    server.after_request(close_unused)
    protect(server, Policy(app.csp_hashes(), (config.broadcaster, config.broadcaster_http), config.embed_from))
    return app


def protect(server: Flask, policy: Policy) -> None:
    """Every answer says what a browser may do with it."""

    def protected(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy.of(request.path, hostname(request.host))
        response.headers.update(BESIDE)
        if request.scheme == "https" and not is_loopback(hostname(request.host).strip("[]")):
            response.headers.update(HSTS)
        return response

    server.after_request(protected)


def close_unused(response: Response) -> Response:
    """Flask opens the file of an answer without a body too (304, HEAD), and leaves closing it to chance."""
    if request.method == "HEAD" or response.status_code == 304:
        response.close()
        response.response = []
    return response


def index(config: DashboardConfig) -> str:
    text = INDEX.replace("CONFIG_ID", ids.CONFIG).replace("PLOTLY_PATH", PLOTLY_PATH)
    return text.replace("CONFIG_JSON", page_config(config))


def page_config(config: DashboardConfig) -> str:
    """JSON that is safe inside a script element and inside Dash's template."""
    wanted = config.model_dump(
        mode="json", include={"broadcaster", "broadcaster_http", "window_s", "points_max", "forget_s"}
    )
    wanted["signin"] = config.signs_in
    return json.dumps(wanted).replace("<", "\\u003c").replace("%", "\\u0025")


def not_found(path: str) -> Response:
    return Response(f"/{path}: no such page\n", 404, mimetype="text/plain", headers={"Cache-Control": "no-store"})


def nothing_to_call() -> Response:
    """Dash answers whatever is posted here by running a callback, and this page has none that its server would run."""
    return not_found("_dash-update-component")


def no_such_file(error: Exception) -> Response:
    """Dash lets a request for a file that no component has end as an error of the server's."""
    return not_found(request.path.removeprefix("/"))


def healthz() -> Response:
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})


def plotly_script() -> Response:
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    if request.accept_encodings.quality("gzip") > 0:
        body, headers["Content-Encoding"] = compressed_plotly(), "gzip"
    else:
        body = plotly_bytes()
    return Response(body, mimetype="text/javascript", headers=headers)


@cache
def plotly_bytes() -> bytes:
    """Once for all: an answer is in memory until it is taken."""
    return gzip.decompress(compressed_plotly())


@cache
def compressed_plotly() -> bytes:
    return (files("dashboard") / "vendor" / f"{PLOTLY}.gz").read_bytes()
