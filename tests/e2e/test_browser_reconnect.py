"""Breaks of the connection: what the page says, what it does, and that nothing is lost or doubled."""

import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import WebSocketRoute

from tests.e2e.backstage import Backstage, Publisher, SteeredProxy
from tests.e2e.browsing import REFUSED, Server, Site, View, pairs, series
from tests.e2e.wire import sample

FOR_GOOD = {4500: "too many bad messages", 4501: "token expired or revoked", 4503: "forbidden"}


@pytest.fixture
def network(backstage: Backstage, server: Server) -> Iterator[SteeredProxy]:
    with backstage.proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def remote(network: SteeredProxy, site: Site, view: View) -> View:
    """A page whose way to the broadcaster can go bad."""
    view.expect_in_console(REFUSED)
    view.open(site.serve(network.url))
    return view


def press_retry(view: View) -> None:
    """As soon as there is something to press, unless the page was faster."""
    pressed = "document.querySelector('#retry').hidden || document.querySelector('#retry').click()"
    view.js(f"() => {{ {pressed}; }}")


def until_live_again(view: View, connections: int) -> None:
    """With an impatient person at the button, so that no test waits for the schedule."""
    for _ in range(400):
        if view.counters["connections"] >= connections and view.connection["state"] == "live":
            return
        press_retry(view)
        view.page.wait_for_timeout(25)
    raise AssertionError(view.connection)


def test_a_killed_broadcaster_comes_back(live: View, server: Server, backstage: Backstage) -> None:
    live.expect_in_console(REFUSED)
    first, second = series("back.value", 100, back_s=30), series("back.value", 100, back_s=10, first=100)
    for samples in (first, second):
        publisher = Publisher(backstage, server.url)
        publisher.publish(*samples)
        publisher.close()
        live.until_held("back.value", int(samples[-1]["value"]) + 1)
        if samples is first:
            epoch = live.connection["epoch"]
            restart_under_the_eyes_of(live, server)
            assert live.connection["epoch"] != epoch
            assert live.ring("back.value").pairs == pairs(first), "what was seen stays"
    assert live.ring("back.value").pairs == pairs(first + second), "nothing twice"
    assert live.ring("back.value").breaks == [100], "the line does not claim to know what was between"
    live.until_painted("back.value", 200)
    assert [len(run) for run in live.painted("back.value").points] == [100, 100]
    assert live.counters["restarted"] == 1


def restart_under_the_eyes_of(view: View, server: Server) -> None:
    server.stop(signal.SIGKILL)
    view.until_state("reconnecting")
    view.until("/^reconnecting( in \\d+ s)?$/.test(document.querySelector('#state').textContent)")
    view.until("document.querySelector('#banner').textContent.startsWith('The connection was lost.')")
    server.start()
    until_live_again(view, 2)
    view.until("document.querySelector('#state').textContent === 'live'")
    view.until("document.querySelector('#banner').textContent.startsWith('The broadcaster could not go on')")
    assert not view.page.locator("#retry").is_visible()


def test_it_says_that_it_cannot_connect_and_goes_on_trying(server: Server, site: Site, view: View) -> None:
    view.expect_in_console(REFUSED)
    view.page.add_init_script("Math.random = () => 0.99")  # the longest waits, so that the button is what matters
    view.open(site.url)
    server.stop(signal.SIGKILL)
    view.until_state("reconnecting")
    for failures in range(2, 6):
        view.until("/^reconnecting in \\d+ s$/.test(document.querySelector('#state').textContent)")
        view.page.click("#retry")
        view.until("(n) => streamgauge.connection.failures === n && streamgauge.connection.retryAt !== null", failures)
    assert view.connection["state"] == "cannot connect"
    view.until("/^cannot connect · next in (29|30) s$/.test(document.querySelector('#state').textContent)")
    assert server.url in view.text("#banner")
    assert 25 < view.connection["retryAt"] - view.js("window.streamgauge.view.now") <= 30, "at the ceiling"
    server.start()
    view.page.click("#retry")
    view.until_state("live")
    view.until("document.querySelector('#banner').hidden")
    assert view.counters["connections"] == 2


def test_without_a_broadcaster_it_waits_for_one(serving: Callable[..., Server], site: Site, view: View) -> None:
    view.expect_in_console(REFUSED)
    view.open(site.url, "reconnecting")
    serving()
    until_live_again(view, 1)
    view.until("!document.querySelector('#empty').hidden")
    assert "curl" in view.text("#example")


