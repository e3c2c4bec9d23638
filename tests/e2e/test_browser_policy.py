"""What a browser does with the page's Content-Security-Policy. That no page breaks its own is part of every other test:
a violation is an error in the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.e2e.browsing import Server, Site, View

REFUSED = "Content Security Policy"
WAYS = {
    "inline": "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)",
    "handler": "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.ran = 1\">')",
    "evaluated": "setTimeout('window.ran = 1')",
}
FETCH = "async (url) => { try { await fetch(url); return 'fetched'; } catch (error) { return error.name; } }"


@contextmanager
def stranger(framed: str) -> Iterator[str]:
    """The URL of a page of another site that shows this one in a frame."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<!DOCTYPE html><iframe src="{framed}" width=800 height=400></iframe>'.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_what_is_put_into_the_page_does_not_run(server: Server, site: Site, view: View) -> None:
    view.expect_in_console(REFUSED)
    view.open(site.url)
    for way, script in WAYS.items():
        view.js(f"() => {{ {script}; }}")
        view.page.wait_for_timeout(200)
        assert view.js("window.ran") is None, way


def test_nothing_is_sent_to_anybody_else(server: Server, site: Site, view: View) -> None:
    view.expect_in_console(REFUSED)
    view.open(site.url)
    with stranger(site.url) as elsewhere:
        assert view.js(FETCH, elsewhere.replace("localhost", "127.0.0.1")) == "TypeError"
    assert view.complaints == []


def test_other_sites_show_a_panel_but_not_the_page(server: Server, site: Site, view: View) -> None:
    view.expect_in_console(f"{REFUSED}|chrome-error|X-Frame-Options")
    with stranger(f"{site.url}embed?metric=broadcaster.series") as elsewhere:
        view.page.goto(elsewhere)
        frame = view.page.frame_locator("iframe")
        frame.locator(".panel").first.wait_for(timeout=15_000)
    with stranger(site.url) as elsewhere:
        view.page.goto(elsewhere)
        view.page.wait_for_timeout(500)
        assert [frame.url for frame in view.page.frames[1:]] == ["chrome-error://chromewebdata/"]
