"""The health of the connection: every figure is true."""

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import Server, Site, View, pairs, series
from tests.e2e.wire import sample

SHIFTED_CLOCK = """
const [origin, now] = [performance.timeOrigin, Date.now];
Object.defineProperty(performance, 'timeOrigin', { value: origin + 90000 });
Date.now = () => now() + 90000;
"""


def test_who_is_connected(serving: Callable[..., Server], site: Site, view: View, backstage: Backstage) -> None:
    server = serving(telemetry_interval_s=0.1)
    view.open(site.url)
    view.until("streamgauge.health.subscribers === 1 && streamgauge.health.producers === 0")
    publishers = [Publisher(backstage, server.url) for _ in range(3)]
    for publisher in publishers:
        publisher.publish(sample("who.value", 1.0))
    view.until("streamgauge.health.subscribers === 1 && streamgauge.health.producers === 3")
    assert (view.figure("producers"), view.figure("subscribers")) == ("3", "1")
    for publisher in publishers[1:]:
        publisher.close()
    view.until("streamgauge.health.producers === 1")
    assert view.figure("producers") == "1"
    publishers[0].close()


def test_rate_and_latency(live: View, publisher: Publisher) -> None:
    """Samples that are half a second old when they are sent, and a few that are five seconds old."""
    begin, sent = time.time(), list[float]()
    while time.time() < begin + 6.5:
        publisher.publish(*series("rate.value", 10, back_s=0.5, step_s=0))
        sent += [time.time()] * 10
        time.sleep(0.1)
    health, now = live.health, time.time()
    whole = int(now)
    expected = len([when for when in sent if whole - 5 <= when < whole]) / 5
    assert health["samplesPerSecond"] == pytest.approx(expected, rel=0.2)
    assert 500 <= health["latencyP50Ms"] < 1500
    publisher.publish(sample("rate.old", 1.0, time.time() - 5))
    live.until("streamgauge.health.latencyP99Ms >= 5000")
    assert live.health["latencyP99Ms"] < 6500
    assert live.health["latencyP50Ms"] < 1500
    assert re.fullmatch(r"\d{3} ms · p99 5\.\d+ s|1\.\d+ s · p99 5\.\d+ s", live.figure("latency"))
    assert float(live.figure("rate")) > 10


def test_round_trip(server: Server, site: Site, view: View, backstage: Backstage) -> None:
    """An answer is held back for a known time."""
    pings: list[float] = []

    def sent(payload: str | bytes) -> None:
        if json.loads(payload)["type"] == "ping":
            pings.append(time.time())

    view.page.on("websocket", lambda socket: socket.on("framesent", sent))
    with backstage.proxy(server.port) as network:
        view.open(site.serve(network.url))
        view.until("streamgauge.health.rttMs !== null && streamgauge.health.rttMs < 400")
        network.hold("downstream")
        before = len(pings)
        while len(pings) == before:
            view.page.wait_for_timeout(10)
        view.page.wait_for_timeout(700)
        held_s = time.time() - pings[-1]
        network.resume()
        view.until("streamgauge.health.rttMs > 690")
        assert view.health["rttMs"] < (time.time() - pings[before] + 0.2) * 1000
        assert held_s > 0.65
        shown, unit = view.figure("rtt").split(" ")
        assert (float(shown) * (1000 if unit == "s" else 1)) == pytest.approx(view.health["rttMs"], rel=0.02)


def test_a_wrong_clock_is_told_and_harmless(server: Server, publisher: Publisher, site: Site, view: View) -> None:
    view.page.add_init_script(SHIFTED_CLOCK)
    samples = series("clock.value", 100)
    publisher.publish(*samples)
    view.open(site.url)
    view.until_painted("clock.value", 100)
    assert view.health["skewMs"] == pytest.approx(90_000, abs=500)
    assert view.figure("skew") in ("90 s", "90.1 s", "89.9 s")
    assert view.js("document.querySelector('[data-health=skew]').classList.contains('bad')")
    assert view.panel("clock.value")["to"] == pytest.approx(time.time(), abs=1)
    assert view.painted("clock.value").pairs == pairs(samples)
    publisher.publish(sample("clock.value", 1.0))
    view.until("streamgauge.health.latencyP50Ms !== null")
    assert view.health["latencyP50Ms"] < 2000


