"""How a page draws what arrives: frames a second, work, how old samples are in paint, delay of input, memory."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.drawing.held import PANELS
from benchmarks.drawing.load import HURRY, Load, feeding, into
from benchmarks.drawing.others import OTHERS, Other
from benchmarks.drawing.site import running_site
from benchmarks.drawing.watching import SCREEN, Watch, watched
from benchmarks.measures.options import Options, installed, say
from benchmarks.peers.peer import free_port, serving
from tests.e2e.browser import chromium

Row = dict[str, Any]

CROWD = Load(panels=100, lines=50, rate_hz=1, back_s=60)
HOURS, LONG = 10, Load(panels=10, lines=4, rate_hz=1, back_s=0)
FULL_S, QUICK_S = 12.0, 4.0
WARM_S = 4.0
FED_S = 3.0  # Netdata's page does not look again for a chart that is not there yet
SCROLL_PX = 120
OPENINGS = 5
HOUR_IN_S = 40.0  # 43,000 samples a second

FRESH = """(panel, since) => {
    const metric = `draw.panel${String(panel).padStart(3, '0')}`;
    const times = window.streamgauge?.painted(metric, { line: '0' })?.times ?? [];
    let at = times.length;
    while (at > 0 && times[at - 1] > since) at--;
    return times.slice(at);
}"""


def smoothness(options: Options) -> list[Row]:
    seconds = QUICK_S if options.quick else FULL_S
    kept = installed(other.peer for other in OTHERS)
    rows: list[Row] = []

    def note(run: int, peer: str, found: list[Row]) -> None:
        for row in found:
            rows.append({"run": run, "peer": peer, **row, "machine_load": os.getloadavg()[0]})
            say(f"smoothness run {run} {_told(rows[-1])}")

    for run in range(1, options.runs + 1):
        with chromium() as browser:
            note(run, "streamgauge", in_view(browser, seconds))
            for other in OTHERS:
                if other.peer in kept:
                    note(run, other.peer.name, [beside(browser, other, seconds)])
            if run == 1 and not options.quick:
                note(run, "streamgauge", [hour(browser)])
                for other in OTHERS:
                    if other.peer in kept and other.takes_history:
                        note(run, other.peer.name, [hour_beside(browser, other)])
            for load in () if options.quick else (opening, crowd):
                note(run, "streamgauge", load(browser, seconds))
            if run == 1 and not options.quick:
                note(run, "streamgauge", ten_hours(browser, seconds))
    return rows


def _told(row: Row) -> str:
    figures = {name: value for name, value in row.items() if name not in ("run", "peer", "load", "seconds")}
    return f"{row['peer']}, {row['load']}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())


def in_view(browser: Browser, seconds: float) -> list[Row]:
    with (
        running_site() as site,
        into(site.stream) as sink,
        feeding(PANELS, sink),
        watched(browser, site.page, FRESH, PANELS.panels) as watch,
    ):
        until_drawn(watch.page, PANELS.panels)
        return [_watching(watch, seconds)]


OPENED = """() => {
    const panels = window.streamgauge?.panels().filter(({ draws }) => draws > 0).length ?? 0;
    if (panels < 6) return null;
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    const fetched = performance.getEntriesByType('resource').reduce((sum, each) => sum + each.transferSize, 0);
    return { first_paint_ms: paint.startTime, panels_drawn_ms: performance.now(), fetched_kb: fetched / 1e3 };
}"""


def opening(browser: Browser, seconds: float) -> list[Row]:
    """From the address to what is to be seen, with nothing in the browser's cache."""
    rows: list[Row] = []
    with running_site() as site, into(site.stream) as sink, feeding(PANELS, sink):
        for _ in range(OPENINGS):
            with browser.new_context(viewport=SCREEN) as context:
                page = context.new_page()
                page.goto(site.page, wait_until="commit")
                opened = page.wait_for_function(OPENED, timeout=30_000, polling="raf").json_value()
                rows.append({"load": "opening", **opened})
    return rows


def beside(browser: Browser, other: Other, seconds: float) -> Row:
    """The same load in a page of somebody else's."""
    port = free_port()
    page = f"http://127.0.0.1:{port}/{other.path}"
    with serving(other.peer, port):
        time.sleep(FED_S)
        with watched(browser, page, other.fresh, PANELS.panels) as watch:
            watch.page.wait_for_function("window.drawingProbe.ages.length > 0", timeout=60_000, polling=100)
            return _watching(watch, seconds)


def _watching(watch: Watch, seconds: float) -> Row:
    watch.page.wait_for_timeout(1e3 * WARM_S)
    watch.begin()
    watch.page.wait_for_timeout(1e3 * seconds)
    return {"load": "in view", **watch.end(), **watch.memory()}


