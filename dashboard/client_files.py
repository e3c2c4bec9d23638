"""`/client/streamgauge.js`: the browser client, for pages of other sites too."""

from pathlib import Path

from flask import Flask, Response, send_from_directory

FILES = Path(__file__).parent / "assets" / "client"
FOR_EVERYBODY = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def register(server: Flask) -> None:
    """Adds the route to the dashboard's Flask application."""
    server.add_url_rule("/client/<name>", "client", client_file)


def client_file(name: str) -> Response:
    response = send_from_directory(FILES, name, mimetype="text/javascript", max_age=0)
    response.headers.update(FOR_EVERYBODY)
    return response
