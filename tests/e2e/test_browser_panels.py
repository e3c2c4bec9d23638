"""What the page makes of series: panels, lines, texts, annotations."""

import re
import time

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View, series
from tests.e2e.wire import sample

PLOT_LEFT = 68  # margin of the plot area in a panel
HOSTILE = "<img src=x onerror='window.hacked=1'>\"&amp;<script>window.hacked=1</script>"

# unit, value, what the legend says, what the top tick of the axis ends with
SHOWN = [
    ("B", 1536.0, "1.5\u202fKiB", "KiB"),
    ("B/s", 5 * 2**20, "5\u202fMiB/s", "MiB/s"),
    ("s", 0.25, "250\u202fms", "ms"),
    ("s", 90.0, "1.5\u202fmin", "min"),
    ("ms", 0.25, "250\u202fµs", "µs"),
    ("%", 99.5, "99.5\u202f%", "%"),
    ("1/s", 1234.0, "1.23\u202fk/s", "k/s"),
    ("V", -0.012, "\u221212\u202fmV", "mV"),
    ("°C", 21.46, "21.5\u202f°C", "°C"),
    (None, 1_234_567.0, "1.23\u202fM", "M"),
    ("", 0.0, "0", "1"),
]


def test_units_and_numbers_read_well(live: View, publisher: Publisher) -> None:
    publisher.publish(*[sample(f"unit.u{index}", value, unit=unit) for index, (unit, value, *_) in enumerate(SHOWN)])
    for index, (_, _, legend, suffix) in enumerate(SHOWN):
        panel = live.page.locator(f"[data-metric='unit.u{index}']")
        panel.scroll_into_view_if_needed()
        live.until(
            "([selector, text]) => document.querySelector(selector)?.textContent === text",
            [f"[data-metric='unit.u{index}'] .entry-value", legend],
        )
        ticks = panel.locator(".ytick text").all_text_contents()
        assert len(ticks) >= 3
        assert len(set(ticks)) == len(ticks), "no two ticks read the same"
        assert ticks[-1].endswith(suffix)


def test_panels_and_lines_appear_by_themselves(live: View, publisher: Publisher) -> None:
    assert live.page.locator(".panel").count() == 0
    publisher.publish(sample("b.second", 1.0, tags={"host": "a"}))
    live.until_painted("b.second", 1, host="a")
    publisher.publish(sample("b.second", 2.0, tags={"host": "b"}), sample("b.first", 3.0), sample("a.only", 4.0))
    live.until_painted("b.second", 1, host="b")
    live.until_painted("b.first", 1)
    live.until_painted("a.only", 1)
    assert live.js("[...document.querySelectorAll('.group-title')].map((each) => each.textContent)") == ["a", "b"]
    titles = "[...document.querySelectorAll('.panel-title')].map((each) => each.textContent)"
    assert live.js(titles) == ["a.only", "b.first", "b.second"]
    labels = live.page.locator("[data-metric='b.second'] .entry-label").all_text_contents()
    assert labels == ["a", "b"]
    assert live.text("[data-metric='b.second'] .panel-tags") == "by host"
    assert live.painted("b.second", host="a").values == [1]
    assert live.painted("b.second", host="b").values == [2]
    assert not live.page.locator("#empty").is_visible()


def test_texts_from_producers_are_only_texts(live: View, publisher: Publisher) -> None:
    tags = {"name": HOSTILE}
    publisher.publish(
        sample("hostile.value", 1.0, tags=tags, unit="<b>B", help=HOSTILE),
        sample("hostile.value", 1.0, tags={"name": "other"}),
        sample("hostile.event", HOSTILE, tags=tags, kind="event"),
    )
    live.until_painted("hostile.value", 1, **tags)
    live.until("document.querySelector('.sg-events title')?.textContent.includes('onerror')")
    live.until("document.querySelector('.entry-value')?.textContent")
    panel = live.page.locator("[data-metric='hostile.value']")
    assert panel.locator(".entry-label").first.text_content() == HOSTILE
    assert panel.locator(".entry-value").first.text_content() == "1\u202f<b>B"
    assert panel.locator(".ytick text").first.text_content() == "0\u202f<b>B"
    panel.locator(".plot").hover(position={"x": 432, "y": 90})
    live.until("document.querySelector('.tip').textContent.includes('onerror')")
    assert live.page.locator(".panel img, .panel script, .panel b").count() == 0
    assert live.js("window.hacked") is None


