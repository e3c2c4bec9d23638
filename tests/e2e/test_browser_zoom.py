"""Looking back: one range for all panels, in the URL, with a way back, and always said."""

import re

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View, series
from tests.e2e.test_browser_view import drag

METRICS = ("back.first", "back.second")
EDGES = "window.streamgauge.panels().map(({ from, to }) => [from, to])"
PATHS = "[...document.querySelectorAll('.sg-line')].map((path) => path.getAttribute('d'))"


@pytest.fixture
def two(live: View, publisher: Publisher) -> View:
    for metric in METRICS:
        publisher.publish(*series(metric, 500, back_s=50, step_s=0.1))
        live.until_painted(metric, 500)
    return live


def moment(view: View) -> str:
    return view.text("#moment .moment-text")


def until_looking_back(view: View) -> tuple[float, float]:
    view.until("streamgauge.view.state === 'looking back'")
    view.until(f"(({{ from, to }}) => {EDGES}.every(([a, b]) => a === from && b === to))(streamgauge.view.range)")
    view.until("!document.querySelector('#back-to-live').hidden")
    seen = view.js("streamgauge.view.range")
    return seen["from"], seen["to"]


def test_a_drag_on_one_panel_zooms_all(two: View) -> None:
    assert moment(two) == "view live"
    whole = two.panel("back.second")
    drag(two, "back.first", 0.5, 0.75)
    begin, end = until_looking_back(two)
    assert end - begin == pytest.approx((whole["to"] - whole["from"]) / 4, rel=0.05)
    assert re.fullmatch("looking back \\d\\d:\\d\\d:\\d\\d\u2013\\d\\d:\\d\\d:\\d\\d", moment(two))
    painted = [two.painted(metric) for metric in METRICS]
    for line in painted:
        assert line.times[1] >= begin > line.times[0], "one sample beyond the edge"
        assert line.times[-2] <= end < line.times[-1]
        assert [x for x, _ in line.points[0]][1] < 5, "drawn over the whole width"
    two.page.click("#back-to-live")
    two.until("streamgauge.view.state === 'live'")
    two.until("streamgauge.panels().every(({ live }) => live)")
    assert moment(two) == "view live"
    assert two.page.locator("#back-to-live").is_hidden()


def test_a_range_is_in_the_url_and_back_and_forward_work(two: View) -> None:
    drag(two, "back.first", 0.4, 0.8)
    first = until_looking_back(two)
    asked = two.js("['from', 'to'].map((name) => Number(new URLSearchParams(location.search).get(name)))")
    assert tuple(asked) == first
    drag(two, "back.second", 0.25, 0.75)
    second = until_looking_back(two)
    assert first[0] < second[0] < second[1] < first[1]
    two.page.go_back()
    assert until_looking_back(two) == first
    two.page.go_back()
    two.until("streamgauge.view.state === 'live' && location.search === ''")
    two.page.go_forward()
    assert until_looking_back(two) == first
    two.page.reload()
    two.until("window.streamgauge?.painted('back.first')")
    assert until_looking_back(two) == first
    two.until_painted("back.second", 5)
    assert two.painted("back.second").times[1] >= first[0]


def test_a_double_click_on_any_panel_is_live_again(two: View) -> None:
    drag(two, "back.first", 0.4, 0.8)
    until_looking_back(two)
    two.page.locator("[data-metric='back.second'] .nsewdrag").hover()
    two.until("document.querySelector('[data-metric=\"back.second\"] .tip:not([hidden])')")
    two.page.locator("[data-metric='back.second'] .nsewdrag").dblclick()
    two.until("streamgauge.view.state === 'live' && streamgauge.panels().every(({ live }) => live)")
    assert two.js("location.search") == ""


def test_a_zoom_of_what_is_paused_is_live_again_at_once(two: View) -> None:
    two.page.click("#pause")
    two.until("streamgauge.view.state === 'paused'")
    two.until("/^view paused \\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('.moment-text').textContent)")
    at = two.js("new URLSearchParams(location.search).get('at')")
    drag(two, "back.first", 0.5, 0.75)
    _, end = until_looking_back(two)
    assert end < float(at)
    two.until("document.querySelector('#pause').textContent === 'Pause'")
    two.page.go_back()
    two.until("streamgauge.view.state === 'paused' && document.querySelector('#pause').textContent === 'Resume'")
    two.page.click("#back-to-live")
    two.until("streamgauge.view.state === 'live' && document.querySelector('#pause').textContent === 'Pause'")


def test_one_goes_on_looking_earlier_and_later(two: View) -> None:
    drag(two, "back.first", 0.5, 0.75)
    begin, end = until_looking_back(two)
    width = end - begin
    two.page.click("[aria-label='Earlier']")
    assert until_looking_back(two) == pytest.approx((begin - width / 2, end - width / 2), abs=2e-3)
    two.page.click("[aria-label='Later']")
    assert until_looking_back(two) == pytest.approx((begin, end), abs=2e-3)
    two.page.click("[aria-label='Zoom out']")
    wider = until_looking_back(two)
    assert wider[1] - wider[0] == pytest.approx(2 * width, rel=1e-3)
    for _ in range(30):
        if two.js("streamgauge.view.state") == "live":
            break
        two.page.click("[aria-label='Later']")
    two.until("streamgauge.view.state === 'live'")


def test_shift_and_drag_takes_all_panels_along(two: View) -> None:
    drag(two, "back.first", 0.5, 0.75)
    begin, end = until_looking_back(two)
    two.page.keyboard.down("Shift")
    drag(two, "back.first", 0.25, 0.75)  # what is earlier comes from the left
    two.page.keyboard.up("Shift")
    two.until("(end) => streamgauge.view.range.to < end", end)
    moved = until_looking_back(two)
    width = end - begin
    assert moved[1] - moved[0] == pytest.approx(width, rel=1e-3)
    assert moved[0] == pytest.approx(begin - width / 2, abs=0.1 * width)


def test_the_legend_says_what_was_at_the_right_edge(two: View) -> None:
    drag(two, "back.first", 0.4, 0.7)
    _, end = until_looking_back(two)
    line = two.ring("back.second")
    last = [value for when, value in line.pairs if when <= end][-1]
    two.page.mouse.move(5, 5)
    shown = "document.querySelector('[data-metric=\"back.second\"] .entry-value').textContent"
    two.until(f"(last) => {shown} === String(last)", last)


def test_another_window_is_of_what_is_newest(two: View) -> None:
    drag(two, "back.first", 0.4, 0.7)
    until_looking_back(two)
    two.page.click(".segment:has-text('10 s')")
    two.until("streamgauge.view.state === 'live' && streamgauge.view.windowS === 10")
    two.until("streamgauge.panels().every(({ from, to }) => Math.abs(to - from - 10) < 1e-3)")
    assert two.js("location.search") == "?window=10"


def test_looking_back_stays_while_samples_come(two: View, publisher: Publisher) -> None:
    drag(two, "back.first", 0.4, 0.7)
    until_looking_back(two)
    paths, edges = two.js(PATHS), two.js(EDGES)
    publisher.publish(*series("back.first", 5, back_s=1, first=500))
    two.until_held("back.first", 505)
    draws = two.panel("back.first")["draws"]
    two.page.mouse.move(5, 5)
    two.until("(draws) => streamgauge.panels()[0].draws >= draws", draws)
    assert (two.js(PATHS), two.js(EDGES)) == (paths, edges)
