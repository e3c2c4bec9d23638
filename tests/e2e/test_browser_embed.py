"""One panel in another page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View, series
from tests.e2e.test_browser_view import drag
from tests.e2e.wire import sample

BOARD = """\
title = "Shop"
window_s = 30

[[panels]]
metric = "shop.orders"

[[panels]]
title = "Slow"
metric = "shop.latency"
tags = { quantile = "p9*" }
height = 3
"""


@pytest.fixture
def url(site: Site, tmp_path: Path) -> str:
    (tmp_path / "shop.toml").write_text(BOARD)
    return site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))


def until_it_fits(view: View) -> None:
    """The plot has what the legend, the header and the line below leave of the window."""
    root = "document.documentElement"
    view.until(f"getComputedStyle(document.body).overflowY === 'hidden' && {root}.scrollWidth <= innerWidth")
    view.until("document.querySelector('.main-svg')?.getBoundingClientRect().height > innerHeight - 120")


def test_a_panel_of_a_dashboard(publisher: Publisher, url: str, view: View) -> None:
    publisher.publish(*[sample("shop.latency", 1.0, tags={"quantile": each}) for each in ("p50", "p95", "p99")])
    view.page.set_viewport_size({"width": 640, "height": 320})
    view.open(url + "embed?dashboard=shop&panel=1")
    view.until_painted("shop.latency", 1, quantile="p99")
    assert view.page.locator(".panel").count() == 1
    assert view.text(".panel-title") == "Slow"
    assert view.page.locator(".entry-label").all_inner_texts() == ["p95", "p99"]
    assert view.js("streamgauge.view.windowS") == 30
    until_it_fits(view)
    for hidden in ("header.top", ".figures", "#pause", "#empty", "#edit"):
        assert not view.page.locator(hidden).is_visible(), hidden
    assert view.page.locator(".state .dot").is_visible()
    link = view.page.get_attribute(".embed-link", "href")
    assert link == "/?dashboard=shop"
    view.page.goto(url + "embed?dashboard=shop&panel=7")
    view.page.wait_for_selector("text=There is no such panel.")


def test_a_metric_and_its_connection(server: Server, publisher: Publisher, site: Site, view: View) -> None:
    view.expect_in_console("WebSocket connection|ERR_CONNECTION_REFUSED")
    publisher.publish(*series("solo.value", 100, back_s=50, step_s=0.5), sample("other.value", 1.0))
    view.page.set_viewport_size({"width": 400, "height": 240})
    view.open(site.url + "embed?metric=solo.value&theme=dark")
    view.until_painted("solo.value", 100)
    assert view.page.locator(".panel").count() == 1
    until_it_fits(view)
    assert view.page.get_attribute(".embed-link", "href") == "/?filter=solo.value&theme=dark"
    drag(view, "solo.value", 0.25, 0.5)
    view.until("streamgauge.view.state === 'looking back'")
    assert "from=" in view.js("location.href")
    assert view.page.locator("#back-to-live").is_visible()
    view.page.click("#back-to-live")
    view.until("streamgauge.view.state === 'live'")
    server.stop()
    view.until("/reconnecting|cannot/.test(document.querySelector('#state').textContent)")
    assert view.page.locator("#state").is_visible()


@pytest.fixture
def blog() -> Iterator[Callable[[str], str]]:
    """Serves a page of another origin; gives its URL."""
    with ExitStack() as stack:

        def serve(body: str) -> str:
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), page_of(body)))
            thread = Thread(target=server.serve_forever, name="blog")
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/"

        yield serve


def page_of(body: str) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<!DOCTYPE html><link rel="icon" href="data:,">{body}'.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    return Page


def test_inside_a_page_of_somebody_else(
    publisher: Publisher, site: Site, view: View, blog: Callable[[str], str]
) -> None:
    publisher.publish(*series("solo.value", 100, back_s=50, step_s=0.5))
    view.page.goto(blog(f'<iframe src="{site.url}embed?metric=solo.value" width="640" height="320"></iframe>'))
    inner = view.page.frames[1]
    inner.wait_for_function("() => window.streamgauge?.painted('solo.value')?.samples >= 100", timeout=15_000)
    assert inner.locator(".panel").count() == 1
