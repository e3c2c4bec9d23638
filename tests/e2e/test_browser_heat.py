"""Heat maps, and thresholds behind lines: what they say, and what is seen of it."""

import time
from base64 import b64encode

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.kinds_board import CELLS, Open, panel, plain, publish_loads, texts, until_text
from tests.e2e.wire import sample


def test_a_heat_map_colours_the_cells_where_samples_are(kinds: Open, publisher: Publisher) -> None:
    at = time.time() - 30
    for index in range(100):
        value = 85.0 if index < 90 else 5.0
        publisher.publish(sample("kind.spread", value, at, tags={"n": str(index)}, unit="%"))
    publisher.publish(sample("kind.spread", None, at + 10, tags={"n": "0"}, unit="%"))
    view = kinds(f"&at={at + 20:.3f}")
    view.until(f"({CELLS})().found.length === 2")
    cells = view.js(CELLS)
    (x, top, *many), (other, bottom, *few) = cells["found"]
    assert x == other
    assert many != few, "ninety look different from ten"
    assert [int(20 * (1 - (row + 0.5) / cells["height"])) for row in (top, bottom)] == [17, 1]
    left, above, width, height = cells["box"]
    column, row = width / cells["width"], height / cells["height"]
    view.page.mouse.move(left + (x + 0.5) * column, above + (top + 0.5) * row)
    until_text(view, f"{panel('Heat')} .tip-value", "90 samples")
    part = 100 / cells["height"]
    low = 85 // part * part
    assert plain(view.text(f"{panel('Heat')} .tip-label")) == f"{low:g} % - {low + part:g} %"
    view.page.mouse.move(left + (x + 0.5) * column, above + (top + 1.5) * row)
    until_text(view, f"{panel('Heat')} .tip-value", "0 samples")
    view.page.mouse.move(left + (x + 2.5) * column, above + (top + 0.5) * row)
    until_text(view, f"{panel('Heat')} .tip-value", "no samples at that time")
    assert texts(view, ".heat-step")[-1] == "100"
    assert "100 series, up to 100 samples a cell" in (view.page.locator(".heat-plot").get_attribute("aria-label") or "")


def test_a_heat_map_is_read_with_arrow_keys(kinds: Open, publisher: Publisher) -> None:
    at = time.time() - 1
    publisher.publish(sample("kind.spread", [5.0, 95.0], [at, at], unit="%"))
    view = kinds()
    view.until(f"({CELLS})().found.length === 2")
    view.page.click("#pause")
    view.page.locator(".heat-plot").focus()
    view.page.keyboard.press("ArrowUp")
    view.until("document.querySelector('.tip[role=status]')?.hidden === false")
    for _ in range(40):
        view.page.keyboard.press("ArrowUp")
    assert plain(view.text(f"{panel('Heat')} .tip-label")).endswith("- 100 %")
    view.page.keyboard.press("Escape")
    assert view.page.locator(f"{panel('Heat')} .tip").is_hidden()


BANDS = """(title) => [...document.querySelectorAll(`${title} .sg-band`)].map((each) => {
    const [fill, edge] = each.children;
    const { level } = each.dataset;
    const text = each.closest('.sg-layer').querySelector(`.sg-band-text[data-level=${level}]`).textContent;
    const [top, height] = ['y', 'height'].map((name) => Number(fill.getAttribute(name)));
    return [level, top, height, text, getComputedStyle(edge).strokeDasharray];
})"""


def test_thresholds_are_bands_behind_the_lines(kinds: Open, publisher: Publisher, open_view: Open) -> None:
    publish_loads(publisher, time.time())
    view = kinds()
    view.page.locator(panel("Lines")).scroll_into_view_if_needed()
    view.until(
        "(title) => document.querySelector(`${title} .sg-band rect`)?.getAttribute('height') > 0", panel("Lines")
    )
    height = view.js("(title) => document.querySelector(`${title} .plot`).clientHeight - 34", panel("Lines"))
    bad, warn = view.js(BANDS, panel("Lines"))
    assert [bad[0], plain(bad[3]), warn[0], plain(warn[3])] == ["bad", "bad above 90 %", "warn", "warn above 70 %"]
    assert bad[1:3] == pytest.approx([0, 0.1 * height], abs=0.5)
    assert warn[1:3] == pytest.approx([0, 0.3 * height], abs=0.5)
    assert bad[4] != warn[4], "not told apart by colour alone"
    order = "(title) => [...document.querySelector(`${title} .sg-layer`).children].map((each) => each.classList[0])"
    assert view.js(order, panel("Lines"))[0] == "sg-bands"
    blank = open_view()
    for theme in ("dark", "light"):
        view.js("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        picture = view.page.locator(f"{panel('Lines')} .plot").screenshot(animations="disabled")
        above, between, below = blank.page.evaluate(MEANS, [b64encode(picture).decode(), [0.05, 0.2, 0.6], height])
        assert distance(above, between) > 3
        assert distance(between, below) > 3


MEANS = """
async ([picture, places, height]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return places.map((place) => {
        const { data } = context.getImageData(200, Math.round(10 + place * height) - 4, 60, 8);
        const sum = (part) => data.filter((_, at) => at % 4 === part).reduce((all, each) => all + each, 0);
        return [0, 1, 2].map((part) => sum(part) / (data.length / 4));
    });
}
"""


def distance(one: list[float], other: list[float]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def test_a_drag_over_a_heat_map_zooms_and_a_double_click_goes_back(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    publisher.publish(sample("kind.spread", [10.0, 20.0], [now - 28, now - 1]))
    view = kinds()
    view.until(f"({CELLS})().found.length === 2")
    box = view.page.locator(".heat-plot").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    view.page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 0.75 * box["width"], middle, steps=4)
    assert view.page.locator(".heat-zoom").is_visible()
    view.page.mouse.up()
    view.until("streamgauge.view.state === 'looking back'")
    shown = view.js("streamgauge.view.range.to - streamgauge.view.range.from")
    assert 29 < shown < 45, "half of what was shown, and what passed meanwhile"
    view.until(f"({CELLS})().found.length === 1")
    view.page.locator(".heat-plot").dblclick()
    view.until("streamgauge.view.state === 'live'")
    view.until(f"({CELLS})().found.length === 2")
