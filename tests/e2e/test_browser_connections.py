"""The page of connections: who is there, who fell silent, left or is too slow, and this tab's own states."""

import time
from collections.abc import Callable
from functools import partial

import httpx
import pytest

from tests.e2e import wire
from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

SEEN_S = 5.0  # within which trouble is to be seen


class Producer(Publisher):
    """With a name."""

    def __init__(self, backstage: Backstage, url: str, client: str) -> None:
        self._backstage = backstage
        self._wire = backstage.run(partial(wire.connect, hello={"client": client}), url)
        self._id = 0


def row(client: str) -> str:
    return f".line:has(.who-name:text-is('{client}'))"


def cell(view: View, client: str, column: str) -> str:
    return view.page.locator(f"{row(client)} .col-{column}").inner_text()


def until_state(view: View, client: str, state: str, bound_s: float) -> None:
    view.page.wait_for_selector(f"{row(client)}[data-state='{state}']", timeout=bound_s * 1000)


def told(server: Server) -> list[dict[str, object]]:
    answer = httpx.get(f"http://{server.addresses[1]}/v1/connections", trust_env=False)
    connections: list[dict[str, object]] = answer.json()["connections"]
    return connections


def order(view: View) -> list[str]:
    return view.page.locator(".who-name").all_inner_texts()


def test_a_producer_is_seen_publishing_falling_silent_and_leaving(
    server: Server, site: Site, view: View, backstage: Backstage
) -> None:
    producer = Producer(backstage, server.url, "rig 7")
    view.open(site.url + "connections")
    begun = time.monotonic()
    while time.monotonic() - begun < 6:
        producer.publish(sample("rig.volts", [1.0, 2.0], [time.time() - 0.01, time.time()]))
        view.page.wait_for_timeout(100)
    until_state(view, "rig 7", "ok", 1)
    sent = told(server)[0]["published_samples"]
    assert float(cell(view, "rig 7", "rate")) == pytest.approx(int(str(sent)) / 6, rel=0.3)
    assert cell(view, "rig 7", "address") == told(server)[0]["address"]
    assert cell(view, "rig 7", "seen") == "now"
    assert "The one producer is publishing." in view.text(".news")
    until_state(view, "rig 7", "silent", SEEN_S)
    assert "1 producer silent: rig 7" in view.text(".news")
    assert cell(view, "rig 7", "rate") == "0"
    producer.close()
    until_state(view, "rig 7", "gone", SEEN_S)
    assert "1 producer gone within the last minute: rig 7" in view.text(".news")
    assert cell(view, "rig 7", "seen").startswith("gone ")


def test_who_is_too_slow_is_seen_with_what_it_lost(
    serving: Callable[..., Server], site: Site, view: View, open_view: Callable[..., View], backstage: Backstage
) -> None:
    server = serving(mailbox_batches=8, samples_per_second=0)
    producer = Producer(backstage, server.url, "flood")
    with backstage.proxy(server.port) as network:
        slow = open_view()
        slow.open(site.serve(network.url))
        session = slow.connection["session"]
        view.open(site.url + "connections")
        network.hold("downstream")
        for _ in range(80):
            producer.publish(sample("slow.value", [1.5] * 10_000, [time.time()] * 10_000))
        line = f".line[data-session='{session}']"
        view.page.wait_for_selector(f"{line}[data-state='dropping']", timeout=SEEN_S * 1000)
        view.until("document.querySelector('.news').textContent.includes('Too slow, samples are dropped for')")
        (told_of,) = [each for each in told(server) if each["session"] == session]
        view.page.click(f"{line} .who")
        view.until(f"document.querySelector('.facts').textContent.includes('{told_of['dropped_samples']} samples in')")
        assert view.page.locator(f"{line} .col-queue").inner_text() != "0"
        network.resume()
    producer.close()


