"""The keyboard does everything, and what changes is said to those who do not see it."""

import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import REFUSED, Server, Site, View, series
from tests.e2e.test_browser_reconnect import until_live_again
from tests.e2e.wire import sample

ONE_ROW = 1440 // 420


@pytest.fixture
def four(live: View, publisher: Publisher) -> View:
    """A page with panels in two rows."""
    for metric in ("a.one", "a.two", "a.three", "a.zour"):
        publisher.publish(*series(metric, 100, back_s=50, step_s=0.5))
        live.until_painted(metric, 100)
    return live


def press(view: View, *keys: str) -> None:
    for key in keys:
        view.page.keyboard.press(key)


def focused(view: View) -> str:
    """The metric of the panel that has the focus itself."""
    return str(view.js("document.activeElement.dataset.metric ?? ''"))


def test_time_by_keyboard(four: View) -> None:
    press(four, "Space")
    four.until("streamgauge.view.state === 'paused'")
    press(four, "Space")
    four.until("streamgauge.view.state === 'live'")
    press(four, "ArrowRight")
    press(four, "ArrowLeft")
    four.until("streamgauge.view.state === 'looking back'")
    first = four.js("streamgauge.view.range")
    assert first["to"] - first["from"] == pytest.approx(60, abs=0.1)
    assert first["to"] == pytest.approx(time.time() - 15, abs=3), "a quarter of what is shown"
    press(four, "+")
    four.until("(from) => streamgauge.view.range.from > from + 10", first["from"])
    near = four.js("streamgauge.view.range")
    assert near["to"] - near["from"] == pytest.approx(30, abs=0.1)
    press(four, "-")
    four.until("streamgauge.view.range.to - streamgauge.view.range.from > 59")
    press(four, "l")
    four.until("streamgauge.view.state === 'live'")
    press(four, "ArrowLeft", "Escape")
    four.until("streamgauge.view.state === 'live' && location.search === ''")
    for key, seconds in (("1", 10), ("4", 300), ("7", 0), ("3", 60)):
        press(four, key)
        four.until("(seconds) => streamgauge.view.windowS === seconds", seconds)


def test_panels_by_keyboard(four: View) -> None:
    order = four.js("[...document.querySelectorAll('.panel')].map((each) => each.dataset.metric)")
    assert len(order) == 4
    seen = []
    for _ in range(5):
        press(four, "j")
        seen.append(focused(four))
        assert four.js("getComputedStyle(document.activeElement).outlineWidth") == "2px"
    assert seen == [*order, order[-1]]
    press(four, "k")
    assert focused(four) == order[2]
    press(four, "k", "k", "ArrowDown")
    assert focused(four) == order[ONE_ROW], "the one below"
    press(four, "ArrowUp")
    assert focused(four) == order[0]
    press(four, "f")
    four.until("document.querySelector('.panel.is-full')?.dataset.metric === 'a.one'")
    press(four, "f")
    four.until("!document.querySelector('.panel.is-full')")
    press(four, "j", "m")
    four.until("(label) => document.querySelector('.menu:popover-open')?.ariaLabel === label", order[1])
    press(four, "Escape")
    four.until("!document.querySelector('.menu:popover-open')")
    assert four.js("streamgauge.view.state") == "live"


def test_typing_is_typing(four: View) -> None:
    press(four, "/")
    four.until("document.activeElement.id === 'filter'")
    four.page.keyboard.type("t 1?jc")
    assert four.page.input_value("#filter") == "t 1?jc"
    assert four.js("location.pathname") == "/"
    assert not four.page.locator(".help").is_visible()
    press(four, "Control+a", "Delete")
    four.page.keyboard.type("two")
    four.until("document.querySelectorAll('.panel:not([hidden])').length === 1")
    press(four, "Escape")
    four.until("document.activeElement === document.body")
    press(four, "j", "Control+c", "Alt+t", "Meta+e", "Shift+T")
    assert four.js("location.pathname") == "/"
    assert four.js("document.documentElement.dataset.theme ?? ''") == ""


