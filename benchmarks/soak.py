"""Does memory stay flat? The demo, a producer of 20 series at 10 Hz and one open tab, read every 15 s.

    python -m benchmarks.soak [--minutes 10] [--history-s 60]

The default history holds an hour, and memory grows until it is full. So that the warm-up ends within the measurement,
the demo is told by ordinary settings to keep `--history-s` seconds. Exits with 1 if something grew by more than 5 %
from the middle third of the readings to the last, after the first third to warm up.
"""

import argparse
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from statistics import median

import psutil
from playwright.sync_api import Browser, Page

from benchmarks.demo import Demo, running_demo
from ingest import connect
from tests.e2e.browser import chromium, wait_for_paint

SERIES = 20
RATE_HZ = 10
GROWTH_MAX = 0.05
READINGS_MIN = 9
METRIC = "soak.wave"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    minutes: float
    server_mb: float  # resident
    tab_mb: float  # resident, of the tab's renderer process
    heap_mb: float  # of JavaScript, after a collection
    nodes: int  # of the DOM
    samples: int  # that the page received so far


COLUMNS = ("minute", "server, MB", "tab, MB", "JavaScript heap, MB", "DOM nodes", "samples received")
FLAT = {"server": "server_mb", "tab": "tab_mb", "JavaScript heap": "heap_mb", "DOM nodes": "nodes"}


@contextmanager
def pushing(url: str) -> Iterator[None]:
    """A producer in a thread of its own while the block lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=_push, args=(url, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _push(url: str, stop: threading.Event) -> None:
    with connect(url, client="soak") as producer:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            now = time.time()
            for number in range(SERIES):
                producer.send(METRIC, math.sin(now + number), time=now, number=str(number))
            due += 1 / RATE_HZ


def reader(demo: Demo, browser: Browser, page: Page) -> Callable[[float], Reading]:
    """What takes a reading; it is given the minutes that have passed."""
    server = psutil.Process(demo.pid)
    whole, tab = browser.new_browser_cdp_session(), page.context.new_cdp_session(page)
    tab.send("Performance.enable")

    def read(minutes: float) -> Reading:
        tab.send("HeapProfiler.collectGarbage")
        figures = {each["name"]: each["value"] for each in tab.send("Performance.getMetrics")["metrics"]}
        processes = whole.send("SystemInfo.getProcessInfo")["processInfo"]
        renderers = [psutil.Process(each["id"]) for each in processes if each["type"] == "renderer"]
        tab_bytes = max(each.memory_info().rss for each in renderers)
        return Reading(
            minutes,
            server.memory_info().rss / MB,
            tab_bytes / MB,
            figures["JSHeapUsedSize"] / MB,
            int(figures["Nodes"]),
            page.evaluate("window.streamgauge.counters.samples"),
        )

    return read


def show(reading: Reading) -> str:
    minutes, *megabytes, nodes, samples = astuple(reading)
    cells = [f"{minutes:.2f}", *(f"{each:.1f}" for each in megabytes), str(nodes), f"{samples:,}"]
    return f"| {' | '.join(cells)} |"


def soak(minutes: float, every_s: float, history_s: int) -> list[Reading]:
    settings = {
        "STREAMGAUGE_BROADCASTER_HISTORY_AGE_S": str(history_s),
        "STREAMGAUGE_BROADCASTER_HISTORY_POINTS": str(history_s * RATE_HZ),
        "STREAMGAUGE_DASHBOARD_POINTS_MAX": str(history_s * RATE_HZ),
        "STREAMGAUGE_DASHBOARD_FORGET_S": str(history_s),
    }
    readings: list[Reading] = []
    with running_demo(**settings) as demo, pushing(demo.stream), chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(demo.page)
        page.locator(f'[data-metric="{METRIC}"]').scroll_into_view_if_needed()  # only panels in sight are drawn
        wait_for_paint(page, METRIC)
        read = reader(demo, browser, page)
        began = time.monotonic()
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for number in range(int(minutes * 60 / every_s) + 1):
            page.wait_for_timeout(max(0.0, began + number * every_s - time.monotonic()) * 1000)
            readings.append(read((time.monotonic() - began) / 60))
            print(show(readings[-1]), flush=True)
    return readings


def growth(readings: list[Reading]) -> dict[str, float]:
    """How much the median of the last third is above that of the middle third, as a fraction."""
    third = len(readings) // 3
    middle, last = readings[third : 2 * third], readings[-third:]
    medians = {
        name: [median(getattr(each, field) for each in part) for part in (middle, last)] for name, field in FLAT.items()
    }
    return {name: after / before - 1 for name, (before, after) in medians.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description="Does memory stay flat?")
    parser.add_argument("--minutes", type=float, default=10, help="how long (10)")
    parser.add_argument("--every", type=float, default=15, metavar="SECONDS", help="between readings (15)")
    parser.add_argument("--history-s", type=int, default=60, help="seconds that server and page keep (60)")
    args = parser.parse_args()
    if args.minutes * 60 / args.every < READINGS_MIN:
        parser.error(f"fewer than {READINGS_MIN} readings tell nothing: measure for longer or oftener")
    readings = soak(args.minutes, args.every, args.history_s)
    grown = growth(readings)
    print("\nGrowth from the middle third to the last: " + ", ".join(f"{n} {g:+.1%}" for n, g in grown.items()))
    return int(any(each > GROWTH_MAX for each in grown.values()))


if __name__ == "__main__":
    sys.exit(main())
