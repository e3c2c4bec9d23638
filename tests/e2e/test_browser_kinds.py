"""Panels other than lines: what they say, and what is seen of it."""

import re
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.boards import parse
from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Site, View
from tests.e2e.wire import sample

HOSTILE = "<img src=x onerror='window.hacked=1'>"
LIMITS = 'thresholds = [{ above = 90, level = "bad" }, { above = 70, level = "warn" }]'
BOARD = f"""\
[[panels]]
title = "Stat"
metric = "kind.load"
kind = "stat"
width = 2
{LIMITS}

[[panels]]
title = "Bars"
metric = "kind.load"
kind = "bars"
width = 2
top = 3
{LIMITS}

[[panels]]
title = "Table"
metric = "kind.load"
kind = "table"
width = 4
{LIMITS}

[[panels]]
title = "Lines"
metric = "kind.load"
width = 2
{LIMITS}

[[panels]]
title = "Heat"
metric = "kind.spread"
kind = "heat"
width = 2
height = 2
"""
LOADS = {"a": [40.0, 50.0], "b": [80.0, 95.0], "c": [75.0, 72.0], HOSTILE: [10.0, 10.0]}

Open = Callable[..., View]


@pytest.fixture
def kinds(site: Site, tmp_path: Path, publisher: Publisher, view: View) -> Open:
    """Opens a dashboard with one panel of each kind."""
    (tmp_path / "kinds.toml").write_text(BOARD)
    url = site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))

    def opened(query: str = "", state: str = "live") -> View:
        view.open(f"{url}?dashboard=kinds{query}", state)
        return view

    return opened


def publish_loads(publisher: Publisher, now: float) -> None:
    for host, values in LOADS.items():
        publisher.publish(sample("kind.load", values, [now - 40, now - 1], tags={"host": host}, unit="%"))


def speak_again(publisher: Publisher, view: View) -> None:
    """Nobody is grey."""
    publisher.publish(*[sample("kind.load", values[1], tags={"host": host}) for host, values in LOADS.items()])
    view.until("document.querySelector('.stat-tile') && !document.querySelector('.panel .stale')")


def plain(text: str) -> str:
    """Ordinary spaces and dashes."""
    return " ".join(text.translate({0x202F: " ", 0x2212: "-", 0x2013: "-"}).split())


def texts(view: View, selector: str) -> list[str]:
    return [plain(each) for each in view.page.locator(selector).all_inner_texts()]


def panel(title: str) -> str:
    return f".panel:has(> .panel-header > .panel-title[title='{title}'])"


def until_text(view: View, selector: str, text: str) -> None:
    view.until(
        "([selector, text]) => document.querySelector(selector)?.textContent.replaceAll('\\u202f', ' ') === text",
        [selector, text],
    )


def tile(name: str) -> str:
    return f'.stat-tile:has(.stat-name[title="{name}"])'


