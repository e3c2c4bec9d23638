"""What a panel shows in the place of its series: rates of counters, one series of many, by tags: values painted."""

import math
import time
from pathlib import Path

import pytest

from dashboard.boards import PanelSpec, parse
from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Site, View
from tests.e2e.wire import sample

Rows = list[tuple[float, float | None]]


@pytest.fixture
def url(site: Site, tmp_path: Path) -> str:
    return site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))


@pytest.fixture
def start() -> float:
    """A whole second, so that what is published at thirds of seconds after it is in known bins."""
    return math.floor(time.time()) - 20.0


def counter(publisher: Publisher, metric: str, start: float, values: list[float], at: float = 0.3, **tags: str) -> None:
    times = [start + index + at for index in range(len(values))]
    publisher.publish(sample(metric, values, time=times, tags=tags, kind="counter", unit="req"))


def gauge(publisher: Publisher, metric: str, start: float, values: list[float | None], **tags: str) -> None:
    times = [start + index + 0.5 for index in range(len(values))]
    publisher.publish(sample(metric, values, time=times, tags=tags))


def until_painted(view: View, metric: str, start: float, rows: Rows, **tags: str) -> None:
    """Waits until exactly these values, at these seconds after the start, are painted."""
    view.until(
        """([metric, tags, start, rows]) => {
            const line = streamgauge.painted(metric, tags);
            if (!line || line.times.length !== rows.length) return false;
            const near = (a, b) => a === b || (a !== null && b !== null && Math.abs(a - b) < 1e-4);
            return rows.every(([time, value], at) => near(line.times[at] - start, time) &&
                near(line.values[at], value));
        }""",
        [metric, tags, start, [list(row) for row in rows]],
    )


def header(view: View) -> str:
    return view.text(".panel-tags")


def board(path: Path, text: str) -> str:
    (path / "one.toml").write_text(f"[[panels]]\n{text}\n")
    return "?dashboard=one"


def test_among_all_metrics_a_counter_is_what_it_gains_a_second(
    publisher: Publisher, url: str, start: float, view: View
) -> None:
    counter(publisher, "shop.hits", start, [100, 110, 130, 5, 5], route="/a")
    view.open(url)
    until_painted(view, "shop.hits", start, [(1.3, 10), (2.3, 20), (3.3, 5), (4.3, 0)], route="/a")
    assert header(view) == "route=/a · per second"
    view.until("document.querySelector('.entry-value').textContent === '0\\u202freq/s'")
    publisher.publish(sample("shop.hits", 25.0, time=start + 5.3, tags={"route": "/a"}, kind="counter"))
    until_painted(view, "shop.hits", start, [(1.3, 10), (2.3, 20), (3.3, 5), (4.3, 0), (5.3, 20)], route="/a")


