"""Values painted equal values sent, in a real browser."""

import random
import re
import time
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Json, Line, Site, View, pairs, series
from tests.e2e.wire import sample

MESSAGES = 1000
OpenView = Callable[..., View]


def burst() -> list[Json]:
    """1,000 samples of four series by turns, each with a value of its own."""
    now = round(time.time(), 3)
    values = random.Random(4).sample(range(10**6), MESSAGES)
    return [
        sample("burst.value", value / 7, now - 30 + index / 50, tags={"line": str(index % 4)})
        for index, value in enumerate(values)
    ]


def of_line(samples: list[Json], line: str) -> list[tuple[float, float]]:
    return [(each["time"], each["value"]) for each in samples if each["tags"] == {"line": line}]


def assert_drawn(view: View, line: Line, metric: str) -> None:
    """The pixels in the document are where the values belong: one scale for all of them."""
    (points,) = line.points
    assert len(points) == len(line.times)
    low, high = min(line.pairs, key=lambda pair: pair[1] or 0), max(line.pairs, key=lambda pair: pair[1] or 0)
    (_, y_low), (_, y_high) = points[line.pairs.index(low)], points[line.pairs.index(high)]
    assert y_low > y_high, "larger values are higher up"
    panel = view.panel(metric)
    span, width = panel["to"] - panel["from"], points[-1][0] - points[0][0]
    per_second = width / (line.times[-1] - line.times[0])
    assert span * per_second > width, "all of it is in view"
    for (when, value), (x, y) in zip(line.pairs, points, strict=True):
        assert x == pytest.approx(points[0][0] + (when - line.times[0]) * per_second, abs=0.15)
        assert isinstance(value, int | float)
        share = (value - float(low[1] or 0)) / (float(high[1] or 0) - float(low[1] or 0))
        assert y == pytest.approx(y_low + share * (y_high - y_low), abs=0.15)


