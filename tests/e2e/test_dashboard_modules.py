"""The dashboard's pure modules, run for what they are: ES modules in a browser.

Each check in a file *_modules.js here is called with the module and `same(got, expected)`, deep equality.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

import dashboard
from tests.e2e.browser import chromium

HERE = Path(__file__).parent
CHECKS = [
    (file.name, check)
    for file in sorted(HERE.glob("*_modules.js"))
    for check in re.findall(r"^  '(.+)': async", file.read_text(), re.MULTILINE)
]
ASSETS = Path(dashboard.__file__).parent / "assets"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """A page whose host is the assets folder; nothing goes over a network."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix("http://modules.test/")
        if name.endswith(".js"):
            path = (HERE if name.endswith("_modules.js") else ASSETS) / name
            route.fulfill(path=path, content_type="text/javascript")
        else:
            route.fulfill(body="<!DOCTYPE html><title>modules</title>", content_type="text/html")

    opened = browser.new_page(locale="en-GB", timezone_id="UTC")
    opened.route("**/*", answer)
    opened.goto("http://modules.test/")
    return opened


RUN = """
async ([file, name, module]) => {
    const { checks } = await import(`/${file}`);
    const text = (value) => JSON.stringify(value, (key, part) => (Number.isNaN(part) ? 'NaN' : part));
    const same = (got, expected) => {
        if (text(got) !== text(expected)) throw new Error(`got ${text(got)}, expected ${text(expected)}`);
    };
    await checks[name](await import(module), same);
}
"""


@pytest.mark.parametrize(("file", "check"), CHECKS)
def test_module(page: Page, file: str, check: str) -> None:
    page.evaluate(RUN, [file, check, "/" + check.partition(":")[0]])