def test_a_panel_that_wants_a_counter_as_it_is_gets_that(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    counter(publisher, "shop.hits", start, [100, 110, 130])
    view.open(url + board(tmp_path, 'metric = "shop.hits"\nrate = false'))
    until_painted(view, "shop.hits", start, [(0.3, 100), (1.3, 110), (2.3, 130)])
    assert header(view) == ""


def test_the_sum_of_rates_by_a_tag(publisher: Publisher, url: str, start: float, view: View, tmp_path: Path) -> None:
    counter(publisher, "shop.hits", start, [0, 10, 20, 30], at=0.3, route="/a", host="x")
    counter(publisher, "shop.hits", start, [50, 51, 53, 2], at=0.6, route="/a", host="y")
    counter(publisher, "shop.hits", start, [7, 7, 7, 8], at=0.3, route="/b", host="x")
    view.open(url + board(tmp_path, 'metric = "shop.hits"\naggregate = "sum"\ngroup_by = ["route"]'))
    until_painted(view, "shop.hits", start, [(1.6, 11), (2.6, 12), (3.6, 12)], route="/a")
    until_painted(view, "shop.hits", start, [(1.3, 0), (2.3, 0), (3.3, 1)], route="/b")
    view.until("document.querySelector('.panel-tags').textContent === 'sum of 3 by route, per second'")
    assert sorted(view.page.locator(".entry-label").all_inner_texts()) == ["/a", "/b"]
    counter(publisher, "shop.hits", start + 4, [35], route="/a", host="x")
    until_painted(view, "shop.hits", start, [(1.6, 11), (2.6, 12), (3.6, 12), (4.3, 7)], route="/a")
    counter(publisher, "shop.hits", start + 4, [5], at=0.6, route="/a", host="y")
    until_painted(view, "shop.hits", start, [(1.6, 11), (2.6, 12), (3.6, 12), (4.6, 8)], route="/a")


def test_a_percentile_of_all_with_its_gaps_and_what_comes_late(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    for at, host in enumerate("abcde"):
        gauge(publisher, "cpu.use", start, [10.0 * at, 10.0 * at, None], host=host)
    view.open(url + board(tmp_path, 'metric = "cpu.use"\naggregate = "p90"\nunit = "%"'))
    until_painted(view, "cpu.use", start, [(0.5, 36), (1.5, 36), (2.5, None)])
    view.until("document.querySelector('.entry-label').textContent === 'p90'")
    assert header(view) == "p90 of 5"
    late = sample("cpu.use", [90.0, 90.0], time=[start + 0.4, start + 1.4], tags={"host": "late"})
    publisher.publish(late)
    until_painted(view, "cpu.use", start, [(0.5, 65), (1.5, 65), (2.5, 90)])


def test_a_pause_shows_what_it_showed_and_then_everything(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    gauge(publisher, "cpu.use", start, [1.0, 2.0], host="a")
    view.open(url + board(tmp_path, 'metric = "cpu.use"\naggregate = "sum"'))
    until_painted(view, "cpu.use", start, [(0.5, 1), (1.5, 2)])
    view.page.click("#pause")
    view.until("streamgauge.view.paused")
    ahead = time.time()
    publisher.publish(sample("cpu.use", 7.0, time=ahead, tags={"host": "a"}))
    view.until_held("cpu.use", 3, host="a")
    view.until("streamgauge.panels()[0].visible && !streamgauge.panels()[0].live")
    assert view.painted("cpu.use").values[:2] == [1, 2]
    assert ahead > view.panel("cpu.use")["to"], "it is beyond the edge"
    view.page.click("#pause")
    until_painted(view, "cpu.use", start, [(0.5, 1), (1.5, 2), (ahead - start, 7)])


def test_tiles_and_tables_show_what_is_worked_out(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    for route, host, step in (("/a", "x", 3), ("/a", "y", 4), ("/b", "x", 5)):
        counter(publisher, "shop.hits", start, [float(step * at) for at in range(20)], route=route, host=host)
    text = 'metric = "shop.hits"\naggregate = "sum"\n{}\n'
    tile = text.format('kind = "stat"\nthresholds = [{ above = 11, level = "bad" }]')
    table = "[[panels]]\n" + text.format('kind = "table"\ngroup_by = ["route"]\nwidth = 2')
    view.open(url + board(tmp_path, tile + table))
    view.until("document.querySelector('.panel .kind')?.textContent.replaceAll('\\u202f', ' ').includes('12 req/s')")
    view.until("document.querySelectorAll('.rank tbody tr').length === 2")
    rows = [row.replace("\u202f", " ") for row in view.page.locator(".rank tbody tr").all_text_contents()]
    assert rows[0].startswith("/a") and "7 req/s" in rows[0]
    assert rows[1].startswith("/b") and "5 req/s" in rows[1]


def test_lines_have_the_unit_that_their_panel_says(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    gauge(publisher, "cpu.use", start, [1.0, 2.0], host="a")
    view.open(url + board(tmp_path, 'metric = "cpu.use"\nunit = "ms"'))
    until_painted(view, "cpu.use", start, [(0.5, 1), (1.5, 2)], host="a")
    view.until("document.querySelector('.entry-value').textContent === '2\\u202fms'")


def test_all_of_it_is_chosen_in_the_form_by_keyboard(
    publisher: Publisher, url: str, start: float, view: View, tmp_path: Path
) -> None:
    counter(publisher, "shop.hits", start, [0, 10, 20], route="/a", host="x")
    counter(publisher, "shop.hits", start, [0, 1, 3], route="/a", host="y")
    counter(publisher, "shop.hits", start, [0, 5, 10], route="/b", host="x")
    view.open(url + board(tmp_path, 'metric = "shop.hits"\nmin = 1'))
    until_painted(view, "shop.hits", start, [(1.3, 5), (2.3, 5)], route="/b", host="x")
    view.page.click("#edit")
    view.page.focus("[data-action=configure]")
    keys = view.page.keyboard
    keys.press("Enter")
    form = view.page.locator(".panel-form[open]")
    assert view.text(".form-note") == "Now selects 3 series. Shows them per second."
    assert not form.locator("[name=group_by]").is_visible(), "there is nothing to group yet"
    assert not form.locator("[name=top]").is_visible(), "lines have no use for it"
    keys.press("Tab")
    keys.press("Tab")
    keys.type("s")
    assert view.text(".form-note") == "Now selects 3 series. Shows one: sum of 3, per second."
    keys.press("Tab")
    keys.type("rout")
    assert view.text(".form-note").endswith("None has rout.")
    keys.type("e")
    assert view.text(".form-note") == "Now selects 3 series. Shows 2: sum of 3 by route, per second."
    form.locator("[name=kind]").select_option("table")
    form.locator("[name=top]").fill("201")
    assert view.text("#top-note") == "expected 1 to 200"
    assert view.text(".form-note") == "At most: expected 1 to 200"
    keys.press("Enter")
    assert form.is_visible(), "it is not as it should be"
    form.locator("[name=top]").fill("1")
    form.locator("[name=unit]").fill("hits")
    keys.press("Enter")
    view.page.wait_for_selector(".panel-form[open]", state="hidden")
    view.until("document.querySelectorAll('.rank tbody tr').length === 1")
    view.page.click(".edit-bar .primary")
    view.page.wait_for_selector(".edit-bar", state="hidden")
    expected = PanelSpec("shop.hits", kind="table", aggregate="sum", group_by=("route",), unit="hits", top=1, min=1.0)
    assert parse((tmp_path / "one.toml").read_text()).panels == (expected,)
