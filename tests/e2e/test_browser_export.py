"""What a panel shows, taken elsewhere: CSV, a picture, links; and its menu."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View, series
from tests.e2e.kinds_board import Open, publish_loads
from tests.e2e.test_browser_view import drag
from tests.e2e.wire import sample

EVIL = '=HYPERLINK("http://x")'
RGB = "getComputedStyle({}).{}.match(/\\d+/g).slice(0, 3).map(Number)"


def item(view: View, metric: str, label: str) -> None:
    view.page.click(f"[data-metric='{metric}'] .panel-header [aria-haspopup=menu]")
    view.page.click(f".menu-item:has-text('{label}')")


def exported(view: View, metric: str, label: str) -> tuple[str, Path]:
    with view.page.expect_download() as download:
        item(view, metric, label)
    return download.value.suggested_filename, Path(download.value.path())


def fill(publisher: Publisher, live: View) -> list[Any]:
    lines = [series("export.value", 400, back_s=50, step_s=0.1), series("export.value", 40, back_s=50, step_s=1)]
    for each in lines[0]:
        each.update(tags={"line": "a"}, unit="°C", value=each["value"] / 7 - 20)
    for each in lines[1]:
        each.update(tags={"line": 'b "x", y'}, value=-1e300)
    lines[0][200]["value"] = None
    events = [
        sample("export.notes", text, lines[0][at]["time"], kind="event") for at, text in ((150, EVIL), (160, "b"))
    ]
    publisher.publish(*lines[0], *lines[1], *events)
    live.until_painted("export.value", 400, line="a")
    live.until_painted("export.value", 40, line='b "x", y')
    live.until("document.querySelectorAll('.sg-event-line').length === 2")
    return [*lines[0], *lines[1]]


def test_csv_is_every_held_sample_in_view(live: View, publisher: Publisher) -> None:
    fill(publisher, live)
    drag(live, "export.value", 0.3, 0.7)
    live.until("streamgauge.view.state === 'looking back' && streamgauge.panels().every(({ live }) => !live)")
    live.until("(({ from, to }) => streamgauge.panels().every((each) => each.from === from))(streamgauge.view.range)")
    live.page.mouse.move(5, 5)
    name, path = exported(live, "export.value", "Export CSV")
    panel = live.panel("export.value")
    assert name.startswith("export.value_20") and name.endswith("Z.csv")
    raw = path.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    header, *rows = csv.reader(io.StringIO(raw.decode(), newline=""))
    columns = ["export.value{line=a} [°C]", 'export.value{line=b "x", y}', "export.notes"]
    assert header == ["time", "unix_s", *columns]
    for column, line in ((2, "a"), (3, 'b "x", y')):
        got = [(float(row[1]), float(row[column])) for row in rows if row[column]]
        held = live.ring("export.value", line=line).pairs
        wanted = [(when, value) for when, value in held if panel["from"] <= when <= panel["to"]]
        assert len(wanted) > 10
        same = [(when, float("nan") if value is None else float(value)) for when, value in wanted]
        assert str(got) == str(same), "to the last digit"
    assert [row[4] for row in rows if row[4]] == [f"'{EVIL}", "b"]
    assert [float(row[1]) for row in rows] == sorted(float(row[1]) for row in rows)
    assert {row[0][:19] for row in rows} == {
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(round(float(row[1]), 3))) for row in rows
    }


def test_hidden_lines_are_not_exported(live: View, publisher: Publisher) -> None:
    fill(publisher, live)
    live.page.click(live.entry("export.value", {"line": "a"}))
    live.until("streamgauge.painted('export.value', { line: 'a' }) === null")
    _, path = exported(live, "export.value", "Export CSV")
    assert next(csv.reader(io.StringIO(path.read_text(), newline="")))[2:] == [
        'export.value{line=b "x", y}',
        "export.notes",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_has_the_line_where_it_is(live: View, publisher: Publisher, scheme: Any) -> None:
    live.page.emulate_media(color_scheme=scheme)
    publisher.publish(*series("export.value", 27, back_s=54, step_s=2), sample("export.value", 60.0))
    live.until_painted("export.value", 28)
    live.page.click("#pause")
    live.until("document.querySelector('#pause').textContent === 'Resume'")
    live.until("document.querySelector('.xtick text').textContent.includes(':')")
    name, path = exported(live, "export.value", "Export PNG")
    assert name.endswith(".png")
    plot = live.page.locator("[data-metric='export.value'] .plot").bounding_box()
    assert plot is not None
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    pixels: Any = picture.load()
    assert width == round(plot["width"]) * 2
    assert 500 < height < 700
    card = live.js(RGB.format("document.querySelector('.panel')", "backgroundColor"))
    line = live.js(RGB.format("document.querySelector('.sg-line')", "stroke"))
    text = live.js(RGB.format("document.querySelector('.panel-title')", "color"))

    def pixel(x: float, y: float) -> list[int]:
        return list(pixels[round(x), round(y)])

    def near(wanted: list[int], x0: float, y0: float, x1: float, y1: float) -> int:
        points = ((x, y) for x in range(int(x0), int(x1)) for y in range(int(y0), int(y1)))
        return sum(max(abs(a - b) for a, b in zip(pixel(*each), wanted, strict=True)) < 40 for each in points)

    assert pixel(3, 3) == card
    (points,) = live.painted("export.value").points
    left, top = 68, 58 + 10  # margin of the plot; head of the picture and margin of the plot
    for x, y in points[2:-2:6]:
        there = [2 * (left + x) - 3, 2 * (top + y) - 3, 2 * (left + x) + 4, 2 * (top + y) + 4]
        assert near(line, *there) >= 4, (x, y)
    x, y = points[25]
    assert near(line, 2 * (left + x) - 8, 2 * (top + y) - 60, 2 * (left + x) + 8, 2 * (top + y) - 40) == 0
    assert near(text, 32, 20, 300, 60) > 100, "the title"
    assert near(line, 32, height - 60, 70, height - 10) >= 40, "the swatch of the legend"


@pytest.mark.parametrize("kind", ["Stat", "Bars", "Table", "Heat"])
def test_a_picture_of_a_kind_is_what_is_seen(kinds: Open, publisher: Publisher, kind: str) -> None:
    now = time.time()
    publish_loads(publisher, now)
    publisher.publish(
        *(
            sample("kind.spread", [float(line)] * 9, [now - 9 + each for each in range(9)], tags={"n": str(line)})
            for line in range(20)
        )
    )
    view = kinds()
    view.until(
        "document.querySelectorAll('.stat-tile').length === 4 && document.querySelectorAll('.kind-bar').length === 3"
    )
    view.until("document.querySelectorAll('.rank tbody tr').length === 4 && document.querySelector('.heat-step')")
    view.page.click("#pause")
    view.until("document.querySelector('#pause').textContent === 'Resume'")
    panel = f".panel:has(.panel-title:text-is('{kind}'))"
    plot = view.page.locator(f"{panel} .plot")
    plot.scroll_into_view_if_needed()
    view.page.mouse.move(2, 2)
    view.page.wait_for_timeout(500)
    seen = Image.open(io.BytesIO(plot.screenshot())).convert("RGB")
    with view.page.expect_download() as download:
        view.page.click(f"{panel} .panel-header [aria-haspopup=menu]")
        view.page.click(".menu-item:has-text('Export PNG')")
    picture = Image.open(Path(download.value.path())).convert("RGB")
    head = 2 * 58
    drawn = picture.crop((0, head, 2 * seen.width, head + 2 * seen.height)).resize(seen.size)
    difference = ImageStat.Stat(ImageChops.difference(seen, drawn)).mean
    blank = ImageStat.Stat(ImageChops.difference(seen, Image.new("RGB", seen.size, seen.getpixel((1, 1))))).mean
    assert sum(difference) < 0.3 * sum(blank), (difference, blank)


def test_csv_of_a_kind_is_whole(kinds: Open, publisher: Publisher) -> None:
    """It has no line beyond the most: what it ranks and leaves out is in the file all the same."""
    now = time.time()
    hosts = [f"h{number:03}" for number in range(70)]
    publisher.publish(*(sample("kind.load", [1.0, 2.0], [now - 2, now - 1], tags={"host": host}) for host in hosts))
    view = kinds()
    view.until("document.querySelectorAll('.kind-bar').length === 3")
    with view.page.expect_download() as download:
        view.page.click(".panel:has(.kind-bars) .panel-header [aria-haspopup=menu]")
        view.page.click(".menu-item:has-text('Export CSV')")
    header = next(csv.reader(io.StringIO(Path(download.value.path()).read_text(), newline="")))
    assert header[2:] == [f"kind.load{{host={host}}}" for host in hosts]


def test_the_menu_by_keyboard(live: View, publisher: Publisher) -> None:
    publisher.publish(sample("menu.value", 1.0))
    live.until_painted("menu.value", 1)
    button = "[data-metric='menu.value'] [aria-haspopup=menu]"
    live.page.focus(button)
    live.page.keyboard.press("Enter")
    focused = "document.activeElement.textContent"
    live.until(f"{focused} === 'Full screen'")
    assert live.page.get_attribute(button, "aria-expanded") == "true"
    assert live.page.locator("[role=menu] [role=menuitem]").count() >= 5
    live.page.keyboard.press("ArrowDown")
    assert live.js(focused) == "Export CSV"
    live.page.keyboard.press("End")
    assert live.js(focused) == "Copy embed code"
    live.page.keyboard.press("ArrowDown")
    assert live.js(focused) == "Full screen"
    live.page.keyboard.press("Escape")
    live.until(f"document.querySelector(\"{button}\").getAttribute('aria-expanded') === 'false'")
    live.until(f'document.activeElement === document.querySelector("{button}")')
    live.page.click(button)
    live.until("document.querySelector('.menu').matches(':popover-open')")
    live.page.click(button)
    live.until("!document.querySelector('.menu').matches(':popover-open')")
    box = live.page.locator(".menu")
    live.page.set_viewport_size({"width": 390, "height": 844})
    live.page.click(button)
    place = box.bounding_box()
    assert place is not None
    assert place["x"] >= 0 and place["x"] + place["width"] <= 390


def test_links_are_copied(live: View, publisher: Publisher) -> None:
    publisher.publish(sample("menu.value", 1.0))
    live.until_painted("menu.value", 1)
    live.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    item(live, "menu.value", "Copy link")
    live.until("document.querySelector('.menu').textContent.includes('Copied')")
    link = live.js("navigator.clipboard.readText()")
    assert link == f"{live.url}embed?metric=menu.value"
    live.until("!document.querySelector('.menu').matches(':popover-open')")
    item(live, "menu.value", "Copy embed code")
    live.until("document.querySelector('.menu').textContent.includes('Copied')")
    assert live.js("navigator.clipboard.readText()").startswith(f'<iframe src="{link}" title="menu.value"')


def test_a_panel_on_the_whole_screen_and_back(live: View, publisher: Publisher) -> None:
    publisher.publish(*series("full.value", 100, back_s=50, step_s=0.5), sample("full.other", 1.0))
    live.until_painted("full.value", 100)
    live.until_painted("full.other", 1)
    item(live, "full.value", "Full screen")
    drawn = "document.querySelector('[data-metric=\"full.value\"] .main-svg').getBoundingClientRect()"
    live.until(f"{drawn}.width > 1350 && {drawn}.height > 700")
    live.until("Math.max(...streamgauge.painted('full.value').path.match(/(?<=,)[\\d.]+/g).map(Number)) > 500")
    live.until("document.querySelector('.full-state').textContent === 'live · view live'")
    live.page.keyboard.press("Escape")
    live.until(f"{drawn}.height === 190 && !document.querySelector('.is-full, .full-state')")
    assert live.js("document.fullscreenElement") is None
    assert live.js("document.activeElement.getAttribute('aria-label')") == "More: full.value"
    live.js("void (Element.prototype.requestFullscreen = () => Promise.reject(new Error('refused')))")
    item(live, "full.value", "Full screen")
    live.until(f"{drawn}.width > 1350 && {drawn}.height > 700")
    live.page.click("[aria-label='Leave full screen']")
    live.until(f"{drawn}.height === 190")