CAUGHT_UP = "() => { const { fresh } = window.drawingProbe; return fresh?.(0, Date.now() / 1e3 - 15).length > 0; }"


def hour(browser: Browser) -> Row:
    """An hour of samples went through the page, and is held by it."""
    with _hurried(), running_site() as site, into(site.stream) as sink:
        watching = watched(browser, site.page, FRESH, PANELS.panels)
        with watching as watch, feeding(PANELS, sink):
            return _fed(watch)


def hour_beside(browser: Browser, other: Other) -> Row:
    """The same through a page of somebody else's, which holds its newest 600 points of each line."""
    port = free_port()
    with serving(other.peer, port, {HURRY: str(HOUR_IN_S)}):
        page = f"http://127.0.0.1:{port}/{other.path}"
        with watched(browser, page, other.fresh, PANELS.panels) as watch:
            return _fed(watch)


def _fed(watch: Watch) -> Row:
    """Once the newest samples are in view."""
    watch.page.wait_for_function(CAUGHT_UP, timeout=6e3 * HOUR_IN_S, polling=500)
    watch.page.wait_for_timeout(1e3 * WARM_S)
    watch.begin()  # lets go of what the probe itself has noted
    return {"load": "an hour", **watch.memory()}


@contextmanager
def _hurried() -> Iterator[None]:
    os.environ[HURRY] = str(HOUR_IN_S)
    try:
        yield
    finally:
        del os.environ[HURRY]


def crowd(browser: Browser, seconds: float) -> list[Row]:
    with running_site() as site, into(site.stream) as sink, feeding(CROWD, sink):
        began = time.monotonic()
        with watched(browser, site.page, FRESH, 4) as watch:
            until_held(watch.page, CROWD.series)
            until_drawn(watch.page, 4)
            ready = time.monotonic() - began
            watch.page.wait_for_timeout(1e3 * WARM_S)
            still = _during(watch, seconds, "crowd", _point)
            scrolled = _during(watch, seconds, "crowd, scrolled", _scroll)
            return [{**still, "ready_s": ready}, {**scrolled, **watch.memory()}]


def _during(watch: Watch, seconds: float, name: str, act: Callable[[Page, int], None]) -> Row:
    watch.begin()
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        act(watch.page, step)
        watch.page.wait_for_timeout(40)
        step += 1
    return {"load": name, **watch.end()}


def _point(page: Page, step: int) -> None:
    """The pointer goes over panels; now and then a key is pressed."""
    page.mouse.move(300 + 37 * step % 1200, 300 + 23 * step % 600)
    if step % 8 == 0:
        page.keyboard.press("Shift")


def _scroll(page: Page, step: int) -> None:
    page.mouse.wheel(0, SCROLL_PX if step % 200 < 100 else -SCROLL_PX)


def ten_hours(browser: Browser, seconds: float) -> list[Row]:
    """An hour of history is kept: full after the first, so that what comes later may not grow."""
    kept = {
        "STREAMGAUGE_BROADCASTER_HISTORY_POINTS": "3600",
        "STREAMGAUGE_DASHBOARD_POINTS_MAX": "3600",
        "STREAMGAUGE_DASHBOARD_WINDOW_S": "0",
    }
    rows: list[Row] = []
    random, began = Random(7), time.time() - HOURS * 3600
    with running_site(**kept) as site, into(site.stream) as sink, watched(browser, site.page, FRESH, 0) as watch:
        for hour in range(HOURS):
            for minute in range(60):
                first = began + hour * 3600 + minute * 60
                times = [first + second for second in range(60)]
                for panel in range(LONG.panels):
                    sink(panel, times, LONG.columns(panel, times, random))
            until_received(watch.page, LONG.series, (hour + 1) * 3600)
            watch.page.wait_for_timeout(500)
            rows.append({"load": "ten hours", "hour": hour + 1, **watch.memory()})
    return rows


def until_drawn(page: Page, panels: int) -> None:
    drawn = "(count) => (window.streamgauge?.panels().filter(({ draws }) => draws > 0).length ?? 0) >= count"
    page.wait_for_function(drawn, arg=panels, timeout=60_000, polling=100)


def until_held(page: Page, series: int) -> None:
    held = "(count) => (window.streamgauge?.series().filter(({ samples }) => samples > 0).length ?? 0) >= count"
    page.wait_for_function(held, arg=series, timeout=120_000, polling=500)


def until_received(page: Page, series: int, each: int) -> None:
    counted = "(count) => (window.streamgauge?.counters.samples ?? 0) >= count"
    page.wait_for_function(counted, arg=series * each, timeout=120_000, polling=100)
