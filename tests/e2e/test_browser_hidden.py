"""A tab that is hidden by another one for a minute, and then shown."""

import time

import pytest
import trio

from dashboard.config import DashboardConfig
from dashboard.server import serve as serve_dashboard
from tests.e2e.conftest import QUIET, Dial, Start
from tests.e2e.devtools import Tab, chromium_with_tabs
from tests.e2e.wire import Wire, sample

HIDDEN_S = 60.0
PERIOD_S = 0.05
NAMES = ("a", "b", "c")
STALL_S = 3.0  # a person who looks again sees what is new within this


async def feed(wire: Wire, sent: list[float], end: float) -> None:
    """One message each period: a sample of each series, with the number of the message as value."""
    while trio.current_time() < end:
        number = float(len(sent))
        sent.append(time.time())
        await wire.publish(int(number), [sample(name, number, sent[-1]) for name in NAMES])
        await trio.sleep(PERIOD_S)


async def check(tab: Tab, sent: list[float]) -> None:
    """All is held once, in order, and nothing was missed."""
    counters = await tab.evaluate("window.streamgauge.counters")
    assert {name: counters[name] for name in ("connections", "gaps", "chainBreaks", "merged", "restarted")} == {
        "connections": 1,
        "gaps": 0,
        "chainBreaks": 0,
        "merged": 0,
        "restarted": 0,
    }
    assert counters["samples"] == len(sent) * len(NAMES)
    for name in NAMES:
        ring = await tab.evaluate(f"window.streamgauge.ring('{name}')")
        assert ring["times"] == sent
        assert ring["values"] == [float(number) for number in range(len(sent))]
        assert ring["breaks"] == []


@pytest.mark.timeout(150)
async def test_a_hidden_minute_loses_nothing_and_does_not_stall(
    nursery: trio.Nursery, start: Start, dial: Dial
) -> None:
    broadcaster = await start()
    config = DashboardConfig(bind=QUIET["bind"], broadcaster=broadcaster.url, broadcaster_http=broadcaster.http_url)
    url = await nursery.start(lambda task_status: serve_dashboard(config, task_status=task_status))
    wire = await dial(broadcaster)
    sent: list[float] = []
    async with chromium_with_tabs() as browser:
        tab = await browser.open(url)
        await tab.until("window.streamgauge?.connection.state === 'live'", 20)
        await feed(wire, sent, trio.current_time() + 1)
        await tab.until(f"window.streamgauge.painted('c')?.values.at(-1) === {len(sent) - 1}", STALL_S)
        other = await browser.open("about:blank")
        await tab.until("document.visibilityState === 'hidden'", 5)
        frames = await tab.evaluate("window.streamgauge.counters.frames")
        await feed(wire, sent, trio.current_time() + HIDDEN_S)
        assert await tab.evaluate("document.visibilityState") == "hidden"
        assert await tab.evaluate("window.streamgauge.counters.frames") <= frames + 2, "nobody looks, nothing is drawn"
        await check(tab, sent)
        await tab.show()
        shown = trio.current_time()
        await tab.until(f"window.streamgauge.painted('c')?.values.at(-1) === {len(sent) - 1}", STALL_S)
        assert trio.current_time() - shown < STALL_S
        assert await tab.evaluate("window.streamgauge.connection.state") == "live"
        await feed(wire, sent, trio.current_time() + 1)
        await tab.until(f"window.streamgauge.painted('c')?.values.at(-1) === {len(sent) - 1}", STALL_S)
        await check(tab, sent)
        assert await other.evaluate("document.visibilityState") == "hidden"
