"""Panels on a wall."""

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Site, View
from tests.e2e.wire import sample

PLOTS = "[...document.querySelectorAll('.panel')].map((each) => each.getBoundingClientRect())"
CURSOR = "getComputedStyle(document.querySelector('.panel')).cursor"


def test_a_wall_shows_panels_and_whether_they_are_live(publisher: Publisher, site: Site, view: View) -> None:
    publisher.publish(*[sample(f"wall.value{index}", float(index)) for index in range(6)])
    view.open(site.url + "?kiosk=1")
    view.until_painted("wall.value5", 1)
    for hidden in ("header.top", "#pause", ".panel-button", ".group-title"):
        assert not view.page.locator(hidden).first.is_visible(), hidden
    assert view.page.locator("#state").is_visible()
    health = view.page.locator("#health").bounding_box()
    assert health is not None and health["height"] < 40
    view.until(f"Math.max(...{PLOTS}.map(({{ bottom }}) => bottom)) <= innerHeight")
    view.until(f"Math.max(...{PLOTS}.map(({{ bottom }}) => bottom)) > innerHeight - 40")
    view.until(f"{PLOTS}.every(({{ top }}) => top >= 0)")
    view.until("[...document.querySelectorAll('.main-svg')].some((each) => each.getBoundingClientRect().height > 230)")
    assert view.js("parseFloat(getComputedStyle(document.querySelector('.entry')).fontSize)") >= 15


def test_the_pointer_is_seen_only_while_it_moves_and_escape_ends_it(
    publisher: Publisher, site: Site, view: View
) -> None:
    publisher.publish(sample("wall.value", 1.0))
    view.open(site.url + "?kiosk=1")
    view.until_painted("wall.value", 1)
    view.until(f"{CURSOR} === 'none'")
    view.page.mouse.move(300, 300)
    view.until(f"{CURSOR} !== 'none'")
    view.until(f"{CURSOR} === 'none'")
    view.page.keyboard.press("Escape")
    view.until("!location.search.includes('kiosk')")
    assert view.page.locator("header.top").is_visible()
    view.page.go_back()
    view.until("document.documentElement.hasAttribute('data-kiosk')")
