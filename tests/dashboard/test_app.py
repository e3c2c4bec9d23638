import gzip
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import dashboard
from dashboard import ids
from dashboard.app import PLOTLY_PATH, create_app
from dashboard.config import DashboardConfig

ASSETS = Path(dashboard.__file__).parent / "assets"


def client(**settings: object) -> FlaskClient:
    browser: FlaskClient = create_app(DashboardConfig.model_validate(settings)).server.test_client()
    return browser


def test_apps_are_independent() -> None:
    first, second = create_app(DashboardConfig(title="One")), create_app(DashboardConfig(title="Two"))
    assert first.server is not second.server
    assert "<title>One</title>" in first.server.test_client().get("/").text
    assert "<title>Two</title>" in second.server.test_client().get("/").text


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = client().get("/").text
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page)
    for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page):
        assert address.startswith(("/", "data:"))


def test_what_the_page_names_is_served() -> None:
    http = client()
    for address in re.findall(r"<(?:script|link)[^>]+(?:src|href)=\"([^\"]+)\"", http.get("/").text):
        with http.get(address) as answer:
            assert answer.status_code == 200, address


def test_the_page_is_told_where_the_broadcaster_is() -> None:
    page = client(broadcaster="ws://metrics.example:9000", window_s=300).get("/").text
    match = re.search(rf'<script type="application/json" id="{ids.CONFIG}">(.*?)</script>', page)
    assert match
    told = json.loads(match[1])
    assert told["broadcaster"] == "ws://metrics.example:9000"
    assert told["window_s"] == 300


def test_modules_are_not_included_as_plain_scripts() -> None:
    page = client().get("/").text
    assert re.findall(r"<script[^>]*/assets/[^>]*>", page) == ['<script type="module" src="/assets/main.js">']
    assert "style.css" in page


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_plotly_is_served_from_here_and_cached(encoding: str) -> None:
    answer = client().get(PLOTLY_PATH, headers={"Accept-Encoding": encoding})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert answer.headers["Vary"] == "Accept-Encoding"
    text = gzip.decompress(answer.data) if encoding == "gzip" else answer.data
    assert b"plotly.js (basic - minified)" in text[:100]
    assert len(answer.data) < (400_000 if encoding == "gzip" else 1_200_000)


def test_modules_are_revalidated() -> None:
    http = client()
    with http.get("/assets/main.js") as answer:
        assert "no-cache" in answer.headers["Cache-Control"]
    assert http.get("/assets/main.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_healthz() -> None:
    answer = client().get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize("asset", sorted(filter(Path.is_file, ASSETS.rglob("*"))), ids=lambda path: path.name)
def test_assets_are_short_and_load_nothing_from_elsewhere(asset: Path) -> None:
    text = asset.read_text()
    assert len(text.splitlines()) <= 400
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)\w", text)
    assert "innerHTML" not in text


def test_an_unknown_path_is_told_plainly() -> None:
    for path in ("/nothing", "/connections/more", "/assets/nothing.js"):
        answer = client().get(path)
        assert answer.status_code == 404, path
    assert client().get("/nothing").text == "/nothing: no such page\n"
    assert client().get("/<b>").content_type.startswith("text/plain")


@pytest.mark.parametrize("path", ["/_dash-component-suites/dash/dcc/", "/_dash-component-suites/dash/../x.js"])
def test_dash_has_no_such_file_either(path: str) -> None:
    answer = client().get(path)
    assert (answer.status_code, answer.text) == (404, f"{path}: no such page\n")


def test_there_is_no_callback_to_be_called() -> None:
    assert client().post("/_dash-update-component", data="{").status_code == 404


def test_a_broken_dashboard_is_told_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "broken.toml").write_text("title = 3\n")
    client(dashboards=str(tmp_path))
    (told,) = caplog.messages
    assert told.startswith("not read as a dashboard: broken.toml:1: title: expected text")


def test_the_page_of_connections_is_the_same_page() -> None:
    http = client()
    assert http.get("/connections").status_code == 200
    assert len(http.get("/connections").text) == len(http.get("/").text)


def test_no_style_hangs_on_everything_in_the_page() -> None:
    """`:has()` on the root is looked at again with every change of the page: it once took half of the main thread."""
    found = [
        f"{sheet.name}: {rule}"
        for sheet in sorted(ASSETS.glob("*.css"))
        for rule in re.findall(r"^.*(?::root|html|body)[^\s,{>+~]*:has\(.*$", sheet.read_text("utf-8"), re.MULTILINE)
    ]
    assert found == []
