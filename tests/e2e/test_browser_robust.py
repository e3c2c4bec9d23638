"""Clocks that are wrong, tags without end, numbers beyond measure, units that change: the page stays true."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View, pairs, series
from tests.e2e.test_browser_values import assert_drawn
from tests.e2e.wire import sample

HOUR_S = 3600.0
SEEN_S = 5.0  # within which a producer that is gone is to be seen
SHIFTED = """
const [origin, now, shift] = [performance.timeOrigin, Date.now, %d];
Object.defineProperty(performance, 'timeOrigin', { value: origin + shift });
Date.now = () => now() + shift;
"""


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_browser_an_hour_off(hours: int, publisher: Publisher, site: Site, view: View) -> None:
    view.page.add_init_script(SHIFTED % (hours * HOUR_S * 1000))
    samples = series("clock.value", 200, back_s=40, step_s=0.1)
    publisher.publish(*samples)
    view.open(site.url)
    view.until_painted("clock.value", 200)
    assert view.health["skewMs"] == pytest.approx(hours * HOUR_S * 1000, abs=1000)
    assert view.figure("skew").removeprefix("\u2212") == "3600 s"
    assert view.panel("clock.value")["to"] == pytest.approx(time.time(), abs=1.5), "the broadcaster's clock counts"
    painted = view.painted("clock.value")
    assert painted.pairs == pairs(samples)
    assert_drawn(view, painted, "clock.value")
    right = view.js("document.querySelector('.nsewdrag').getBoundingClientRect().width")
    ages = [(right - x) / right * 60 for x, _ in painted.points[0]]
    assert ages[-1] == pytest.approx(view.panel("clock.value")["to"] - painted.times[-1], abs=2), (
        "drawn where it belongs"
    )
    publisher.publish(sample("clock.value", 1.0))
    view.until("streamgauge.health.latencyP50Ms !== null")
    assert view.health["latencyP50Ms"] < 2000, "no hour is counted as latency"
    view.until("!document.querySelector('.panel').classList.contains('is-stale')")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_producer_an_hour_off(hours: int, live: View, publisher: Publisher) -> None:
    """It is said which panel it is about, while it publishes; and its silence is seen like any other."""
    panel = "document.querySelector('[data-metric=\"off.value\"]')"
    age = f"{panel}.querySelector('.panel-age').textContent"
    for at in range(12):
        now = time.time()
        publisher.publish(sample("off.value", float(at), now + hours * HOUR_S), sample("right.value", float(at), now))
        live.page.wait_for_timeout(100)
    live.until_held("off.value", 12)
    live.until(f"{age} === '{'60 min ahead' if hours > 0 else '60 min behind'}'")
    live.until(f"!{panel}.classList.contains('is-stale')")
    live.until("document.querySelector('[data-metric=\"off.value\"] .entry-value').textContent === '11'")
    live.until_painted("right.value", 12)
    silent = time.monotonic()
    assert live.js("document.querySelector('[data-metric=\"right.value\"] .panel-age').textContent") == ""
    note = live.page.locator("[data-metric='off.value'] .panel-note")
    way = "ahead of" if hours > 0 else "behind"
    assert f"its samples are stamped 60 min {way} the broadcaster\u2019s clock" in note.inner_text()
    assert live.page.locator("[data-metric='right.value'] .panel-note").is_hidden()
    live.until(f"{panel}.classList.contains('is-stale')", bound_s=SEEN_S)
    assert time.monotonic() - silent < SEEN_S
    note.get_by_role("button").click()
    live.until("streamgauge.view.state === 'looking back'")
    live.until_painted("off.value", 12)
    assert live.painted("off.value").values == [float(at) for at in range(12)], "it can be looked at"
    assert_drawn(live, live.painted("off.value"), "off.value")
    live.until(f"{panel}.querySelector('.panel-note').hidden")
    live.page.click("#back-to-live")
    live.until(f"streamgauge.view.state === 'live' && !{panel}.querySelector('.panel-note').hidden")


def test_a_producer_that_falls_silent_or_leaves_is_seen(
    serving: Callable[..., Server], site: Site, view: View, backstage: Any
) -> None:
    server = serving(telemetry_interval_s=1)
    producers = [Publisher(backstage, server.url) for _ in range(2)]
    view.open(site.url)
    for at in range(30):
        for which, producer in enumerate(producers):
            producer.publish(sample("seen.value", float(at), tags={"from": str(which)}))
        view.page.wait_for_timeout(100)
    view.until("document.querySelector('[data-health=producers]').textContent === '2'")
    begun = time.monotonic()
    selector = view.entry("seen.value", {"from": "1"})
    while time.monotonic() - begun < SEEN_S:
        producers[0].publish(sample("seen.value", 0.0, tags={"from": "0"}))
        if view.js("(selector) => document.querySelector(selector).classList.contains('stale')", selector):
            break
        view.page.wait_for_timeout(100)
    assert view.text(f"{selector} .entry-age").endswith(" s ago"), "one that fell silent"
    producers[0].close()
    view.until("document.querySelector('[data-health=producers]').textContent === '1'", bound_s=SEEN_S)
    view.until("document.querySelector('[data-metric=\"seen.value\"]').classList.contains('is-stale')", bound_s=SEEN_S)
    producers[1].close()


def test_a_thousand_tag_sets(live: View, publisher: Publisher) -> None:
    count, drawn = 1000, 60
    now = time.time()
    names = [f"{at:03}" for at in range(count)]
    publisher.publish(
        *[
            sample("many.value", [float(at), at + 1.0], [now - 20, now - 1], tags={"i": name})
            for at, name in enumerate(names)
        ]
    )
    live.until_painted("many.value", 2, i=names[drawn - 1])
    live.until(f"document.querySelector('.legend-more').textContent === '{count - drawn} more, not drawn'")
    panel = live.panel("many.value")
    for at in (0, 31, drawn - 1):
        line = live.painted("many.value", i=names[at])
        assert line.times == pytest.approx([now - 20, now - 1])
        assert line.values == [at, at + 1]
        assert_drawn(live, line, "many.value")
    bottoms = [live.painted("many.value", i=names[at]).points[0][0][1] for at in range(0, drawn, 10)]
    assert bottoms == sorted(bottoms, reverse=True), "each above the one before"
    assert live.js("document.querySelectorAll('.sg-line').length") <= count
    assert panel["to"] - panel["from"] == pytest.approx(60)
    live.page.fill("#filter", "i=999")
    live.until("!document.querySelector('.panel').hidden")
    before = live.counters["frames"]
    begun = time.monotonic()
    for at in range(20):
        publisher.publish(*[sample("many.value", float(at), tags={"i": name}) for name in names])
    live.until("(name) => streamgauge.ring('many.value', { i: name }).times.length === 22", names[-1])
    live.until("(name) => streamgauge.ring('many.value', { i: name }).times.length === 22", names[0])
    assert (live.counters["frames"] - before) / (time.monotonic() - begun) > 4, "it goes on drawing"
    assert live.counters["gaps"] == live.counters["chainBreaks"] == 0


NAMES = {"": "none", "s": "time", "B": "bytes", "%": "share", "1/s": "rate"}  # of metrics, by unit
BAD_TICKS = """(metric) => {  // beyond the panel, or no number
    const panel = document.querySelector(`[data-metric='${metric}']`);
    const { left } = panel.getBoundingClientRect();
    return [...panel.querySelectorAll('.ytick text')]
        .filter((each) => each.getBoundingClientRect().left < left || /NaN|Infinity|undefined/.test(each.textContent))
        .map((each) => each.textContent);
}"""


def test_six_hundred_orders_of_magnitude_in_one_panel(live: View, publisher: Publisher) -> None:
    now = round(time.time(), 3)
    sizes = [1e-300, 1e-150, 1e-9, 1.0, 1e9, 1e150, 1e300, -1e300, -1e-300, 0.0]
    for unit in NAMES:
        metric = f"wide.{NAMES[unit]}"
        publisher.publish(*[sample(metric, value, now - 20 + 2 * at, unit=unit) for at, value in enumerate(sizes)])
        publisher.publish(*[sample(f"{metric}.small", 1e-300 * (at + 1), now - 20 + at, unit=unit) for at in range(9)])
    for name in NAMES.values():
        for metric, count in ((f"wide.{name}", len(sizes)), (f"wide.{name}.small", 9)):
            live.page.locator(f"[data-metric='{metric}']").scroll_into_view_if_needed()
            live.until_painted(metric, count)
            line = live.painted(metric)
            (points,) = line.points
            assert len(points) == count
            heights = [y for _, y in points]
            assert all(-1 <= y <= 158 for y in heights), "inside of the panel"
            if not metric.endswith("small"):
                top, bottom = heights[6], heights[7]
                assert bottom - top > 80, "1e300 and -1e300 are far from each other"
                assert heights[9] == pytest.approx((top + bottom) / 2, abs=2), "and 0 is in the middle"
            assert live.js(BAD_TICKS, metric) == []


LONG: dict[str, tuple[str | None, list[float]]] = {
    "close": (None, [1e9, 1e9 + 1, 1e9 + 2]),
    "negative": ("MiB/s", [-123.45, -123.4, -123.35]),
    "spelt": ("kilometres per hour and more", [0.0, 98765.4]),
    "wide": ("W" * 64, [-1e-7, 1e-7]),
}


@pytest.mark.parametrize("page", ["", "?kiosk=1"])
def test_labels_of_an_axis_stay_in_their_panel(page: str, publisher: Publisher, site: Site, view: View) -> None:
    now = time.time()
    for name, (unit, values) in LONG.items():
        times = [now - 20 + at for at in range(len(values))]
        publisher.publish(sample(f"long.{name}", values, times, unit=unit))
    view.open(site.url + page)
    for name, (_, values) in LONG.items():
        metric = f"long.{name}"
        view.page.locator(f"[data-metric='{metric}']").scroll_into_view_if_needed()
        view.until_painted(metric, len(values))
        assert view.js(BAD_TICKS, metric) == []
        sizes = "(metric) => [...document.querySelectorAll(`[data-metric='${metric}'] .ytick text`)]"
        texts = view.js(
            f"{sizes}.map((each) => [each.textContent, parseFloat(getComputedStyle(each).fontSize)])", metric
        )
        assert len(texts) >= 3
        assert min(size for _, size in texts) >= 8.5, "it can be read"
    top = "[data-metric='long.{}'] .ytick:last-of-type text"
    assert view.page.locator(top.format("spelt")).text_content() == "125\u202fk", "without its unit"
    assert view.page.locator(top.format("close")).text_content() == "+3", "beside the lowest"


def test_a_unit_that_changes_while_live(live: View, publisher: Publisher) -> None:
    """The axis and the value are told in the new one; the same numbers are not drawn elsewhere."""
    now = time.time()
    publisher.publish(sample("unit.value", [0.5, 2.0], [now - 10, now - 9], unit="s"))
    live.until_painted("unit.value", 2)
    ticks = "[...document.querySelectorAll('.ytick text')].map((each) => each.textContent)"
    live.until(f"{ticks}.some((text) => text.endsWith('\u202fs'))")
    live.until("document.querySelector('.entry-value').textContent === '2\u202fs'")
    before = live.painted("unit.value").points[0]
    publisher.publish(sample("unit.value", [0.5, 2.0], [now - 2, now - 1], unit="B"))
    live.until_painted("unit.value", 4)
    live.until("document.querySelector('.entry-value').textContent === '2\u202fB'")
    live.until(f"{ticks}.length && {ticks}.every((text) => text.endsWith('\u202fB'))")
    after = live.painted("unit.value").points[0]
    assert [y for _, y in after[:2]] == pytest.approx([y for _, y in before], abs=0.2)
    assert [y for _, y in after[2:]] == pytest.approx([y for _, y in before], abs=0.2)
    publisher.publish(sample("unit.value", 5.0, unit="%"))
    live.until(f"{ticks}.every((text) => text.endsWith('\u202f%'))")


STICKING_OUT = """() => {
    const panel = document.querySelector('.panel').getBoundingClientRect();
    const parts = '.entry, .entry-value, .panel-title, .panel-tags, .panel-age, .panel-button';
    return [...document.querySelectorAll(`.panel :is(${parts})`)]
        .map((node) => [node.className, node.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.right > panel.right + 1 || box.left < panel.left - 1))
        .map(([name]) => name);
}"""


@pytest.mark.parametrize("width", [1440, 390])
def test_tags_of_256_letters_are_shown_and_longer_ones_refused(
    width: int, live: View, server: Server, publisher: Publisher
) -> None:
    live.page.set_viewport_size({"width": width, "height": 844})
    url = f"http://{server.addresses[1]}/v1/publish"
    for length in (257, 300):
        body = {"id": 1, "samples": [{"metric": "long.value", "value": 1, "tags": {"name": "W" * length}}]}
        answer = httpx.post(url, json=body, trust_env=False).json()
        (refused,) = answer["rejected"]
        assert refused["code"] == "bad_tags"
        assert "samples[0].tags" in refused["message"]
        assert "256" in refused["message"]
    long, other = "W" * 256, "M" * 256
    tags = [{"name": long}, {"name": other}, *({"name": "a " * 120 + str(at), "k" * 64: "v" * 256} for at in range(14))]
    publisher.publish(*[sample("long.value", float(at), tags=each) for at, each in enumerate(tags)])
    live.until_painted("long.value", 1, name=long)
    assert live.js("document.documentElement.scrollWidth") <= width
    box = live.page.locator(".panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert live.js(STICKING_OUT) == []
    entry = live.page.locator(live.entry("long.value", {"name": long}))
    assert entry.locator(".entry-value").bounding_box() is not None, "the value is not pushed out by the name"
    assert long in str(entry.locator(".entry-label").text_content()), "all of it, for those who ask"
    live.page.fill("#filter", long.lower())
    live.until("!document.querySelector('.panel').hidden")
