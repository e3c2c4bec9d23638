"""Pages of another site than the dashboard's, for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


@contextmanager
def serving_pages(content: Callable[[str], str | None]) -> Iterator[str]:
    """The URL of a site that answers with the content of a path (`index.html` for none); None: 404."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].lstrip("/") or "index.html"
            text = content(path)
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", TYPES.get(path.rpartition(".")[2], "text/plain") + "; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
