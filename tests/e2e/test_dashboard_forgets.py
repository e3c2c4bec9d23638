"""Lines that are silent for long leave the page, so that a page left open for days does not grow."""

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import chromium, wait_for_paint
from tests.e2e.command import ANYWHERE, running, url_in

FORGET_S = "1.5"


def publish(api: str, metric: str, **tags: str) -> None:
    body = json.dumps({"samples": [{"metric": metric, "tags": tags, "value": 1}]}).encode()
    request = urllib.request.Request(f"{api}/v1/publish", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert json.load(response)["accepted"] == 1


@pytest.fixture
def urls() -> Iterator[tuple[str, str]]:
    """A broadcaster's WebSocket and HTTP side."""
    with running("serve", STREAMGAUGE_BROADCASTER_TELEMETRY_INTERVAL_S="0", **ANYWHERE) as process:
        assert process.stdout is not None
        stream, api = re.findall(r"\w+://[\w.]+:\d+", process.stdout.readline())
        yield stream, api


@pytest.fixture
def page(urls: tuple[str, str]) -> Iterator[Page]:
    command = ["dashboard", "--bind", "127.0.0.1:0", "--broadcaster", urls[0], "--broadcaster-http", urls[1]]
    with running(*command, STREAMGAUGE_DASHBOARD_FORGET_S=FORGET_S) as process, chromium() as browser:
        opened = browser.new_page(viewport={"width": 1440, "height": 900})
        opened.goto(url_in(process, "http"))
        opened.wait_for_function("() => window.streamgauge?.connection.state === 'live'")
        yield opened


def until_gone(page: Page, selector: str, api: str, *alive: str) -> None:
    """Keeps some metrics alive meanwhile."""
    for _ in range(200):
        for metric in alive:
            publish(api, metric, which="alive")
        if page.locator(selector).count() == 0:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{selector} is still there")


def test_a_silent_line_leaves_and_comes_back(page: Page, urls: tuple[str, str]) -> None:
    api = urls[1]
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))
    for metric, which in (("stays.a", "alive"), ("stays.a", "silent"), ("stays.b", "silent"), ("goes.c", "silent")):
        publish(api, metric, which=which)
    for metric in ("stays.a", "stays.b", "goes.c"):
        wait_for_paint(page, metric)
    until_gone(page, "[data-metric='goes.c']", api, "stays.a")
    until_gone(page, "[data-metric='stays.b']", api, "stays.a")
    assert page.locator("[data-group]").count() == 1
    assert page.locator("[data-metric='stays.a'] [data-series]").count() == 1
    assert page.evaluate("window.streamgauge.series().map((each) => each.tags.which)") == ["alive"]
    publish(api, "goes.c", which="silent")
    wait_for_paint(page, "goes.c")
    assert page.evaluate("window.streamgauge.painted('goes.c', {which: 'silent'}).samples") == 1
    assert not errors


def test_a_pause_makes_nobody_silent(page: Page, urls: tuple[str, str]) -> None:
    publish(urls[1], "held.a", which="silent")
    wait_for_paint(page, "held.a")
    page.click("#pause")
    page.wait_for_timeout(3000)
    assert page.locator("[data-metric='held.a']").count() == 1
    page.click("#pause")
    until_gone(page, "[data-metric='held.a']", urls[1])
