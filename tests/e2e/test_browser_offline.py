"""No page needs anybody but its dashboard and the broadcaster: no CDN, no fonts of others, no telemetry."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.backstage import Backstage
from tests.e2e.browsing import Server, Site, View
from tests.e2e.stages import Stage, write_boards

PAGES = {
    "": ".panel",
    "connections": ".line",
    "embed?metric=shop.requests": ".panel",
    "?kiosk=1": ".panel",
    "?dashboard=floor": ".panel",
    "?dashboard=kinds": ".rank",
    "?dashboard=missing": ".board-note",
}
LOCAL = ("data", "blob")


@pytest.fixture
def asked(view: View) -> set[str]:
    """Every URL that the page asks for, by whatever means."""
    urls: set[str] = set()
    view.page.on("request", lambda request: urls.add(request.url))
    view.page.on("websocket", lambda socket: urls.add(socket.url))
    return urls


def of_others(urls: set[str], known: set[str]) -> list[str]:
    return sorted(url for url in urls if urlsplit(url).scheme not in LOCAL and urlsplit(url).netloc not in known)


def test_every_page_asks_its_dashboard_and_the_broadcaster_only(
    server: Server, site: Site, view: View, backstage: Backstage, asked: set[str], tmp_path: Path
) -> None:
    view.expect_in_console("404|dashboards/missing")
    write_boards(tmp_path)
    url = site.serve(server.url.removesuffix("/v1/stream"), STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))
    stage = Stage(view, url, server, backstage)
    stage.fill()
    known = {urlsplit(url).netloc, *server.addresses}
    for path, seen in PAGES.items():
        asked.clear()
        stage.open(path, painted=None)
        view.page.wait_for_selector(seen)
        assert {urlsplit(each).netloc for each in asked} >= {urlsplit(url).netloc, server.addresses[0]}, path
        assert of_others(asked, known) == [], path


def test_what_the_policy_refuses_would_be_seen(server: Server, site: Site, view: View, asked: set[str]) -> None:
    view.expect_in_console("Content Security Policy|ERR_")
    view.open(site.url)
    image = "http://cdn.test/a.png"
    with view.page.expect_event("requestfailed", lambda request: request.url == image):
        view.js("(src) => { document.body.append(Object.assign(new Image(), { src })); }", image)
    assert of_others(asked, {urlsplit(site.url).netloc, *server.addresses}) == [image]
