"""Zoom, pause, window and theme: what is looked at changes, what is held does not."""

import time
from typing import Any, Literal

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View, pairs, series

# The text colour and the colour behind it, of whatever has text in sight; WCAG 2.1, 1.4.3.
CONTRASTS = """
() => {
    const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((parts(colour)[3] ?? 1) > 0.99) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const own = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    const found = {};
    for (const node of document.querySelectorAll('body *')) {
        if (!own(node) || !node.getClientRects().length || node.closest('footer, script, style')) continue;
        const style = getComputedStyle(node);
        const colour = node instanceof SVGElement ? style.fill : style.color;
        const pair = [light(colour), light(behind(node))].sort((a, b) => b - a);
        found[`${node.tagName}.${node.className.baseVal ?? node.className} ${node.textContent.trim().slice(0, 30)}`] =
            (pair[0] + 0.05) / (pair[1] + 0.05);
    }
    return found;
}
"""


THEMES: dict[Literal["dark", "light"], str] = {"dark": "< 150", "light": "> 600"}


def stream(publisher: Publisher, samples: list[Any]) -> None:
    """Twenty messages, one after another."""
    step = max(1, len(samples) // 20)
    publisher.publish_one_by_one([samples[at : at + step] for at in range(0, len(samples), step)])


def drag(view: View, metric: str, begin: float, end: float) -> None:
    """Over the plot area, from one share of its width to another, slowly enough for a person."""
    box = view.page.locator(f"[data-metric='{metric}'] .nsewdrag").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    view.page.mouse.move(box["x"] + box["width"] * begin, y)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, y, steps=3)
    view.page.mouse.move(box["x"] + box["width"] * end, y, steps=3)
    view.page.mouse.up()


def test_zooming_while_streaming_loses_nothing(live: View, publisher: Publisher) -> None:
    samples = series("zoom.value", 1000, back_s=30, step_s=0.02)
    publisher.publish(*samples[:500])
    live.until_painted("zoom.value", 500)
    before = live.panel("zoom.value")
    drag(live, "zoom.value", 0.55, 0.8)  # the first sample is at a half: beyond the edge, or just in view
    live.until("window.streamgauge.panels()[0].live === false")
    span = before["to"] - before["from"]
    live.until("(span) => (({ from, to }) => to - from < span / 2)(window.streamgauge.panels()[0])", span)  # drawn so
    zoomed = live.panel("zoom.value")
    assert zoomed["to"] - zoomed["from"] == pytest.approx(span / 4, rel=0.05)
    assert zoomed["from"] == pytest.approx(before["from"] + 0.55 * span, abs=2)
    stream(publisher, samples[500:])
    live.until_held("zoom.value", 1000)
    after = live.panel("zoom.value")
    assert (after["from"], after["to"]) == (zoomed["from"], zoomed["to"]), "a zoom is held"
    assert live.ring("zoom.value").pairs == pairs(samples)
    in_view = [pair for pair in pairs(samples) if after["from"] <= pair[0] <= after["to"]]
    live.until_painted("zoom.value", len(in_view))
    painted = live.painted("zoom.value").pairs
    assert painted[1:-1] == in_view or painted[1:] == in_view, "and one more beyond each edge"
    live.page.click("text=Back to live")
    live.until_painted("zoom.value", 1000)
    assert live.painted("zoom.value").pairs == pairs(samples)
    assert live.panel("zoom.value")["live"]


def test_a_double_click_ends_a_zoom_and_streaming_never_does(live: View, publisher: Publisher) -> None:
    samples = series("zoom.value", 300, back_s=50, step_s=0.1)
    publisher.publish(*samples[:100])
    live.until_painted("zoom.value", 100)
    for _ in range(3):
        drag(live, "zoom.value", 0.2, 0.6)
        live.until("window.streamgauge.panels()[0].live === false")
        live.page.locator("[data-metric='zoom.value'] .nsewdrag").dblclick()
        live.until("window.streamgauge.panels()[0].live === true")
    stream(publisher, samples[100:])
    live.until_painted("zoom.value", 300)
    assert live.painted("zoom.value").pairs == pairs(samples)


