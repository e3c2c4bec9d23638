"""Alerts in the page that do not fire: the line kept for them, their webhooks, words that are not over each other."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.test_browser_alerts import BELL, fill
from tests.e2e.wire import sample

RULES = """
[errors]
metric = "shop.errors"
above = 5

[odd]
metric = "shop.errors"
above = 5.5
"""
SLOWLY = """() => {
    const real = window.fetch;
    window.listing = 0;
    window.fetch = async (url, options) => {
        const answer = await real(url, options);
        if (!String(url).endsWith('/v1/alerts')) return answer;
        window.listing++;
        await new Promise((done) => setTimeout(done, 1000));
        window.listing--;
        return answer;
    };
}"""
TOPS = "[...document.querySelectorAll('#panels .panel')].map((panel) => panel.getBoundingClientRect().top)"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "shop.toml").write_text(RULES)
    return tmp_path / "rules"


@pytest.fixture
def server(serving: Callable[..., Server], rules: Path) -> Server:
    return serving(alerts=rules, alerts_writable=True)


@pytest.fixture
def quiet(server: Server, publisher: Publisher, site: Site, view: View, tmp_path: Path) -> View:
    (tmp_path / "one.toml").write_text(
        'title = "One"\n[[panels]]\nmetric = "shop.errors"\nthresholds = [{ above = 4, level = "warn" }]\n'
    )
    publisher.publish(sample("shop.errors", 1.0))
    url = site.serve(server.url, STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))
    view.open(url + "?dashboard=one")
    view.until("document.querySelectorAll('.sg-bands[data-alerts] line').length === 2")
    return view


def test_the_line_that_is_kept_says_that_nothing_fires_and_nothing_moves(publisher: Publisher, quiet: View) -> None:
    for kiosk in (False, True):
        if kiosk:
            quiet.page.keyboard.press("w")
            quiet.until("document.documentElement.hasAttribute('data-kiosk')")
        publisher.publish(sample("shop.errors", 1.0))
        quiet.until("document.querySelector('.alert-quiet')?.textContent === '2 alerts, none fires'")
        tops = quiet.js(TOPS)
        publisher.publish(sample("shop.errors", 9.0))
        quiet.until("document.querySelectorAll('.alert-row').length === 2")
        assert quiet.js(TOPS) == tops
        bottom = quiet.js("document.querySelector('.alert-rows').getBoundingClientRect().bottom")
        assert tops[0] - bottom >= 8, "the line is not over the panel, and does not touch it"
    quiet.page.keyboard.press("Escape")
    for _ in range(2):
        quiet.page.click(".alert-away")
    assert quiet.text(".alert-quiet") == "2 alerts fire on, dismissed"
    quiet.page.click(".alert-quiet")
    quiet.until("document.querySelectorAll('.alerts-drawer .alert-item').length > 0")


def test_words_of_thresholds_and_of_alerts_are_not_over_each_other(quiet: View) -> None:
    quiet.until("[...document.querySelectorAll('.sg-band-text')].every((each) => each.textContent.endsWith('\u2191'))")
    places = quiet.js("[...document.querySelectorAll('.sg-band-text')].map((each) => Number(each.getAttribute('y')))")
    ordered = sorted(places)
    assert len(places) == 3
    assert all(after - before >= 12 for before, after in pairwise(ordered))


def test_a_webhook_is_kept_until_it_is_taken_away(quiet: View, rules: Path) -> None:
    quiet.page.click(BELL)
    quiet.page.click("#new-alert")
    quiet.page.click(".alert-form summary")
    assert quiet.page.locator(".alert-form [name=unhook]").is_hidden(), "a new one has none"
    fill(quiet, metric="shop.errors", value="5", name="told", webhook="http://127.0.0.1:9/secret")
    quiet.page.click(".alert-form .primary")
    for unhooked in (False, True):
        quiet.page.click(BELL)
        quiet.page.click("[data-rule='told'] >> text=Edit")
        assert quiet.page.get_attribute(".alert-form [name=webhook]", "placeholder") == "kept: http://127.0.0.1:9/…"
        quiet.page.set_checked(".alert-form [name=unhook]", unhooked)
        assert quiet.page.is_disabled(".alert-form [name=webhook]") == unhooked
        quiet.page.click(".alert-form .primary")
        quiet.page.wait_for_selector(".alert-form", state="hidden")
        assert ("secret" in (rules / "told.toml").read_text()) != unhooked
    quiet.page.click(BELL)
    quiet.page.click("[data-rule='told'] >> text=Edit")
    assert quiet.page.locator(".alert-form [name=unhook]").is_hidden()


def test_what_was_saved_is_in_the_list_when_the_form_closes(publisher: Publisher, quiet: View) -> None:
    quiet.page.click(BELL)
    quiet.page.click("#new-alert")
    fill(quiet, metric="shop.errors", value="7", name="new")
    quiet.page.evaluate(SLOWLY)
    publisher.publish(sample("shop.errors", 9.0))
    quiet.until("window.listing === 1")
    quiet.page.click(".alert-form .primary")
    quiet.page.wait_for_selector(".alert-form", state="hidden")
    pressed = f"document.querySelector('{BELL}').click()"
    assert quiet.js(f"({pressed}, document.querySelectorAll('[data-rule=new]').length)") == 1, "from the first moment"
