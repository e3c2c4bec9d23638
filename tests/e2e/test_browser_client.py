"""The browser client in pages of another site, as its documentation shows them."""

import re
from pathlib import Path
from urllib.request import urlopen

import dashboard
from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.elsewhere import serving_pages
from tests.e2e.wire import sample

DOCUMENT = (Path(__file__).parents[2] / "docs/browser-client.md").read_text()
FILES = sorted((Path(dashboard.__file__).parent / "assets/client").glob("*.js"))
VALUES = "(text) => document.querySelector('#values').textContent === text"


def documented(kind: str, site: Site, server: Server) -> str:
    """The first block of that kind, at the addresses of this test."""
    match = re.search(rf"^```{kind}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert match
    replaced = match[1].replace("http://127.0.0.1:8050/", site.url).replace("ws://127.0.0.1:8765", server.url)
    assert replaced != match[1]
    return replaced


def test_the_documented_page_shows_what_is_published(
    server: Server, site: Site, publisher: Publisher, view: View
) -> None:
    page = documented("html", site, server)
    publisher.publish(sample("host.load", 1.5, tags={"host": "web-1"}), sample("other", 1.0))
    with serving_pages({"index.html": page, "favicon.ico": ""}.get) as url:
        view.page.goto(url)
        view.until(VALUES, "host.load web-1 1.5 ")
        view.until("document.querySelector('#state').textContent === 'live'")
        publisher.publish(sample("host.load", 2.5, tags={"host": "web-1"}))
        view.until(VALUES, "host.load web-1 2.5 ")


def test_the_documented_transport_carries_it(server: Server, site: Site, publisher: Publisher, view: View) -> None:
    script = documented("js", site, server) + "window.client = client;\n"
    publisher.publish(sample("host.load", 1.5))
    with serving_pages({"index.html": f'<script type="module">{script}</script>', "favicon.ico": ""}.get) as url:
        view.page.goto(url)
        view.until("window.client?.find('host.load')?.ring.lastValue === 1.5")
        with view.page.expect_console_message(lambda message: message.text.endswith(" characters")):
            server.stop()
        view.expect_in_console("ERR_CONNECTION_REFUSED")
        view.until("['reconnecting', 'cannot connect'].includes(client.state)")
        view.js("() => client.close()")


def test_its_files_are_for_every_site(site: Site) -> None:
    for path in FILES:
        with urlopen(f"{site.url}client/{path.name}") as response:
            assert response.read() == path.read_bytes()
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers.get_content_type() == "text/javascript"


def test_its_files_import_only_each_other() -> None:
    names = {f"./{path.name}" for path in FILES}
    for path in FILES:
        assert set(re.findall(r"from '(.+?)'", path.read_text())) <= names, path