def test_a_tile_says_value_change_and_threshold(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    publish_loads(publisher, now)
    view = kinds()
    until_text(view, f"{tile('b')} .stat-number", "95")
    assert texts(view, ".stat-name") == [HOSTILE, "a", "b", "c"]
    assert plain(view.text(f"{tile('a')} .stat-value")) == "50 %"
    assert [plain(each) for each in view.page.locator(".stat-change").all_text_contents()] == [
        "→no change",
        "▲+10 pp(+25 %)",
        "▲+15 pp(+19 %)",
        "▼-3 pp(-4 %)",
    ]
    levels = view.js(
        "[...document.querySelectorAll('.stat-tile .kind-level')].map((each) => [each.textContent, each.title])"
    )
    assert [[level, plain(why)] for level, why in levels] == [
        ["", ""],
        ["", ""],
        ["bad", "above 90 %"],
        ["warn", "above 70 %"],
    ]
    speak_again(publisher, view)
    colours = "[...document.querySelectorAll('.stat-value')].map((each) => getComputedStyle(each).color)"
    assert len(set(view.js(colours))) == 3, "as usual, warn and bad have colours of their own"
    publisher.publish(sample("kind.load", 20.0, tags={"host": "b"}, unit="%"))
    until_text(view, f"{tile('b')} .stat-number", "20")
    assert plain(view.page.locator(f"{tile('b')} .stat-change").text_content() or "") == "▼-60 pp(-75 %)"
    assert view.js(f"document.querySelector(`{tile('b')}`).dataset.level") == ""
    assert view.page.locator(".panel img").count() == 0
    assert view.js("window.hacked") is None


def test_paused_it_shows_what_was_at_the_right_edge(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    publish_loads(publisher, now)
    publisher.publish(sample("kind.load", None, now - 20, tags={"host": "c"}, unit="%"))
    view = kinds(f"&at={now - 15:.3f}")
    until_text(view, f"{tile('b')} .stat-number", "80")
    assert view.text(f"{tile('b')} .stat-age") == "25 s ago"
    assert view.text(f"{tile('c')} .stat-number") == "gap"
    assert texts(view, ".rank tbody .rank-key")[0] == "b"
    until_text(view, ".kind-bars .kind-bar:first-child .kind-bar-value", "80 %")
    publisher.publish(sample("kind.load", 33.0, tags={"host": "b"}, unit="%"))
    view.until_held("kind.load", 3, host="b")
    view.page.set_viewport_size({"width": 1200, "height": 900})  # everything is drawn again
    view.until("Math.round(document.querySelector('.stat-tiles').getBoundingClientRect().width) < 620")
    assert view.text(f"{tile('b')} .stat-number") == "80"
    view.page.click("#pause")
    until_text(view, f"{tile('b')} .stat-number", "33")


def test_who_fell_silent_is_grey_and_says_since_when(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    publisher.publish(sample("kind.load", [5.0, 6.0], [now - 31, now - 30], tags={"host": "old"}, unit="%"))
    publisher.publish(sample("kind.load", 7.0, tags={"host": "new"}, unit="%"))
    view = kinds()
    view.until(f"document.querySelector(`{tile('old')}`)?.classList.contains('stale')")
    assert re.fullmatch(r"[34]\d s ago", view.text(f"{tile('old')} .stat-age"))
    assert re.fullmatch(r"[34]\d s ago", view.text(".kind-bar.stale .kind-bar-age"))
    assert re.fullmatch(r"[34]\d s ago", view.text(".rank tr.stale .rank-age"))
    colour = "(selector) => getComputedStyle(document.querySelector(selector)).color"
    grey, fresh = (view.js(colour, f"{tile(name)} .stat-value") for name in ("old", "new"))
    assert grey != fresh
    publisher.publish(sample("kind.load", 8.0, tags={"host": "old"}, unit="%"))
    view.until(f"!document.querySelector(`{tile('old')}`).classList.contains('stale')")


def test_a_spike_is_seen_in_a_line_of_a_tile(kinds: Open, publisher: Publisher, open_view: Open) -> None:
    now = time.time()
    values = [1.0 + at % 2 / 10 for at in range(4000)]
    values[2500] = 60.0
    publisher.publish(sample("kind.load", values, [now - 40 + at / 100 for at in range(4000)], tags={"host": "a"}))
    view = kinds()
    until_text(view, ".stat-tile .stat-number", "1.1")
    view.page.click("#pause")
    view.until("document.documentElement.classList.contains('paused')")
    picture = view.page.locator(".stat-tile .kind-spark").screenshot(animations="disabled")
    rows = open_view().page.evaluate(ROWS, b64encode(picture).decode())
    assert all(rows[3:-4]), "something of the line in every row between its bottom and the top of the spike"


ROWS = """
async (picture) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const differs = (at) => [0, 1, 2].some((part) => Math.abs(data[4 * at + part] - data[part]) > 24);
    const row = (y) => Array.from({ length: width }, (_, x) => y * width + x);
    return Array.from({ length: height }, (_, y) => row(y).some(differs));
}
"""


def bars(view: View) -> list[list[Any]]:
    found: list[list[Any]] = view.js(
        "[...document.querySelectorAll('.kind-bar')].map((each) => [each.querySelector('.kind-bar-name').textContent,"
        " each.querySelector('.kind-bar-value').textContent, each.querySelector('.kind-level').textContent,"
        " 100 - parseFloat(each.querySelector('.kind-bar-fill').style.clipPath.split(' ')[1])])"
    )
    return [[name, plain(value), level, length] for name, value, level, length in found]


def test_bars_are_as_long_as_their_values_and_in_order(kinds: Open, publisher: Publisher) -> None:
    publish_loads(publisher, time.time())
    view = kinds()
    until_text(view, ".kind-bars .kind-more", "the first 3 of 4")
    assert bars(view) == [["b", "95 %", "bad", 95], ["c", "72 %", "warn", 72], ["a", "50 %", "", 50]]
    speak_again(publisher, view)
    assert view.js("document.querySelector('.kind-bar-track').getBoundingClientRect().width") > 60
    fill = "getComputedStyle(document.querySelector('.kind-bar-fill')).backgroundImage"
    assert "gradient" in view.js(fill), "bad is hatched"
    publisher.publish(sample("kind.load", 99.0, tags={"host": "a"}, unit="%"))
    view.until("document.querySelector('.kind-bar .kind-bar-name').textContent === 'a'")
    assert [name for name, *_ in bars(view)] == ["a", "b", "c"]


HEADS = (
    "[...document.querySelectorAll('.rank thead th')].map((each) => [each.textContent, each.getAttribute('aria-sort')])"
)


def test_the_table_is_sorted_by_its_heads(kinds: Open, publisher: Publisher) -> None:
    publish_loads(publisher, time.time())
    view = kinds()
    view.until("document.querySelectorAll('.rank tbody tr').length === 4")
    assert view.js(HEADS) == [
        ["host", "none"],
        ["Value", "descending"],
        ["Change", "none"],
        ["Min", "none"],
        ["Max", "none"],
        ["Trend", None],
    ]
    assert texts(view, ".rank tbody th") == ["b", "c", "a", HOSTILE]
    assert texts(view, ".rank tbody tr:first-child td") == ["bad 95 %", "▲ +15 pp (+19 %)", "80 %", "95 %", ""]
    assert view.page.locator(".rank tbody tr:first-child .kind-spark").get_attribute("aria-label") == (
        "from 80\u202f% to 95\u202f%"
    )
    view.page.get_by_role("button", name="Change").click()
    until_text(view, ".rank tbody th", "b")
    view.page.get_by_role("button", name="Change").press("Enter")
    until_text(view, ".rank tbody th", "c")
    assert view.js(HEADS)[2] == ["Change", "ascending"]
    view.page.get_by_role("button", name="host", exact=True).press("Space")
    until_text(view, ".rank tbody th", HOSTILE)
    assert texts(view, ".rank tbody th") == [HOSTILE, "a", "b", "c"]
    assert view.page.locator(".panel img").count() == 0


CELLS = """() => {
    const canvas = document.querySelector('.heat-cells');
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const found = [];
    for (let at = 0; at < width * height; at++) {
        const [red, green, blue, alpha] = data.slice(4 * at, 4 * at + 4);
        if (alpha === 255) found.push([at % width, Math.floor(at / width), red, green, blue]);
    }
    const box = canvas.getBoundingClientRect();
    return { found, width, height, box: [box.left, box.top, box.width, box.height] };
}"""


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


def test_a_hundred_series_in_every_kind(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    for index in range(100):
        tags = {"n": f"{index:02}"}
        publisher.publish(sample("kind.load", [float(index), float(index)], [now - 30, now - 1], tags=tags, unit="%"))
    view = kinds()
    until_text(view, ".stat-tiles .kind-more", "40 more, not shown")
    until_text(view, ".kind-bars .kind-more", "the first 3 of 100")
    until_text(view, ".rank .kind-more", "the first 20 of 100")
    assert [name for name, *_ in bars(view)] == ["99", "98", "97"]
    assert texts(view, ".rank tbody th") == [f"{99 - index}" for index in range(20)]
    assert view.page.locator(".stat-tile").count() == 60
    view.page.locator(".stat-tiles").focus()
    view.page.keyboard.press("End")
    view.until("document.querySelector('.stat-tiles').scrollTop > 0")


def test_a_kind_and_thresholds_are_chosen_in_the_form(kinds: Open, publisher: Publisher, tmp_path: Path) -> None:
    publish_loads(publisher, time.time())
    view = kinds()
    until_text(view, f"{tile('b')} .stat-number", "95")
    view.page.click("#edit")
    view.page.click("[data-panel='0'] [data-action=configure]")
    assert view.page.input_value(".panel-form [name=thresholds]") == "above 90 bad, above 70 warn"
    view.page.select_option(".panel-form [name=kind]", "bars")
    view.page.fill(".panel-form [name=thresholds]", "above 60")
    view.page.keyboard.press("Enter")
    assert view.text(".form-note").startswith("Thresholds: expected")
    view.page.fill(".panel-form [name=thresholds]", "below 60 bad")
    view.page.keyboard.press("Enter")
    view.until("document.querySelector('[data-panel=\"0\"] .kind-bar')")
    assert view.page.locator("[data-panel='0'] .stat-tile").count() == 0
    assert view.page.locator("[data-panel='0'] .kind-bar[data-level=bad]").count() == 2
    view.page.click(".edit-bar .primary")
    view.page.wait_for_selector(".edit-bar", state="hidden")
    first, _, table, *_ = parse((tmp_path / "kinds.toml").read_text()).panels
    assert (first.kind, first.width, first.thresholds) == ("bars", 2, ({"below": 60.0, "level": "bad"},))
    assert (table.kind, len(table.thresholds)) == ("table", 2), "what was not touched is kept"


EXTREMES = {"large": [1e308, -1e308, 1.7976931348623157e308], "small": [5e-324, 1e-320, 1e-300], "zero": [0.0] * 3}


def test_every_number_can_be_shown(kinds: Open, publisher: Publisher) -> None:
    now = time.time()
    for metric in ("kind.load", "kind.spread"):
        for name, values in EXTREMES.items():
            publisher.publish(sample(metric, values, [now - 20, now - 10, now - 1], tags={"n": name}))
    view = kinds()
    view.until("document.querySelectorAll('.stat-tile, .kind-bar, .rank tbody tr').length === 9")
    view.until(f"({CELLS})().found.length >= 3")
    assert [name for name, *_ in bars(view)] == ["large", "small", "zero"]
    assert not re.search("NaN|Infinity|undefined|null", view.text("#panels"))
    paths = view.js("[...document.querySelectorAll('.kind-spark-line')].map((each) => each.getAttribute('d'))")
    assert len(paths) == 6 and not [each for each in paths if not re.fullmatch(r"M[\d.,L-]+", each)]


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