def test_what_a_slow_tab_missed_is_counted_and_shown(
    serving: Callable[..., Server], site: Site, view: View, backstage: Backstage
) -> None:
    server = serving(mailbox_batches=8, samples_per_second=0)
    publisher = Publisher(backstage, server.url)
    count, messages = 10_000, 80
    with backstage.proxy(server.port) as network:
        view.open(site.serve(network.url, STREAMGAUGE_DASHBOARD_POINTS_MAX="1000000"))
        publisher.publish(sample("quiet.value", 1.0), sample("slow.value", 0.0))
        view.until_painted("slow.value", 1)
        network.hold("downstream")
        begin = time.time() - 10
        times = [begin + at * 1e-5 for at in range(count * messages)]
        for at in range(0, len(times), count):
            publisher.publish(
                sample("slow.value", [float(each) for each in range(at, at + count)], times[at : at + count])
            )
        network.resume()
        view.until("streamgauge.counters.gaps > 0")
        publisher.publish(sample("slow.value", -5.0), sample("quiet.value", 2.0))
        view.until("streamgauge.ring('slow.value').values.at(-1) === -5")
    publisher.close()
    counters = view.counters
    assert counters["chainBreaks"] == 0
    live_samples = counters["samples"] - counters["conflated"] - counters["backfilled"]
    assert live_samples + counters["gapSamples"] == 2 + count * messages + 2
    assert counters["gapSamples"] > count
    assert re.sub(r"\D", "", view.figure("gaps")) == f"{counters['gaps']}{counters['gapSamples']}"
    assert view.js("document.querySelector('[data-health=gaps]').classList.contains('bad')")
    breaks = view.js("streamgauge.ring('slow.value').breaks.length")
    assert breaks >= 1
    assert view.ring("quiet.value").breaks == [], "what lost nothing does not break"
    view.until("streamgauge.painted('slow.value').values.at(-1) === -5")
    assert len(view.painted("slow.value").points) == breaks + 1, "a loss is drawn as a break"


def test_a_hole_that_nobody_announced_is_found(publisher: Publisher, site: Site, view: View) -> None:
    """One message is taken out on its way."""
    dropped: list[str | bytes] = []

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if '"samples"' in str(message) and "777.5" in str(message):
                dropped.append(message)
            else:
                socket.send(message)

        server.on_message(pass_on)

    view.page.route_web_socket(re.compile(r"/v1/stream"), route)
    view.open(site.url)
    now = time.time()
    for at, value in enumerate((1.0, 2.0, 777.5, 3.0, 4.0)):
        publisher.publish(sample("hole.value", value, now - 20 + at))
        if value != 777.5:
            view.until("(value) => streamgauge.ring('hole.value')?.values.at(-1) === value", value)
        else:
            while not dropped:
                view.page.wait_for_timeout(10)
    assert len(dropped) == 1
    assert view.ring("hole.value").values == [1, 2, 3, 4]
    assert view.ring("hole.value").breaks == [2]
    assert view.counters["chainBreaks"] == 1
    assert view.figure("gaps") == "1 · 0"
    view.until_painted("hole.value", 4)
    assert [len(run) for run in view.painted("hole.value").points] == [2, 2]


def test_in_ordinary_life_nothing_is_wrong_whatever_the_page_is_called(
    server: Server, publisher: Publisher, site: Site, view: View
) -> None:
    """The page and the broadcaster are of different origins in any case."""
    view.open(site.url.replace("127.0.0.1", "localhost"))
    publisher.publish(sample("name.value", 1.0))
    view.until_painted("name.value", 1)
    assert abs(view.health["skewMs"]) < 500
    assert not view.js("document.querySelector('[data-health=skew]').classList.contains('bad')")
    assert view.figure("gaps") == "0 · 0"