def test_a_network_cut_again_and_again_loses_nothing(remote: View, network: SteeredProxy, publisher: Publisher) -> None:
    samples = series("cut.value", 3000, back_s=50, step_s=0.01)
    cuts = 6
    for cut in range(cuts):
        part = samples[cut * 500 : (cut + 1) * 500]
        publisher.publish(*part[:200])
        if cut % 2 == 0:  # else the cut may come before the page heard anything live that it could resume from
            remote.until_held("cut.value", cut * 500 + 200)
        network.cut()
        publisher.publish_one_by_one([part[at : at + 50] for at in range(200, 500, 50)])
        until_live_again(remote, cut + 2)
        remote.until_held("cut.value", (cut + 1) * 500)
    assert_whole(remote, "cut.value", samples)
    assert cuts / 2 <= remote.counters["resumed"] <= cuts


def assert_whole(view: View, metric: str, samples: list[Any]) -> None:
    held = view.ring(metric)
    assert held.pairs == pairs(samples)
    assert held.breaks == []
    counters = view.counters
    assert counters["chainBreaks"] == counters["gaps"] == 0
    view.until_painted(metric, len(samples))


def test_a_backfill_cut_in_its_middle_comes_once(remote: View, network: SteeredProxy, publisher: Publisher) -> None:
    samples = series("middle.value", 20_000, back_s=50, step_s=0.002)
    publisher.publish(samples[0])
    remote.until_held("middle.value", 1)
    network.cut()
    for at in range(1, len(samples), 4000):
        publisher.publish(*samples[at : at + 4000])
    for cut, count in enumerate((100_000, 250_000, 333_333)):
        network.cut_after(count, "downstream")
        for _ in range(400):
            if network.cuts > cut:
                break
            press_retry(remote)
            remote.page.wait_for_timeout(25)
    assert network.cuts == 3
    until_live_again(remote, 2)
    remote.until_held("middle.value", 20_000)
    assert_whole(remote, "middle.value", samples)


def test_a_history_that_comes_again_is_not_held_twice(
    publisher: Publisher, network: SteeredProxy, site: Site, view: View
) -> None:
    """Nothing live was heard before the cut, so there is nothing to resume from."""
    view.expect_in_console(REFUSED)
    samples = series("again.value", 500)
    publisher.publish(*samples)
    view.open(site.serve(network.url))
    view.until_held("again.value", 500)
    network.cut()
    until_live_again(view, 2)
    view.until("streamgauge.counters.merged === 500")
    publisher.publish(sample("again.value", -1.0))
    view.until_held("again.value", 501)
    assert view.ring("again.value").pairs[:500] == pairs(samples)
    assert view.ring("again.value").values[500:] == [-1]
    assert view.ring("again.value").breaks == []
    assert view.counters["resumed"] == 0


def test_a_silent_network_is_noticed_and_loses_nothing(
    remote: View, network: SteeredProxy, publisher: Publisher
) -> None:
    """Nobody says that the connection is dead: only an answer is missing."""
    samples = series("dead.value", 100)
    publisher.publish(*samples[:50])
    remote.until_held("dead.value", 50)
    network.hold()
    publisher.publish(*samples[50:])
    remote.until_state("reconnecting", bound_s=20)
    assert remote.connection["closeReason"] == "no answer"
    network.cut()
    network.resume()
    until_live_again(remote, 2)
    remote.until_held("dead.value", 100)
    assert_whole(remote, "dead.value", samples)


def test_a_drain_is_told_and_spread(live: View, server: Server) -> None:
    live.expect_in_console(REFUSED)
    server.send(signal.SIGTERM)
    told = "(({closeCode, closeReason}) => closeCode === 4000 && closeReason === 'shutting down')"
    live.until(f"{told}(streamgauge.connection)")  # before it tries again and is refused
    server.until_gone()
    server.start()
    until_live_again(live, 2)


def test_a_close_for_good_ends_the_retries_and_says_why(server: Server, site: Site, view: View) -> None:
    sockets: list[WebSocketRoute] = []

    def route(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    view.page.route_web_socket(re.compile(r"/v1/stream"), route)
    view.page.add_init_script("Math.random = () => 0")  # a retry would come at once
    view.open(site.url)
    for attempt, (code, reason) in enumerate(FOR_GOOD.items(), 1):
        sockets[-1].close(code=code, reason=reason)
        view.until_state("closed")
        why = f"for good ({code}: {reason})"
        view.until("(why) => document.querySelector('#banner').textContent.includes(why)", why)
        assert view.text("#state") == "Closed"
        assert view.connection["retryAt"] is None
        view.page.wait_for_timeout(800)  # three times the page's own interval of looking after retries
        assert len(sockets) == attempt
        view.page.click("#retry")
        view.until_state("live")
    sockets[-1].close(code=4499, reason="later")
    view.until("(n) => streamgauge.counters.connections === n", len(FOR_GOOD) + 2)
