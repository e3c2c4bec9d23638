"""What a page does with more than it can show, and with less."""

import time

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View
from tests.e2e.wire import sample

DRAWN = 60


def test_a_panel_of_thousands_of_lines_draws_some_and_says_so(live: View, publisher: Publisher) -> None:
    count = 3000
    names = [f"{number:04}" for number in range(count)]
    publisher.publish(*[sample("fan.value", float(number), tags={"i": name}) for number, name in enumerate(names)])
    live.until(f"document.querySelector('.legend-more')?.textContent === '{count - DRAWN} more, not drawn'", bound_s=20)
    live.until("document.querySelector('.legend.laid')")
    shown = live.page.locator("[data-metric='fan.value'] .legend li:visible .entry-label").all_text_contents()
    assert shown == names[:DRAWN]
    live.until_painted("fan.value", 1, i=names[DRAWN - 1])
    assert live.js("window.streamgauge.painted('fan.value', {i: '0060'})") is None
    assert live.ring("fan.value", i=names[-1]).values == [count - 1], "it is held all the same"
    frames = live.js("window.streamgauge.counters.frames")
    live.page.wait_for_timeout(2000)
    assert live.js("window.streamgauge.counters.frames") - frames > 10, "the page goes on drawing"


def test_a_filter_takes_words_and_globs_and_says_if_nothing_matches(live: View, publisher: Publisher) -> None:
    publisher.publish(
        sample("door.open", 1.0, tags={"room": "kitchen"}),
        sample("door.shut", 1.0, tags={"room": "hall"}),
        sample("lamp.on", 1.0, tags={"room": "kitchen"}),
    )
    for metric, room in (("door.open", "kitchen"), ("door.shut", "hall"), ("lamp.on", "kitchen")):
        live.until_painted(metric, 1, room=room)
    cases = {
        "door": ["door.open", "door.shut"],
        "kitchen door": ["door.open"],
        "door.*": ["door.open", "door.shut"],
        "l?mp": ["lamp.on"],
        "room=k*n": ["door.open", "lamp.on"],
        "(": [],
        "zzzz": [],
        "": ["door.open", "door.shut", "lamp.on"],
    }
    panels = "[...document.querySelectorAll('.panel')].filter((each) => each.checkVisibility())"
    visible = f"{panels}.map((each) => each.dataset.metric)"
    for text, matching in cases.items():
        live.page.fill("#filter", text)
        live.until(f"JSON.stringify({visible}) === '{str(matching).replace(', ', ',').replace(chr(39), chr(34))}'")
        assert live.page.locator(".no-match").is_visible() == (not matching)


def test_a_long_name_does_not_widen_the_page(live: View, publisher: Publisher) -> None:
    publisher.publish(sample("m" * 255, 1.0, tags={"tag": "W" * 256}))
    live.until_painted("m" * 255, 1, tag="W" * 256)
    assert live.js("document.documentElement.scrollWidth <= innerWidth")


def test_a_lone_sample_can_be_seen(live: View, publisher: Publisher) -> None:
    now = time.time()
    publisher.publish(sample("lone.value", 42.0, now - 1))
    live.until_painted("lone.value", 1)
    path = live.page.locator("[data-metric='lone.value'] .sg-line")
    assert float(path.evaluate("(path) => parseFloat(getComputedStyle(path).strokeWidth)")) >= 5
    publisher.publish(sample("lone.value", 43.0, now))
    live.until_painted("lone.value", 2)
    assert float(path.evaluate("(path) => parseFloat(getComputedStyle(path).strokeWidth)")) < 2


def test_a_zoom_stops_at_a_millisecond(live: View, publisher: Publisher) -> None:
    publisher.publish(sample("deep.value", 1.0))
    live.until_painted("deep.value", 1)
    live.until("window.streamgauge.panels()[0].draws > 3")
    wanted = "{'xaxis.range[0]': from, 'xaxis.range[1]': to}"
    zoom = f"([from, to]) => Plotly.relayout(document.querySelector('.plot'), {wanted})"
    for from_, to in ((-10, -9), (-9.5, -9.49999), (-9.5, -9.5)):
        live.js(zoom, [from_, to])
    live.until("window.streamgauge.panels()[0].live === false")
    live.until("(({ from, to }) => Math.abs(to - from - 1) < 1e-6)(window.streamgauge.panels()[0])")
    live.until("JSON.stringify(document.querySelector('.plot').layout.xaxis.range.map(Math.round)) === '[-1,0]'")
