"""Saved dashboards in the page, and that a link reproduces what is seen."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

SHOP = """\
title = "Shop <b>floor</b>"
window_s = 300

[[panels]]
title = "Slow"
metric = "shop.latency"
tags = { quantile = "p9*" }
width = 2
height = 2

[[panels]]
title = "Traffic"
metric = "shop.*s"

[[panels]]
metric = "nothing.yet"
"""
HOST = '[[panels]]\nmetric = "host.load"\nwidth = 4\n'


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text(SHOP)
    (tmp_path / "host.toml").write_text(HOST)
    return tmp_path


@pytest.fixture
def url(site: Site, shelf: Path) -> str:
    return site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(shelf))


def fill(publisher: Publisher) -> None:
    now = time.time()
    publisher.publish(
        *[sample("shop.latency", 1.0, now - 2, tags={"quantile": each}) for each in ("p50", "p95", "p99")],
        sample("shop.requests", 5.0, now - 2),
        sample("shop.errors", 6.0, now - 2),
        sample("host.load", 7.0, now - 2),
        sample("shop.deploys", "deploy 1", now - 3, kind="event"),
    )


def titles(view: View) -> list[str]:
    return view.page.locator(".panel-title").all_inner_texts()


def labels(view: View, metric: str) -> list[str]:
    return view.page.locator(f"[data-metric='{metric}'] .entry-label").all_inner_texts()


def test_panels_are_as_the_file_says(publisher: Publisher, url: str, view: View) -> None:
    fill(publisher)
    view.open(url + "?dashboard=shop")
    view.until_painted("shop.latency", 1, quantile="p99")
    view.until_painted("shop.requests", 1)
    assert titles(view) == ["Slow", "Traffic", "nothing.yet"]
    assert labels(view, "shop.latency") == ["p95", "p99"]
    assert labels(view, "shop.*s") == ["errors", "requests"]
    assert view.text("[data-panel='2'] .panel-none") == "Nothing is published as nothing.yet yet."
    assert view.page.locator(".panel").count() == 3
    assert view.js("streamgauge.view.windowS") == 300
    view.until("document.querySelectorAll('[data-panel=\"0\"] .sg-event-line').length === 1")
    slow, traffic = (view.page.locator(f"[data-panel='{at}'] .plot").bounding_box() for at in (0, 1))
    assert slow is not None and traffic is not None
    assert slow["width"] / traffic["width"] == pytest.approx(2, abs=0.1)
    assert slow["height"] > 2 * traffic["height"]
    drawn = "document.querySelector('[data-panel=\"0\"] .main-svg').getBoundingClientRect().height"
    view.until(f"(tall) => Math.abs({drawn} - tall) <= 1", slow["height"])
    publisher.publish(sample("nothing.yet", 3.0))
    view.until_painted("nothing.yet", 1)
    assert view.page.locator(".panel-none").count() == 0
    assert view.page.title() == "Shop <b>floor</b> · Streamgauge"
    assert view.page.locator("#board b, .board b").count() == 0


def test_dashboards_are_chosen_and_back_and_forward_work(publisher: Publisher, url: str, view: View) -> None:
    fill(publisher)
    view.open(url)
    view.until_painted("host.load", 1)
    everything = titles(view)
    assert view.page.locator("#board option").all_inner_texts() == ["All metrics", "host", "Shop <b>floor</b>"]
    view.page.select_option("#board", "host")
    view.until("document.querySelectorAll('.panel').length === 1")
    assert view.js("location.search") == "?dashboard=host"
    view.page.select_option("#board", "shop")
    view.until("document.querySelectorAll('.panel').length === 3")
    view.page.go_back()
    view.until("document.querySelectorAll('.panel').length === 1")
    assert titles(view) == ["host.load"]
    assert view.page.input_value("#board") == "host"
    view.until("streamgauge.view.windowS === 60")
    view.page.go_back()
    view.until(f"document.querySelectorAll('.panel').length === {len(everything)}")
    assert titles(view) == everything
    view.page.go_forward()
    view.page.go_forward()
    view.until("document.querySelectorAll('.panel').length === 3")
    view.until_painted("shop.requests", 1)
    view.until("streamgauge.view.windowS === 300")


def test_a_link_reproduces_what_was_seen(publisher: Publisher, url: str, view: View) -> None:
    fill(publisher)
    at = round(time.time() - 30, 3)
    publisher.publish(sample("shop.latency", [3.0, 4.0], [at - 20, at + 5], tags={"quantile": "p95"}))
    view.open(f"{url}?dashboard=shop&filter=p95&window=45&at={at}&theme=light")
    view.until("streamgauge.view.paused && streamgauge.view.windowS === 45 && streamgauge.view.filter === 'p95'")
    view.until("streamgauge.painted('shop.latency', {quantile: 'p95'})")
    panel = view.js("streamgauge.panels().find(({visible}) => visible)")
    assert panel["to"] == pytest.approx(at, abs=1e-3)
    assert panel["from"] == pytest.approx(at - 45, abs=1e-3)
    assert not panel["live"]
    assert view.painted("shop.latency", quantile="p95").times[0] == pytest.approx(at - 20, abs=1e-3)
    assert view.page.locator(".panel:visible .panel-title").all_inner_texts() == ["Slow"]
    assert view.text("#pause") == "Resume"
    assert view.page.input_value("#filter") == "p95"
    assert view.js("getComputedStyle(document.documentElement).colorScheme") == "light"
    view.page.click("#pause")
    view.until("!location.search.includes('at=') && !streamgauge.view.paused")
    assert view.js("location.search") == "?dashboard=shop&filter=p95&window=45&theme=light"


def test_what_a_person_does_goes_into_the_url(publisher: Publisher, url: str, view: View) -> None:
    fill(publisher)
    view.open(url)
    view.until_painted("host.load", 1)
    view.page.fill("#filter", "host")
    view.until("location.search === '?filter=host'")
    view.page.click("#window label:has-text('5 min')")
    view.until("location.search === '?filter=host&window=300'")
    view.page.click("#pause")
    view.until("/at=\\d+/.test(location.search)")
    panel = view.panel("host.load")
    view.page.reload()
    view.until("window.streamgauge?.view.paused && streamgauge.painted('host.load')")
    again = view.panel("host.load")
    assert (again["from"], again["to"]) == pytest.approx((panel["from"], panel["to"]), abs=0.05)
    view.page.go_back()
    view.until("!streamgauge.view.paused && streamgauge.view.windowS === 300")
    view.page.go_back()
    view.until("streamgauge.view.windowS === 60")
    assert view.page.input_value("#filter") == "host"


def test_a_broken_file_is_named_with_its_line_and_the_rest_load(
    server: Server, url: str, shelf: Path, view: View
) -> None:
    view.expect_in_console("api/dashboards/|status of 4")
    (shelf / "broken.toml").write_text('title = "x"\n[[panels]]\nmetric = "a"\nwidth = 12\n')
    view.open(url)
    view.page.click("text=1 unreadable")
    assert view.text(".broken li b") == "broken.toml, line 4"
    assert "panels[0].width: expected a whole number from 1 to 4, got 12" in view.text(".broken li span")
    assert view.page.locator("#board option").count() == 3
    view.page.keyboard.press("Escape")
    assert view.page.locator(".broken ul").is_hidden()
    view.page.goto(url + "?dashboard=broken")
    view.page.wait_for_selector("text=broken.toml, line 4: panels[0].width")
    view.page.goto(url + "?dashboard=missing")
    view.page.wait_for_selector("text=There is no dashboard called missing")
    view.page.click("text=Show all metrics")
    view.until("location.search === ''")
    assert view.page.locator(".board-note").count() == 0


def test_the_theme_is_chosen_kept_and_in_the_url(server: Server, url: str, view: View, open_view: object) -> None:
    view.page.emulate_media(color_scheme="light")
    view.open(url)
    page = "getComputedStyle(document.body).backgroundColor"
    light = view.js(page)
    view.page.click("#theme")
    assert view.js("location.search") == "?theme=dark"
    dark = view.js(page)
    assert dark != light
    with ExitStack() as stack:
        other = view.page.context.new_page()
        stack.callback(other.close)
        other.emulate_media(color_scheme="light")
        other.goto(url)
        other.wait_for_selector("#theme[data-theme=dark]")
        assert other.evaluate(page) == dark
        other.goto(url + "?theme=light")
        other.wait_for_selector("#theme[data-theme=light]")
        assert other.evaluate(page) == light
    view.page.click("#theme")
    view.page.click("#theme")
    assert view.js("location.search") == ""
    assert view.js(page) == light