def test_the_table_is_sorted_by_its_heads_and_read_by_keyboard(
    server: Server, site: Site, view: View, backstage: Backstage
) -> None:
    producers = [Producer(backstage, server.url, name) for name in ("b", "a", "c")]
    for count, producer in enumerate(producers, start=1):
        producer.publish(sample("some.value", [1.0] * count, [time.time()] * count))
    view.open(site.url + "connections?role=producer")
    view.page.wait_for_selector(row("c"))
    assert order(view) == ["a", "b", "c"]
    view.page.click(".col-age .head")
    assert view.js("location.search") == "?sort=-age&role=producer"
    view.until("document.querySelector('th.col-age').getAttribute('aria-sort') === 'descending'")
    assert order(view) == ["b", "a", "c"]
    view.page.focus(".col-client .head")
    view.page.keyboard.press("Enter")
    view.page.keyboard.press("Enter")
    view.until("document.querySelector('.who-name').textContent === 'c'")
    assert order(view) == ["c", "b", "a"]
    view.page.focus(f"{row('c')} .who")
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("Enter")
    assert view.js("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert view.js("document.activeElement.closest('tr').nextSibling.className") == "details"
    view.page.click("text=Subscribers 1")
    view.until("document.querySelectorAll('.line').length === 1")
    assert view.text(".chip.own") == "this tab"
    view.page.go_back()
    view.until("document.querySelectorAll('.line').length === 3")
    view.page.reload()
    view.page.wait_for_selector(row("c"))
    assert order(view) == ["c", "b", "a"]
    for producer in producers:
        producer.close()


def test_the_states_of_this_tab_are_drawn_and_listed(
    server: Server, site: Site, view: View, backstage: Backstage
) -> None:
    with backstage.proxy(server.port) as network:
        view.open(site.serve(network.url) + "connections")
        view.until("document.querySelector('.changes li')?.dataset.state === 'live'")
        network.cut()
        view.until_state("live", 10)
        view.until(
            "[...document.querySelectorAll('.strip span')].some((each) => each.dataset.state === 'reconnecting')"
            " && document.querySelector('.strip span:last-child').dataset.state === 'live'"
        )
    assert view.page.locator(".changes [data-state=live] b").first.inner_text() == "live"
    states = view.js("[...document.querySelectorAll('.strip span')].map((each) => each.dataset.state)")
    assert states[0] == "connecting"
    assert states[-1] == "live"
    ends = view.js("[...document.querySelectorAll('.strip span')].map((each) => [each.offsetLeft, each.offsetWidth])")
    assert all(abs(ends[at][0] + ends[at][1] - ends[at + 1][0]) <= 3 for at in range(len(ends) - 1)), "without holes"


TILE = """(figure, metric, tags, units) => {
    const tile = document.querySelector(`[data-figure=${figure}] .tile-value`);
    const [number, unit = ''] = tile.textContent.split('\u202f');
    const newest = streamgauge.ring(metric, tags)?.values.at(-1);
    return newest > 0 && Math.abs((Number(number) * units[unit]) / newest - 1) < 0.01;
}"""


def test_the_broadcaster_is_shown_against_its_bounds(
    serving: Callable[..., Server], site: Site, view: View, backstage: Backstage
) -> None:
    server = serving(telemetry_interval_s=0.2, history_bytes=67_108_864, series_max=200)
    producer = Producer(backstage, server.url, "many")
    producer.publish(*[sample("many.value", 1.0, time.time(), tags={"n": str(n)}) for n in range(140)])
    view.open(site.url + "connections")
    view.until("document.querySelector('[data-figure=history_bytes] .tile-more').textContent === 'of 64\u202fMiB'")
    series = view.page.locator("[data-figure=series]")
    known = int(series.locator(".tile-value").inner_text())
    assert known >= 152
    assert series.locator(".tile-more").inner_text() == "of 200"
    assert series.locator(".meter").get_attribute("data-level") == "warn"
    assert view.js("document.querySelector('[data-figure=loop_lag] .spark-line').getAttribute('d')").startswith("M")
    view.until(f"({TILE})('audiences', 'broadcaster.audiences', {{}}, {{ '': 1 }})")
    view.until(f"({TILE})('flush_time', 'broadcaster.flush_time', {{ quantile: 'p99' }}, {{ ms: 1e-3, µs: 1e-6 }})")
    view.until("document.querySelector('.histogram').ariaLabel.includes('p50')")
    heights = view.js("[...document.querySelectorAll('.bar span')].map((each) => each.offsetHeight)")
    assert max(heights) > 50
    producer.close()


BARS = "[...document.querySelectorAll('.bar')].map((each) => [each.title, each.firstChild.offsetHeight])"


def test_how_late_samples_come_is_a_histogram(server: Server, site: Site, view: View, backstage: Backstage) -> None:
    producer = Producer(backstage, server.url, "late")
    view.open(site.url + "connections")
    for _ in range(10):
        producer.publish(sample("late.value", 1.0, time.time() - 3))
    view.until(f"Math.max(...{BARS}.map(([, height]) => height)) > 50")
    standing = [(title, height) for title, height in view.js(BARS) if not title.endswith(": 0 samples")]
    ((title, height),) = standing
    assert title.startswith("2 s to 5 s: ")
    assert height > 50
    producer.close()


def test_what_cannot_be_asked_is_said(server: Server, site: Site, view: View) -> None:
    view.expect_in_console("v1/connections|status of 403")
    refusal = {"code": "forbidden", "message": "connections: needs the scope admin"}
    view.page.route("**/v1/connections*", lambda route: route.fulfill(status=403, json=refusal))
    view.open(site.url + "connections")
    view.page.wait_for_selector(".news [data-level=bad]")
    assert "403 forbidden: connections: needs the scope admin" in view.text(".news")


def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    server: Server, site: Site, view: View, backstage: Backstage
) -> None:
    name = "a producer whose name is as long as a person on call at night can possibly bear"
    producer = Producer(backstage, server.url, name)
    producer.publish(sample("some.value", 1.0))
    view.page.set_viewport_size({"width": 390, "height": 844})
    view.open(site.url + "connections")
    view.page.wait_for_selector(row(name))
    assert view.js("document.documentElement.scrollWidth") == 390
    assert view.page.locator("thead").is_hidden()
    assert view.page.locator(".sort-by").is_visible()
    view.page.select_option(".sort-by", "age")
    assert view.js("location.search") == "?sort=-age"
    box = view.page.locator(row(name)).bounding_box()
    assert box is not None and box["width"] > 350
    producer.close()


def test_names_from_clients_are_only_texts(server: Server, site: Site, view: View, backstage: Backstage) -> None:
    name = "<img src=x onerror='window.hacked=1'>&amp;"
    producer = Producer(backstage, server.url, name)
    producer.publish(sample("some.value", 1.0))
    view.open(site.url + "connections?role=producer")
    view.page.wait_for_selector(".line")
    assert view.text(".who-name") == name
    view.page.wait_for_selector(".line[data-state=silent]")
    assert name in view.text(".news")
    assert view.page.locator("#connections img").count() == 0
    assert view.js("window.hacked") is None
    producer.close()


def test_pages_change_without_a_new_connection(server: Server, site: Site, view: View) -> None:
    view.open(site.url)
    session = view.connection["session"]
    view.page.click("#to-connections")
    view.page.wait_for_selector(".line")
    assert view.js("location.pathname") == "/connections"
    assert view.page.title().startswith("Connections · ")
    assert view.page.locator("#panels").is_hidden()
    view.page.go_back()
    view.until("!document.querySelector('#panels').hidden")
    assert view.page.locator("#connections").is_hidden()
    view.page.go_forward()
    view.page.wait_for_selector(".line")
    assert view.connection["session"] == session
