"""examples/vue in a browser: live values, a cut and the way back, and nothing left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import WebSocket

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import REFUSED, WIDE, Server, Site, View
from tests.e2e.elsewhere import serving_pages
from tests.e2e.test_browser_access import PHONE, THEMES, dress, violations
from tests.e2e.wire import sample

EXAMPLE = Path(__file__).parents[2] / "examples/vue"
STATE = "(state) => document.querySelector('.state')?.textContent === state"
CARD = (
    "(text) => [...document.querySelectorAll('.card')].some((card) => card.innerText.split(/\\s+/).join(' ') === text)"
)
TIMERS = """
window.running = new Set();
const [begin, end] = [setInterval, clearInterval];
window.setInterval = (...all) => { const timer = begin(...all); running.add(timer); return timer; };
window.clearInterval = (timer) => { running.delete(timer); end(timer); };
"""
UNMOUNT = "() => document.querySelector('#app').__vue_app__.unmount()"


@pytest.fixture
def example(site: Site, server: Server) -> Iterator[str]:
    """Its URL, told where this test's dashboard and broadcaster are."""

    def content(path: str) -> str | None:
        file = EXAMPLE / path
        return file.read_text().replace("http://127.0.0.1:8050/", site.url) if file.is_file() else None

    with serving_pages(content) as url:
        yield f"{url}?broadcaster={server.url}"


@pytest.fixture
def sockets(view: View) -> list[WebSocket]:
    """All that the page opens."""
    opened: list[WebSocket] = []
    view.page.on("websocket", lambda each: opened.append(each))
    return opened


def load(host: str, value: float) -> dict[str, object]:
    return sample("host.load", value, tags={"host": host}, unit="%")


def test_cards_are_live_and_can_be_filtered(example: str, publisher: Publisher, view: View) -> None:
    publisher.publish(load("web-1", 1.5), load("web-2", 20))
    view.page.goto(example)
    view.until(CARD, "host.load web-1 1.5 %")
    publisher.publish(load("web-1", 2.5), sample("shop.requests", 1.0))
    view.until(CARD, "host.load web-1 2.5 %")
    view.until(STATE, "Live")
    assert view.page.locator(".card").count() == 2
    assert view.js("() => document.querySelector('.card path').getAttribute('d')").count("L") == 1
    for theme in THEMES:
        dress(view, theme, PHONE)
        assert violations(view) == []
    view.page.fill("input", "web-2")
    view.until("document.querySelectorAll('.card').length === 1")
    view.page.fill("input", "nothing")
    view.until("document.querySelector('.empty')")


def test_a_cut_is_told_and_so_is_coming_back(
    example: str, server: Server, backstage: Backstage, publisher: Publisher, view: View
) -> None:
    view.expect_in_console(REFUSED)
    publisher.publish(load("web-1", 1.5))
    view.page.goto(example)
    view.until(CARD, "host.load web-1 1.5 %")
    server.stop()
    view.until("document.querySelector('.notice button')")
    assert view.text(".state") in ("Reconnecting", "Cannot connect")
    for theme, size in zip(THEMES, (PHONE, WIDE), strict=True):
        dress(view, theme, size)
        assert violations(view) == [], (theme, size)
    server.start()
    view.js("() => document.querySelector('.notice button')?.click()")
    view.until(STATE, "Live")
    again = Publisher(backstage, server.url)
    again.publish(load("web-1", 3.5))
    view.until(CARD, "host.load web-1 3.5 %")
    again.close()


def test_nothing_is_left_of_it(example: str, publisher: Publisher, sockets: list[WebSocket], view: View) -> None:
    view.page.add_init_script(TIMERS)
    publisher.publish(load("web-1", 1.5))
    view.page.goto(example)
    view.until(CARD, "host.load web-1 1.5 %")
    assert [each.is_closed() for each in sockets] == [False]
    assert view.js("() => running.size") > 0
    with sockets[0].expect_event("close"):
        view.js(UNMOUNT)
    view.page.wait_for_timeout(1500)  # longer than the first wait of a reconnect
    assert len(sockets) == 1
    assert view.js("() => running.size") == 0


def test_opened_anew_it_knows_nothing_of_before(example: str, publisher: Publisher, view: View) -> None:
    publisher.publish(load("web-1", 1.5))
    view.page.goto(example)
    view.until(CARD, "host.load web-1 1.5 %")
    url = example.partition("broadcaster=")[2]
    opened = view.js(
        """(url) => {
            const live = document.querySelector('#app').__vue_app__.config.globalProperties.$pinia._s.get('live');
            live.lost = 7;
            live.open(url, { select: 'shop.*' });
            return [live.series.length, live.shown.length, live.lost];
        }""",
        url,
    )
    assert opened == [0, 0, 0]
    publisher.publish(sample("shop.requests", 3.0))
    view.until(CARD, "shop.requests 3")
    assert view.page.locator(".card").count() == 1