def test_a_burst_is_painted_sample_by_sample(live: View, publisher: Publisher) -> None:
    samples = burst()
    publisher.publish_each([[each] for each in samples])
    for line in "0123":
        live.until_painted("burst.value", MESSAGES // 4, line=line)
        sent = of_line(samples, line)
        assert live.ring("burst.value", line=line).pairs == sent
        painted = live.painted("burst.value", line=line)
        assert painted.pairs == sent
        assert not painted.decimated
        assert_drawn(live, painted, "burst.value")
    assert live.counters["samples"] == MESSAGES
    assert live.counters["merged"] == live.counters["chainBreaks"] == live.counters["gaps"] == 0


def test_a_thousand_batches_in_one_tick(live: View, publisher: Publisher) -> None:
    """The tab is stopped while they are sent one by one, so that it gets them all at once."""
    devtools = live.devtools()
    devtools.send("Debugger.enable")
    devtools.send("Debugger.pause")
    samples = burst()
    publisher.publish_one_by_one([[each] for each in samples])
    devtools.send("Debugger.resume")
    devtools.send("Debugger.disable")
    for line in "0123":
        live.until_painted("burst.value", MESSAGES // 4, line=line)
        assert live.ring("burst.value", line=line).pairs == of_line(samples, line)
        assert live.painted("burst.value", line=line).pairs == of_line(samples, line)
    assert live.counters["batches"] > MESSAGES / 10
    assert live.counters["chainBreaks"] == live.counters["gaps"] == 0


def test_samples_out_of_order_and_at_one_time(live: View, publisher: Publisher) -> None:
    now = round(time.time(), 3)
    order = [5, 1, 4, 2, 3, 3, 3]
    for index, at in enumerate(order):
        publisher.publish(sample("order.value", float(index), now - 20 + at))
    live.until_painted("order.value", len(order))
    expected = sorted(((now - 20 + at, float(index)) for index, at in enumerate(order)), key=lambda pair: pair[0])
    assert live.ring("order.value").pairs == expected
    assert live.painted("order.value").pairs == expected


def test_null_breaks_the_line(live: View, publisher: Publisher) -> None:
    samples = series("null.value", 9)
    samples[4]["value"] = None
    publisher.publish(*samples)
    live.until_painted("null.value", 9)
    assert live.ring("null.value").pairs == pairs(samples)
    painted = live.painted("null.value")
    assert painted.pairs == pairs(samples)
    assert [len(run) for run in painted.points] == [4, 4]


def test_a_spike_among_many_is_painted(live: View, publisher: Publisher) -> None:
    samples = series("many.value", 20_000, back_s=40, step_s=0.002)
    samples[12_345]["value"] = spike = 1e6
    samples[6_543]["value"] = dip = -1e6
    for at in range(0, len(samples), 5000):
        publisher.publish(*samples[at : at + 5000])
    live.until_painted("many.value", 20_000)
    assert live.ring("many.value").pairs == pairs(samples)
    painted = live.painted("many.value")
    assert painted.decimated
    assert painted.samples == 20_000
    assert len(painted.times) < 4 * 1440
    assert {(samples[12_345]["time"], spike), (samples[6_543]["time"], dip)} <= set(painted.pairs)
    assert set(painted.pairs) <= set(pairs(samples))
    ys = [y for run in painted.points for _, y in run]
    assert max(ys) - min(ys) > 100, "the spike reaches across the panel"


COLOURED = """async ([png, from, to]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    canvas.drawImage(bitmap, 0, 0);
    const rows = [];
    for (let y = from; y < to; y++) {
        const { data } = canvas.getImageData(80, y, bitmap.width - 100, 1);
        let most = 0;
        for (let at = 0; at < data.length; at += 4) {
            most = Math.max(most, Math.max(...data.slice(at, at + 3)) - Math.min(...data.slice(at, at + 3)));
        }
        rows.push(most);
    }
    return rows;
}"""


def test_a_spike_of_one_sample_is_seen_on_the_screen(live: View, publisher: Publisher, open_view: OpenView) -> None:
    samples = series("spike.value", 20_000, back_s=40, step_s=0.002)
    for each in samples:
        each["value"] = 1.0
    samples[12_345]["value"] = 100.0
    for at in range(0, len(samples), 5000):
        publisher.publish(*samples[at : at + 5000])
    live.until_painted("spike.value", 20_000)
    picture = live.page.locator("[data-metric='spike.value'] .plot").screenshot(animations="disabled")
    blank = open_view()  # a page without a policy for contents
    rows = blank.page.evaluate(COLOURED, [b64encode(picture).decode(), 50, 140])
    assert min(rows) > 40, "a coloured pixel in every row between the line and the top of its spike"


NUMBERS = {
    "zero": [0.0, -0.0, 0.0],
    "largest": [1e308, -1e308, 1.7976931348623157e308],
    "smallest": [5e-324, 1e-320, 0.0],
    "same": [-3.5, -3.5, -3.5],
    "close": [1e15, 1e15 + 1, 1e15 + 2],
    "safe": [9007199254740991.0, -9007199254740991.0, 0.1],
}


def test_every_number_can_be_drawn(live: View, publisher: Publisher) -> None:
    now = round(time.time(), 3)
    for name, values in NUMBERS.items():
        publisher.publish(*[sample(f"size.{name}", value, now - 20 + at) for at, value in enumerate(values)])
    for name, values in NUMBERS.items():
        live.page.locator(f"[data-metric='size.{name}']").scroll_into_view_if_needed()
        live.until_painted(f"size.{name}", len(values))
        assert live.ring(f"size.{name}").values == values
        painted = live.painted(f"size.{name}")
        assert painted.values == values
        assert re.fullmatch(r"M-?[\d.]+,-?[\d.]+(L-?[\d.]+,-?[\d.]+)+", painted.path), name
        heights = [y for _, y in painted.points[0]]
        assert len(heights) == len(values)
        for (low, high), (y_low, y_high) in zip(pairwise(values), pairwise(heights), strict=True):
            assert ((high > low) - (high < low)) * (y_low - y_high) >= 0, f"{name}: what is larger is not drawn lower"
        assert name == "largest" or all(-1 <= y <= 157 for y in heights), "all of it is inside the panel"


def test_history_and_what_follows_meet_without_a_seam(publisher: Publisher, site: Site, view: View) -> None:
    samples = series("seam.value", 3000, back_s=40, step_s=0.01)
    publisher.publish(*samples[:1000])
    view.page.goto(site.url)
    publisher.publish_one_by_one([samples[at : at + 20] for at in range(1000, 3000, 20)])
    view.until_held("seam.value", 3000)
    view.until_painted("seam.value", 3000)
    assert view.ring("seam.value").pairs == pairs(samples)
    assert view.ring("seam.value").breaks == []
    assert view.counters["backfilled"] >= 1000
    assert view.counters["merged"] == view.counters["chainBreaks"] == 0
