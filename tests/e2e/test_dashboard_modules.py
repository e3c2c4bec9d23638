"""The dashboard's pure modules, run for what they are: ES modules in a browser.

Each check in dashboard_modules.js is called with the module and `same(got, expected)`, deep equality.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

import dashboard
from tests.e2e.browser import chromium

CHECKS_FILE = Path(__file__).with_name("dashboard_modules.js")
CHECKS = re.findall(r"^  '(.+)': async", CHECKS_FILE.read_text(), re.MULTILINE)
ASSETS = Path(dashboard.__file__).parent / "assets"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """A page whose host is the assets folder; nothing goes over a network."""

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            path = CHECKS_FILE if name == CHECKS_FILE.name else ASSETS / name
            route.fulfill(path=path, content_type="text/javascript")
        else:
            route.fulfill(body="<!DOCTYPE html><title>modules</title>", content_type="text/html")

    opened = browser.new_page(locale="en-GB", timezone_id="UTC")
    opened.route("**/*", answer)
    opened.goto("http://modules.test/")
    return opened


RUN = """
async ([name, module]) => {
    const { checks } = await import('/dashboard_modules.js');
    const text = (value) => JSON.stringify(value, (key, part) => (Number.isNaN(part) ? 'NaN' : part));
    const same = (got, expected) => {
        if (text(got) !== text(expected)) throw new Error(`got ${text(got)}, expected ${text(expected)}`);
    };
    await checks[name](await import(module), same);
}
"""


@pytest.mark.parametrize("check", CHECKS)
def test_module(page: Page, check: str) -> None:
    page.evaluate(RUN, [check, "/" + check.partition(":")[0]])