def test_events_are_annotated_where_they_happened(live: View, publisher: Publisher) -> None:
    now = round(time.time(), 3)
    publisher.publish(sample("shop.orders", 1.0, now - 30), sample("shop.orders", 2.0, now - 5))
    publisher.publish(sample("other.value", 1.0, now))
    publisher.publish(sample("shop.deploys", ["deploy 1", "deploy 2"], [now - 20, now - 10], kind="event"))
    live.until("document.querySelectorAll('[data-metric=\"shop.orders\"] .sg-event-line').length === 2")
    live.until_painted("other.value", 1)
    assert live.page.locator("[data-metric='other.value'] .sg-event-line").count() == 0
    assert live.ring("shop.deploys").pairs == [(now - 20, "deploy 1"), (now - 10, "deploy 2")]
    live.page.click("#pause")
    live.until("document.documentElement.classList.contains('paused')")
    texts = live.page.locator("[data-metric='shop.orders'] .sg-events text").all_text_contents()
    assert texts == ["deploy 1", "deploy 2"]
    ((first, last),) = live.painted("shop.orders").points
    per_second = (last[0] - first[0]) / 25
    marks = live.js(
        "[...document.querySelectorAll('[data-metric=\"shop.orders\"] .sg-event-line')]"
        ".map((each) => each.transform.baseVal[0].matrix.e)"
    )
    assert marks == pytest.approx([first[0] + 10 * per_second, first[0] + 20 * per_second], abs=0.3)


def test_an_event_may_come_before_any_panel_and_late(live: View, publisher: Publisher) -> None:
    now = round(time.time(), 3)
    publisher.publish(sample("plan.notes", "second", now - 5, kind="event"))
    publisher.publish(sample("plan.notes", "first", now - 9, kind="event"))
    live.until_held("plan.notes", 2)
    assert live.ring("plan.notes").values == ["first", "second"]
    publisher.publish(sample("elsewhere.value", 1.0))
    live.until("document.querySelectorAll('[data-metric=\"elsewhere.value\"] .sg-event-line').length === 2")


STALE = """(selectors) => selectors.map((selector) => {
    const entry = document.querySelector(selector);
    return [entry.classList.contains('stale'), entry.querySelector('.entry-age').textContent];
}).concat([...document.querySelectorAll('.sg-line')].map((each) => Number(getComputedStyle(each).strokeOpacity)))"""


def test_a_silent_series_says_for_how_long(live: View, publisher: Publisher) -> None:
    now = time.time()
    for which, back_s in (("fresh", 0.0), ("silent", 40.0)):
        publisher.publish(sample("stale.value", 1.0, now - back_s, tags={"which": which}))
    live.until_painted("stale.value", 1, which="silent")
    silent = live.entry("stale.value", {"which": "silent"})
    for _ in range(100):
        publisher.publish(sample("stale.value", 1.0, tags={"which": "fresh"}))
        first, second, *strokes = live.js(STALE, [live.entry("stale.value", {"which": "fresh"}), silent])
        if [first[0], second[0]] == [False, True] and len(set(strokes)) == 2:
            break
        live.page.wait_for_timeout(100)
    assert first == [False, ""]
    assert re.fullmatch(r"[45]\d s ago", second[1])
    assert strokes[0] == 1 and strokes[1] <= 0.6, "in the order of their tags"
    publisher.publish(sample("stale.value", 2.0, tags={"which": "silent"}))
    live.until("(selector) => !document.querySelector(selector).classList.contains('stale')", silent)
    assert live.text(f"{silent} .entry-age") == ""
    publisher.publish(sample("stale.alone", 1.0, now - 10))
    live.until("document.querySelector('[data-metric=\"stale.alone\"]')?.classList.contains('is-stale')")
    live.until("/^1[0-9] s ago$/.test(document.querySelector('[data-metric=\"stale.alone\"] .panel-age').textContent)")


