"""Lines are hidden and seen alone, by pointer and by keyboard, and a link says which."""

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View
from tests.e2e.wire import sample

LINES = ("a", "b", "c")
SHOWN = """(metric) => [...document.querySelectorAll(`[data-metric='${metric}'] .entry`)]
    .filter((each) => each.getAttribute('aria-pressed') === 'true')
    .map((each) => each.querySelector('.entry-label').textContent).join('')"""
DRAWN = """(metric) => ['a', 'b', 'c', 'd'].filter((line) => streamgauge.painted(metric, { line })).join('')"""


@pytest.fixture
def lines(live: View, publisher: Publisher) -> View:
    for metric in ("leg.one", "leg.two"):
        publisher.publish(*[sample(metric, float(at), tags={"line": line}) for at, line in enumerate(LINES)])
        live.until_painted(metric, 1, line="c")
    return live


def until_shown(view: View, metric: str, lines: str) -> None:
    """In the legend, and on the screen."""
    view.until(f"([metric, lines]) => ({SHOWN})(metric) === lines && ({DRAWN})(metric) === lines", [metric, lines])


def test_a_click_hides_and_a_double_click_isolates(lines: View) -> None:
    b = lines.entry("leg.one", {"line": "b"})
    lines.page.click(b)
    until_shown(lines, "leg.one", "ac")
    lines.page.click(b)
    until_shown(lines, "leg.one", "abc")
    lines.page.dblclick(b)
    until_shown(lines, "leg.one", "b")
    until_shown(lines, "leg.two", "abc")
    lines.page.dblclick(b)
    until_shown(lines, "leg.one", "abc")
    lines.page.click(lines.entry("leg.one", {"line": "a"}))
    lines.page.dblclick(lines.entry("leg.one", {"line": "c"}))
    until_shown(lines, "leg.one", "c")
    lines.page.click(b)
    until_shown(lines, "leg.one", "bc")


def test_the_keyboard_does_the_same(lines: View) -> None:
    lines.page.focus(lines.entry("leg.one", {"line": "b"}))
    lines.page.keyboard.press("Enter")
    until_shown(lines, "leg.one", "ac")
    lines.page.keyboard.press("Enter")
    lines.page.keyboard.press("Shift+Enter")
    until_shown(lines, "leg.one", "b")
    lines.page.keyboard.press("Shift+Enter")
    until_shown(lines, "leg.one", "abc")
    entry = lines.page.locator(lines.entry("leg.one", {"line": "b"}))
    assert entry.get_attribute("aria-keyshortcuts") == "Shift+Enter"
    assert "this line alone" in (entry.get_attribute("title") or "")


def test_a_link_shows_the_same_lines(lines: View, publisher: Publisher) -> None:
    lines.page.click(lines.entry("leg.one", {"line": "a"}))
    lines.page.dblclick(lines.entry("leg.two", {"line": "c"}))
    until_shown(lines, "leg.two", "c")
    assert len(lines.js("location.search")) < 40
    lines.page.reload()
    lines.until("window.streamgauge?.painted('leg.two', { line: 'c' })")
    until_shown(lines, "leg.one", "bc")
    until_shown(lines, "leg.two", "c")
    publisher.publish(*[sample(metric, 9.0, tags={"line": "d"}) for metric in ("leg.one", "leg.two")])
    until_shown(lines, "leg.one", "bcd")
    until_shown(lines, "leg.two", "c")
    lines.page.dblclick(lines.entry("leg.two", {"line": "c"}))
    lines.page.click(lines.entry("leg.one", {"line": "a"}))
    until_shown(lines, "leg.two", "abcd")
    lines.until("location.search === ''")


def test_a_crowded_legend_is_whole_once_it_rests_in_sight(live: View, publisher: Publisher) -> None:
    names = [f"{number:02}" for number in range(40)]
    publisher.publish(*[sample("many.value", 1.0, tags={"i": name}) for name in names])
    live.until_painted("many.value", 1, i="39")
    live.until("document.querySelector('.legend.crowded.laid')")
    entry = live.page.locator(live.entry("many.value", {"i": "39"}))
    entry.scroll_into_view_if_needed()
    entry.click()
    live.until("streamgauge.painted('many.value', { i: '39' }) === null")
