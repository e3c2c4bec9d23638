"""Alerts in the page, for everybody: axe-core, contrast, what sticks out, and the size of what is touched."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import WIDE, Server, Site, View
from tests.e2e.test_browser_access import CHECKS, LARGE_TEXT, PHONE, SMALL, TEXT, THEMES, dress, violations
from tests.e2e.wire import sample

RULES = """
[latency-of-the-checkout-in-the-afternoon]
metric = "shop.latency"
above = 0.4
message = "the route {route} of the shop is slow, and has been for a while: {value}"

[errors]
metric = "shop.errors"
above = 5
severity = "critical"

[traffic]
metric = "shop.requests"
below = 1
severity = "info"

[later]
metric = "shop.errors"
above = 1
for = "1h"
"""


def rows(view: View) -> None:
    assert view.text(".alert-more") == "+1"


def drawer(view: View) -> None:
    view.page.click("#alerts-button")
    view.until("document.querySelectorAll('#alerts:popover-open .alert-item').length >= 9")


def form(view: View) -> None:
    drawer(view)
    view.page.click("#new-alert")
    view.page.click(".alert-more-fields summary")
    view.page.click(".alert-form .primary")
    view.until("document.querySelector('.form-problem').textContent !== ''")


STATES = {each.__name__: each for each in (rows, drawer, form)}


@pytest.fixture
def firing(serving: Callable[..., Server], tmp_path: Path, site: Site, view: View, backstage: Backstage) -> View:
    (tmp_path / "shop.toml").write_text(RULES)
    (tmp_path / "made.toml").write_text('[made]\nmetric = "shop.latency"\nbelow = 0\n')
    publisher = Publisher(backstage, serving(alerts=tmp_path, alerts_writable=True).url)
    for value in (8.0, 1.0, 8.0):
        now = time.time()
        publisher.publish(
            sample("shop.errors", value, now),
            sample("shop.latency", value / 10, now, unit="s", tags={"route": "/checkout/of/a/very/long/name"}),
            sample("shop.requests", 0.0, now),
        )
    view.open(site.url)
    view.until(
        "document.querySelectorAll('.alert-row').length === 2 && document.querySelectorAll('.panel-alert').length"
    )
    publisher.close()
    return view


@pytest.mark.parametrize("name", STATES)
def test_axe_finds_nothing_and_every_text_can_be_read(name: str, firing: View) -> None:
    STATES[name](firing)
    for theme in THEMES:
        for size in (WIDE, PHONE):
            dress(firing, theme, size)
            assert violations(firing) == [], (theme, size)
            texts = firing.js(f"({CHECKS}).contrasts()")
            assert len(texts) > 3
            weak = [each for each in texts if each["ratio"] < (LARGE_TEXT if each["large"] else TEXT)]
            assert weak == [], (theme, size)


@pytest.mark.parametrize("name", STATES)
def test_a_phone_is_enough(name: str, firing: View) -> None:
    STATES[name](firing)
    for size in (PHONE, SMALL):
        firing.page.set_viewport_size(size)
        firing.page.wait_for_timeout(300)
        assert firing.js("document.documentElement.scrollWidth") <= size["width"]
        assert firing.js(f"({CHECKS}).outside()") == []
        targets = firing.js(f"({CHECKS}).targets()")
        assert (targets["small"], targets["narrow"]) == ([], []), size


def test_the_list_is_used_without_a_mouse(firing: View) -> None:
    page = firing.page
    page.keyboard.press("a")
    firing.until("document.querySelector('#alerts').matches(':popover-open') && document.activeElement.id === 'alerts'")
    page.keyboard.press("Tab")
    assert firing.js("document.activeElement.textContent") == "Notify me"
    page.keyboard.press("Escape")
    firing.until("!document.querySelector('#alerts').matches(':popover-open')")
    assert page.get_attribute("#alerts-button", "aria-keyshortcuts") == "A"
    firing.page.focus("#alerts-button")
    page.keyboard.press("Enter")
    firing.until("document.querySelector('#alerts').matches(':popover-open')")
    page.keyboard.press("Escape")
    firing.until("document.activeElement.id === 'alerts-button'")


def test_what_fires_is_said(firing: View) -> None:
    said = "[...document.querySelectorAll('[aria-live]')].map((each) => each.textContent).join('|')"
    firing.until(f"({said}).includes('critical alert errors: shop.errors is 8, above 5.')")