def test_a_button_keeps_its_own_keys(four: View) -> None:
    four.page.focus("#theme")
    press(four, "Space")
    four.until("document.documentElement.dataset.theme === 'dark'")
    assert four.js("streamgauge.view.state") == "live", "Space pressed the button"
    press(four, "t", "t")
    four.until("document.documentElement.dataset.theme === undefined")
    four.page.focus("#window input:checked")
    press(four, "ArrowRight")
    four.until("streamgauge.view.windowS === 300")
    assert four.js("streamgauge.view.state") == "live", "the arrow chose a window"


def test_pages_by_keyboard(server: Server, publisher: Publisher, site: Site, view: View, tmp_path: Path) -> None:
    publisher.publish(*series("a.one", 10))
    view.open(site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path)))
    view.until_painted("a.one", 10)
    press(view, "c")
    view.until("location.pathname === '/connections'")
    press(view, "Space", "j", "ArrowLeft", "/", "w")  # of the dashboard only
    assert view.js("streamgauge.view.state") == "live"
    assert view.js("location.pathname + location.search") == "/connections"
    press(view, "d")
    view.until("location.pathname === '/'")
    press(view, "w")
    view.until("document.documentElement.hasAttribute('data-kiosk')")
    press(view, "Escape")
    view.until("!document.documentElement.hasAttribute('data-kiosk')")
    view.until("document.querySelector('#edit').checkVisibility()")
    press(view, "e")
    view.until("document.querySelector('.edit-bar').checkVisibility()")
    view.page.keyboard.type("c")
    assert view.page.input_value(".board-title") == "c"
    assert view.js("location.pathname") == "/"


KEYS = {"\u2212", "Space", "Esc", *"←→↑↓+/?19LJKFMEDCWTA"}


def test_the_help_lists_every_key_and_has_them(four: View) -> None:
    press(four, "?")
    four.until("document.querySelector('.help').open")
    assert set(four.page.locator(".help kbd").all_inner_texts()) >= KEYS
    assert four.page.locator(".help h3").all_inner_texts() == ["Time", "Panels", "Pages", "What is drawn"]
    press(four, "c")
    assert four.js("location.pathname") == "/", "a dialog has the keys"


def test_letters_can_be_turned_off(four: View) -> None:
    press(four, "?")
    four.until("document.querySelector('.help').open")
    four.page.click(".help-switch")
    press(four, "Escape")
    four.until("!document.querySelector('.help').open")
    press(four, "c", "?")
    assert four.js("location.pathname") == "/"
    assert not four.page.locator(".help").is_visible()
    four.page.reload()
    four.until_painted("a.one", 100)
    press(four, "ArrowLeft")
    four.until("streamgauge.view.state === 'looking back'")
    press(four, "Escape")
    four.until("streamgauge.view.state === 'live'")
    press(four, "t")
    assert four.js("document.documentElement.dataset.theme ?? ''") == ""
    four.page.click("#help")
    four.page.click(".help-switch")
    four.page.click(".help button")
    press(four, "t")
    four.until("document.documentElement.dataset.theme === 'dark'")
    press(four, "t", "t")
    assert four.js("document.activeElement.id") == "help", "where it was before"
    assert four.page.get_attribute("#pause", "aria-keyshortcuts") == "Space"


def test_the_first_tab_skips_the_header(four: View) -> None:
    press(four, "Tab")
    assert four.js("document.activeElement.className") == "skip"
    press(four, "Enter")
    four.until("document.activeElement.id === 'main'")
    press(four, "Tab")
    assert four.js("document.activeElement.closest('.panel')?.dataset.metric") == "a.one"


SPOKEN = """
window.spoken = [];
new MutationObserver(() => {
    for (const region of document.querySelectorAll('[aria-live]')) {
        if (region.dataset.watched) continue;
        region.dataset.watched = '1';
        new MutationObserver(() => {
            if (region.textContent) window.spoken.push([region.ariaLive, region.textContent, performance.now()]);
        }).observe(region, { childList: true, characterData: true, subtree: true });
    }
}).observe(document, { childList: true, subtree: true });
"""