def test_a_pause_freezes_the_view_but_not_the_intake(live: View, publisher: Publisher) -> None:
    samples = series("pause.value", 1000, back_s=30, step_s=0.02)
    publisher.publish(*samples[:400])
    live.until_painted("pause.value", 400)
    live.until("document.querySelector('[data-metric=\"pause.value\"] .entry-value').textContent === '399'")
    live.page.click("#pause")
    live.until("window.streamgauge.view.paused")
    live.until("document.querySelector('#pause').textContent === 'Resume'")
    live.until("document.querySelector('.xtick text').textContent.includes(':')")  # drawn as paused: times of day
    panel, painted = live.panel("pause.value"), live.painted("pause.value")
    value = live.text("[data-metric='pause.value'] .entry-value")
    stream(publisher, samples[400:])
    live.until_held("pause.value", 1000)
    live.page.wait_for_timeout(500)  # thirty frames in which something could move
    assert live.painted("pause.value") == painted
    still = live.panel("pause.value")
    assert (still["from"], still["to"], still["draws"]) == (panel["from"], panel["to"], panel["draws"])
    assert live.text("[data-metric='pause.value'] .entry-value") == value
    for _ in range(2):  # off and on: it is drawn anew, of the same time
        live.page.click(live.entry("pause.value", {}))
    live.until("(draws) => window.streamgauge.panels()[0].draws >= draws + 1", panel["draws"])
    live.until("window.streamgauge.painted('pause.value') !== null")
    assert (live.panel("pause.value")["from"], live.panel("pause.value")["to"]) == (panel["from"], panel["to"])
    assert live.ring("pause.value").pairs == pairs(samples)
    live.page.click("#pause")
    live.until_painted("pause.value", 1000)
    assert live.painted("pause.value").pairs == pairs(samples)
    live.until("document.querySelector('[data-metric=\"pause.value\"] .entry-value').textContent === '999'")


def test_the_window_shows_what_it_says(live: View, publisher: Publisher) -> None:
    samples = series("window.value", 200, back_s=1000, step_s=5)
    publisher.publish(*samples)
    live.until_painted("window.value", 1)
    for label, span_s in (("30 s", 30), ("1 min", 60), ("5 min", 300), ("15 min", 900), ("1 h", 3600)):
        live.page.click(f".segment:has-text('{label}')")
        live.until("(span) => window.streamgauge.view.windowS === span", span_s)
        live.until(
            "(span) => Math.abs(window.streamgauge.panels()[0].to - window.streamgauge.panels()[0].from - span) < 1e-3",
            span_s,
        )
        panel = live.panel("window.value")
        assert panel["to"] == pytest.approx(time.time(), abs=2)
        expected = [pair for pair in pairs(samples) if pair[0] >= panel["from"]]
        painted = live.painted("window.value").pairs
        assert painted[-len(expected) :] == expected
        assert len(painted) - len(expected) in (0, 1), "and the nearest one beyond the edge"
    live.page.click(".segment:has-text('All')")
    live.until("window.streamgauge.view.windowS === 0")
    live.until("window.streamgauge.panels()[0].to - window.streamgauge.panels()[0].from < 3000")
    panel = live.panel("window.value")
    assert panel["from"] <= samples[0]["time"] < panel["from"] + 0.4 * (panel["to"] - panel["from"])
    assert live.painted("window.value").pairs == pairs(samples)


def test_the_page_follows_the_system_and_can_be_read(live: View, publisher: Publisher) -> None:
    other = {"metric": "theme.value", "value": 1, "tags": {"line": "b"}, "time": 1}
    publisher.publish(*series("theme.value", 10), other)
    publisher.publish({"metric": "theme.events", "value": "an event", "kind": "event"})
    live.until_painted("theme.value", 10)
    live.until("document.querySelector('.entry.stale')")
    live.page.click("#pause")
    live.until("document.querySelector('#pause').textContent === 'Resume'")
    parts = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
    for scheme, expected in THEMES.items():
        live.page.emulate_media(color_scheme=scheme)
        live.until(f"{parts}.reduce((sum, part) => sum + Number(part), 0) {expected}")
        live.page.wait_for_timeout(300)  # no colour is on its way from one to the other
        weak = {text: round(ratio, 2) for text, ratio in live.js(CONTRASTS).items() if ratio < 4.5}
        assert not weak, scheme


def test_on_a_phone_everything_fits(live: View, publisher: Publisher) -> None:
    live.page.set_viewport_size({"width": 390, "height": 844})
    publisher.publish(*series("phone.value", 10), {"metric": "phone.a.very.long.name.of.a.metric.indeed", "value": 1})
    publisher.publish(*[{"metric": f"phone.more{index}", "value": 1e9, "unit": "B/s"} for index in range(3)])
    live.until_painted("phone.a.very.long.name.of.a.metric.indeed", 1)
    assert live.js("document.documentElement.scrollWidth") <= 390
    outside = live.js(
        "['#state', '[data-health]', '.segment', '#pause', '#filter', '.panel', '.entry', '.xtick text', '.ytick text']"
        ".flatMap((selector) => [...document.querySelectorAll(selector)])"
        ".map((node) => [node.textContent, node.getBoundingClientRect()])"
        ".filter(([text, box]) => box.width && (box.left < 0 || box.right > 390)).map(([text]) => text)"
    )
    assert outside == []
    live.page.mouse.wheel(0, 400)
    live.until("window.scrollY > 100")
    assert live.page.locator("#state").is_visible()
    assert live.js("document.querySelector('#state').getBoundingClientRect().top") >= 0, "health is always in sight"
