"""Tiles, bars and tables: what they say, and what is seen of it."""

import re
import time
from base64 import b64encode
from pathlib import Path

from dashboard.boards import parse
from tests.e2e.backstage import Publisher
from tests.e2e.kinds_board import (
    CELLS,
    HOSTILE,
    Open,
    bars,
    plain,
    publish_loads,
    speak_again,
    texts,
    tile,
    until_text,
)
from tests.e2e.wire import sample


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
    view.until(f"new Set({colours}).size === 3")  # as usual, warn, bad
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
    assert re.fullmatch(r"[34]\d s ago", view.text(".kind-bar:has([title=old]) .kind-bar-age"))
    assert re.fullmatch(r"[34]\d s ago", view.text(".rank tr:has([title=old]) .rank-age"))
    publisher.publish(sample("kind.load", 7.0, tags={"host": "new"}, unit="%"))
    colour = "(name) => getComputedStyle(document.querySelector(`.stat-tile:has([title=${name}]) .stat-value`)).color"
    view.until(f"() => ({colour})('old') !== ({colour})('new')")
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


def test_bars_are_as_long_as_their_values_and_in_order(kinds: Open, publisher: Publisher) -> None:
    publish_loads(publisher, time.time())
    view = kinds()
    until_text(view, ".kind-bars .kind-more", "the first 3 of 4")
    assert bars(view) == [["b", "95 %", "bad", 95], ["c", "72 %", "warn", 72], ["a", "50 %", "", 50]]
    speak_again(publisher, view)
    assert view.js("document.querySelector('.kind-bar-track').getBoundingClientRect().width") > 60
    view.until("getComputedStyle(document.querySelector('.kind-bar-fill')).backgroundImage.includes('gradient')")
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
    figures = [
        texts(view, f".rank tbody tr:first-child {cell}")
        for cell in (".kind-level", ".rank-value span:last-child", ".rank-change", ".rank-min", ".rank-max")
    ]
    assert figures == [["bad"], ["95 %"], ["▲ +15 pp (+19 %)"], ["80 %"], ["95 %"]]
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
    view.page.fill(".panel-form [name=thresholds]", "above 60 high")
    view.page.focus(".panel-form [name=title]")
    view.page.keyboard.press("Enter")
    assert view.text(".form-note").startswith("Thresholds: expected")
    assert view.page.evaluate("document.activeElement.name") == "thresholds", "there it is to be mended"
    view.page.fill(".panel-form [name=thresholds]", "< 60 bad")
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