def spoken(view: View) -> list[tuple[str, str]]:
    return [(how, text) for how, text, _ in view.js("window.spoken")]


def until_spoken(view: View, how: str, text: str) -> None:
    view.until("([how, text]) => window.spoken.some((each) => each[0] === how && each[1].includes(text))", [how, text])


def test_what_changes_is_said_and_samples_are_not(server: Server, publisher: Publisher, site: Site, view: View) -> None:
    view.expect_in_console(REFUSED)
    view.page.add_init_script(SPOKEN)
    view.open(site.url)
    until_spoken(view, "polite", "Connected, live.")
    for at in range(30):
        publisher.publish(sample("said.value", float(at)))
        view.page.wait_for_timeout(30)
    view.until_painted("said.value", 30)
    press(view, "Space")
    view.until("streamgauge.view.paused")
    until_spoken(view, "polite", "view paused")
    press(view, "l")
    until_spoken(view, "polite", "View live.")
    publisher.close()
    server.stop(signal.SIGKILL)
    until_spoken(view, "assertive", "Connection lost. Reconnecting.")
    server.start()
    until_live_again(view, 2)
    until_spoken(view, "polite", "Connected again, live.")
    said = view.js("window.spoken")
    assert len(said) <= 6, said
    polite = [when for how, _, when in said if how == "polite"]
    assert all(later - earlier >= 3900 for earlier, later in pairwise(polite)), "seldom"
    assert [text for how, text in spoken(view) if how == "assertive"] == ["Connection lost. Reconnecting."]


def test_a_panel_is_told_in_words(live: View, publisher: Publisher) -> None:
    now = time.time()
    for line, values in (("a", [1.0, 9.0, 4.0]), ("b", [100.0, 300.0, 200.0])):
        for at, value in enumerate(values):
            publisher.publish(sample("told.value", value, now - 3 + at, tags={"line": line}, unit="ms"))
    live.until_painted("told.value", 3, line="b")
    press(live, "j")
    assert focused(live) == "told.value"
    tree = live.page.locator(".panel").aria_snapshot()
    assert 'img "told.value"' in tree
    assert 'heading "told.value" [level=3]' in tree
    describing = live.js("document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent")
    lines = "a: 4 ms, from 1 ms to 9 ms. b: 200 ms, from 100 ms to 300 ms."
    assert describing.replace("\u202f", " ") == f"2 lines, the last 60 s. {lines}"
    publisher.publish(sample("told.value", 5.0, tags={"line": "a"}, unit="ms"))
    live.until_painted("told.value", 4, line="a")
    live.page.wait_for_timeout(1000)
    assert live.js("document.querySelector('.panel p').textContent") == describing, "not told anew with each sample"
    press(live, "Tab")
    live.until("document.querySelector('.panel p').textContent.includes('a: 5')")


def test_who_wants_calm_gets_it(publisher: Publisher, site: Site, view: View) -> None:
    publisher.publish(*series("calm.value", 50, back_s=30, step_s=0.5))
    view.page.emulate_media(reduced_motion="reduce")
    view.open(site.url)
    view.until_painted("calm.value", 50)
    edges = set()
    for _ in range(20):
        edges.add(view.js("streamgauge.panels()[0].to"))
        view.page.wait_for_timeout(60)
    assert all(edge == int(edge) for edge in edges)
    assert 1 < len(edges) <= 4, "once a second"
    publisher.publish(sample("calm.value", 7.0))
    begun = time.monotonic()
    view.until_painted("calm.value", 51)
    assert time.monotonic() - begun < 1, "what is new is seen at once"
    view.page.emulate_media(reduced_motion="no-preference")
    view.until("streamgauge.panels()[0].to % 1 !== 0")
