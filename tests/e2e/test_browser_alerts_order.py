"""What the broadcaster answered before an event is not believed after it."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import APIResponse, Route

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

TITLES = """() => {
    window.titles = [];
    new MutationObserver(() => window.titles.push(document.title))
        .observe(document.querySelector('title'), { childList: true });
}"""


def test_an_old_answer_brings_nothing_back_that_is_over(
    serving: Callable[..., Server], site: Site, view: View, backstage: Backstage, tmp_path: Path
) -> None:
    (tmp_path / "shop.toml").write_text('[errors]\nmetric = "shop.errors"\nabove = 5\n')
    publisher = Publisher(backstage, serving(alerts=tmp_path).url)
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    view.open(site.url)
    publisher.publish(sample("shop.errors", 9.0))
    view.until("document.title.startsWith('(1)')")
    view.until("document.querySelectorAll('.alert-row').length === 1")
    view.page.wait_for_timeout(1000)  # what is asked at once because of it is answered
    view.page.route("**/v1/alerts", hold)
    begun = time.monotonic()
    while not held and time.monotonic() - begun < 20:
        view.page.wait_for_timeout(50)
    route, answer = held[0]
    assert answer.json()["active"], "it fires, says the answer"
    publisher.publish(sample("shop.errors", 1.0))
    view.until("!document.title.startsWith('(1)')")
    view.js(TITLES)
    with view.page.expect_response("**/v1/alerts"):
        route.fulfill(response=answer)
    with view.page.expect_response("**/v1/alerts"):
        pass
    view.page.wait_for_timeout(500)
    assert view.js("window.titles") == []
    assert view.page.locator(".alert-row").count() == 0
    publisher.close()