def test_what_is_out_of_sight_is_not_drawn(live: View, publisher: Publisher) -> None:
    for at in range(12):
        publisher.publish(*[sample(f"sight.m{at:02}", float(value)) for value in range(3)])
    live.until_painted("sight.m00", 3)
    last = "(streamgauge.panels().find(({ metric }) => metric === 'sight.m11'))"
    live.until(f"{last}?.visible === false")
    drawn = live.js(f"[streamgauge.panels()[0].draws, {last}.draws]")
    live.page.wait_for_timeout(1000)
    publisher.publish(sample("sight.m11", 7.0))
    live.until_held("sight.m11", 4)
    first, hidden = live.js(f"[streamgauge.panels()[0].draws, {last}.draws]")
    assert first > drawn[0] + 2, "what is in sight moves"
    assert hidden == drawn[1]
    live.page.locator("[data-metric='sight.m11']").scroll_into_view_if_needed()
    live.until_painted("sight.m11", 4)


def test_the_filter_finds_metrics_and_tags(live: View, publisher: Publisher) -> None:
    publisher.publish(
        sample("find.this", 1.0), sample("find.that", 1.0, tags={"host": "Needle"}), sample("other.x", 1.0)
    )
    live.until_painted("find.that", 1, host="Needle")
    shown = "[...document.querySelectorAll('.panel')].filter((each) => each.offsetParent)"
    visible = f"{shown}.map((each) => each.dataset.metric)"
    for text, expected in (
        ("THIS", ["find.this"]),
        ("needle", ["find.that"]),
        ("", ["find.that", "find.this", "other.x"]),
    ):
        live.page.fill("#filter", text)
        live.until(
            f"([expected]) => JSON.stringify({visible}) === expected",
            [str(expected).replace("'", '"').replace(" ", "")],
        )
    assert live.page.locator(".group-title:visible").count() == 2


def test_a_link_whose_filter_matches_nothing_says_so(live: View, publisher: Publisher) -> None:
    """Panels come after the filter then."""
    publisher.publish(sample("find.this", 1.0))
    live.until_painted("find.this", 1)
    live.open(live.url.partition("?")[0] + "?filter=nothing")
    live.until("document.querySelector('.no-match').checkVisibility()")
    live.page.fill("#filter", "this")
    live.until("!document.querySelector('.no-match').checkVisibility()")


def test_legend_and_hover(live: View, publisher: Publisher) -> None:
    samples = series("hover.value", 5, back_s=30, step_s=5)
    for each in samples:
        each["tags"] = {"line": "a"}
    publisher.publish(*samples, {**samples[2], "tags": {"line": "b"}, "value": 0.125})
    live.until_painted("hover.value", 1, line="b")
    live.page.click("#pause")
    live.until("document.documentElement.classList.contains('paused')")
    x, _ = live.painted("hover.value", line="a").points[0][2]
    live.page.locator("[data-metric='hover.value'] .plot").hover(position={"x": PLOT_LEFT + x, "y": 90})
    rows = (
        "[...document.querySelectorAll('.tip-row')].map((each) => [...each.children].map((part) => part.textContent))"
    )
    assert live.js(rows) == [["", "a", "2"], ["", "b", "0.125"]]
    live.page.click(live.entry("hover.value", {"line": "a"}))
    live.until("([metric, tags]) => window.streamgauge.painted(metric, tags) === null", ["hover.value", {"line": "a"}])
    assert live.painted("hover.value", line="b").values == [0.125]
    live.page.click(live.entry("hover.value", {"line": "a"}))
    live.until_painted("hover.value", 5, line="a")


def test_of_many_lines_those_out_of_view_are_counted(live: View, publisher: Publisher) -> None:
    now = time.time()
    names = [f"{number:02}" for number in range(12)]
    publisher.publish(*[sample("crowd.value", 1.0, now - 300 * (n < "09"), tags={"n": n}) for n in names])
    live.until("document.querySelector('.legend-more')?.textContent === '9 more, silent'")
    shown = "[...document.querySelectorAll('.legend li:not([hidden]) .entry')]"
    facts = "[each.querySelector('.entry-label').textContent, each.dataset.dash]"
    assert live.js(f"{shown}.map((each) => {facts})") == [["09", "0"], ["10", "0"], ["11", "0"]]
    assert live.js(f"new Set({shown}.map((each) => each.dataset.colour)).size") == 3
    live.page.click(".segment:has-text('15 min')")
    live.until("document.querySelector('.legend-more').hidden")
    looks = f"new Set({shown}.map((each) => each.dataset.colour + each.dataset.dash)).size"
    assert live.js(f"[{shown}.length, {looks}]") == [12, 12]
