"""Signing in to the dashboard of a broadcaster that wants tokens, in a browser."""

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.sync_api import BrowserContext

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import WIDE, Server, Site, View
from tests.e2e.signing_in import TOKEN_S, House, sign_in
from tests.e2e.test_browser_access import CHECKS, LARGE_TEXT, PHONE, TEXT, THEMES, dress, violations
from tests.e2e.wire import sample

NOT_SIGNED_IN = r"status of 401|/api/token$|/signin$"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House.at(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def url(house: House, site: Site) -> str:
    return house.dashboard(site)


@pytest.fixture
def guarded(house: House, serving: Callable[..., Server], window: BrowserContext) -> Server:
    """The broadcaster; and nobody is signed in, although tests share a browser."""
    window.clear_cookies()
    house.write_people("viewer", "editor", "admin")
    (house.folder / "revoked").write_text("")
    return house.broadcaster(serving)


@pytest.fixture
def source(guarded: Server, house: House, backstage: Backstage) -> Iterator[Publisher]:
    one = Publisher(backstage, guarded.url, house.token("publish:*"))
    yield one
    one.close()


@pytest.fixture
def enter(url: str, open_view: Callable[..., View]) -> Callable[..., View]:
    """A page on which somebody has signed in, and which is live."""

    def signed_in(name: str, path: str = "/") -> View:
        view: View = open_view()
        view.page.goto(url + path)
        sign_in(view, name)
        view.until_state("live")
        view.until("document.querySelector('#panels') && window.streamgaugeControls")
        return view

    return signed_in


def test_signing_in_by_keyboard_shows_what_was_asked_for(url: str, source: Publisher, view: View) -> None:
    view.expect_in_console(NOT_SIGNED_IN)
    source.publish(sample("shop.load", 1.5))
    sockets: list[str] = []
    view.page.on("websocket", lambda socket: sockets.append(socket.url))
    view.page.goto(f"{url}/?filter=shop&window=30")
    assert urlsplit(view.page.url).path == "/signin"
    sign_in(view, "viewer", "wrong horse")
    view.page.get_by_role("alert").get_by_text("That name and password do not belong together.").wait_for()
    assert view.page.title().startswith("Error: ")
    assert view.page.input_value("#name") == "viewer"
    assert view.js("document.activeElement.id") == "password"
    assert "shop" not in view.page.inner_text("body")
    with view.page.expect_response("**/api/token") as told:
        sign_in(view, "viewer")
    view.until_painted("shop.load", 1)
    assert view.page.url == f"{url}/?filter=shop&window=30"
    token = told.value.json()["token"]
    kept = view.js("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])")
    everywhere = [view.page.content(), view.page.url, kept, *sockets, json.dumps(view.connection)]
    assert sockets
    assert not [each for each in everywhere if token.split(".")[1] in each]
    assert "streamgauge-" not in view.js("document.cookie"), "no script can read the session"


def test_tokens_are_renewed_while_it_streams(url: str, source: Publisher, enter: Callable[..., View]) -> None:
    view = enter("viewer")
    began, number = time.monotonic(), 0
    while time.monotonic() - began < TOKEN_S + 1.5:
        number += 1
        source.publish(sample("shop.load", float(number)))
        time.sleep(0.02)
    view.until_held("shop.load", number)
    assert view.ring("shop.load").values == [float(each) for each in range(1, number + 1)]
    counters = view.counters
    assert counters["connections"] == 1, "the broadcaster would have closed it when the first token expired"
    assert [counters[name] for name in ("gaps", "chainBreaks", "restarted", "backfilled")] == [0, 0, 0, 0]
    assert view.connection["state"] == "live"


def test_a_revoked_token_is_replaced_and_nothing_is_missed(
    house: House, site: Site, source: Publisher, open_view: Callable[..., View]
) -> None:
    view: View = open_view()
    view.page.goto(house.dashboard(site, token_s=300))  # so that it is not just renewed
    with view.page.expect_response("**/api/token") as told:
        sign_in(view, "viewer")
    view.until_state("live")
    source.publish(sample("shop.load", 1.0))
    view.until_held("shop.load", 1)
    claims = jwt.decode(told.value.json()["token"], options={"verify_signature": False})
    (house.folder / "revoked").write_text(claims["jti"] + "\n")
    view.until("window.streamgauge.counters.connections === 2")
    source.publish(sample("shop.load", 2.0))
    view.until_held("shop.load", 2)
    view.until_state("live")
    assert view.ring("shop.load").values == [1.0, 2.0]
    assert [view.counters[name] for name in ("resumed", "restarted", "chainBreaks")] == [1, 0, 0]


def test_signing_out_in_one_tab_is_seen_in_the_others(
    url: str, source: Publisher, enter: Callable[..., View], open_view: Callable[..., View]
) -> None:
    first = enter("viewer")
    other: View = open_view()
    other.page.goto(f"{url}/?filter=shop&theme=dark")
    other.until_state("live")
    first.page.bring_to_front()
    first.page.click("#account-button")
    assert first.page.locator("#account").inner_text().split("\n")[0] == "viewer"
    first.page.click("#sign-out")
    first.page.get_by_text("You are signed out.").wait_for()
    other.page.get_by_role("alertdialog", name="Your session has ended").wait_for()
    other.until_state("closed")
    other.page.keyboard.press("Escape")
    assert other.page.locator("#session-ended").is_visible()
    other.page.bring_to_front()
    other.page.keyboard.press("Enter")  # the link has the focus
    other.page.wait_for_url("**/signin?*")
    assert other.js("document.documentElement.dataset.theme") == "dark"
    sign_in(other, "viewer")
    other.until_state("live")
    assert other.page.url == f"{url}/?filter=shop&theme=dark"


def test_whoever_is_removed_is_out_when_the_token_ends(
    house: House, guarded: Server, enter: Callable[..., View]
) -> None:
    view = enter("viewer", "/?filter=a")
    view.expect_in_console(NOT_SIGNED_IN)
    house.write_people("editor", "admin")
    view.page.locator("#session-ended").wait_for(timeout=TOKEN_S * 1500)
    view.until_state("closed")
    assert "next=%2F%3Ffilter%3Da" in str(view.page.get_attribute("#session-ended a", "href"))


def test_what_the_role_may_not_do_is_not_offered(source: Publisher, enter: Callable[..., View]) -> None:
    source.publish(sample("shop.load", 1.0))
    view = enter("viewer")
    view.until("document.querySelector('#account-button')?.getAttribute('aria-label') === 'Account: viewer, viewer'")
    view.page.keyboard.press("a")
    view.page.get_by_text("somebody has to sign in who may").wait_for()
    for hidden in ("#edit", "#to-connections", "#new-alert"):
        assert not view.page.locator(hidden).is_visible(), hidden


def test_admins_see_connections_and_change_alerts(source: Publisher, enter: Callable[..., View]) -> None:
    source.publish(sample("shop.load", 1.0))
    view = enter("admin", "/connections")
    view.page.locator("#connections").get_by_text("dashboard").first.wait_for()
    assert view.page.locator("#connections [data-level=bad]").count() == 0
    view.page.click("#to-dashboard")
    view.page.locator("#edit").wait_for()
    view.page.keyboard.press("a")
    view.page.locator("#new-alert").wait_for()


def faults_of(view: View) -> Iterator[str]:
    for theme, size in zip(THEMES, (WIDE, PHONE), strict=True):
        dress(view, theme, size)
        where = f"{theme}, {size['width']} px: "
        yield from (where + each for each in violations(view))
        for text in view.js(f"({CHECKS}).contrasts()"):
            if text["ratio"] < (LARGE_TEXT if text["large"] else TEXT):
                yield f"{where}{text}"
        yield from (where + each for each in view.js(f"({CHECKS}).outside()"))
        if size == PHONE:
            targets = view.js(f"({CHECKS}).targets()")
            yield from (where + each for each in targets["small"] + targets["narrow"])


def test_everybody_can_use_it(
    url: str, guarded: Server, enter: Callable[..., View], open_view: Callable[..., View]
) -> None:
    view: View = open_view()
    view.expect_in_console(NOT_SIGNED_IN)
    view.page.goto(url)
    assert [*faults_of(view)] == []
    sign_in(view, "viewer", "wrong horse")
    view.page.locator("#problem").get_by_text("together").wait_for()
    assert [*faults_of(view)] == []
    view.page.fill("#password", "correct horse")
    view.page.keyboard.press("Enter")
    view.until_state("live")
    view.page.click("#account-button")
    view.page.locator("#sign-out").wait_for()
    assert [*faults_of(view)] == []
    view.js("new BroadcastChannel('streamgauge-session').postMessage('signed out')")
    view.page.locator("#session-ended").wait_for()
    assert [*faults_of(view)] == []
