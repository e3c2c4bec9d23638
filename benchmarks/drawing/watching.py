"""A page in a real Chromium without a GPU, and what it costs to draw it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, ViewportSize

from benchmarks.statistics import quantile

PROBE = Path(__file__).with_name("probe.js")
SCREEN: ViewportSize = {"width": 1920, "height": 1080}
MB = 1_000_000
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of work since the browser began, by the thread that runs the page and by all of its processes."""

    at: float
    metrics: dict[str, float]
    cpu_s: float


class Watch:
    """Measures between `begin` and `end`."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self.page = page
        self._browser: CDPSession = browser.new_browser_cdp_session()
        self._tab: CDPSession = page.context.new_cdp_session(page)
        self._tab.send("Performance.enable")
        self._begun: Reading | None = None

    def _read(self) -> Reading:
        metrics = {each["name"]: each["value"] for each in self._tab.send("Performance.getMetrics")["metrics"]}
        processes = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        return Reading(time.monotonic(), metrics, sum(each["cpuTime"] for each in processes))

    def begin(self) -> None:
        self.page.evaluate("window.drawingProbe.clear()")
        self._begun = self._read()

    def end(self) -> Row:
        begun, now = self._begun, self._read()
        assert begun is not None
        seen = self.page.evaluate("window.drawingProbe.read()")
        seconds = now.at - begun.at

        def share(name: str) -> float:
            return (now.metrics[name] - begun.metrics[name]) / seconds

        return {
            "seconds": seconds,
            **frames(seen["frames"], seconds),
            "busy": share("TaskDuration"),
            "script": share("ScriptDuration"),
            "layout": share("LayoutDuration") + share("RecalcStyleDuration"),
            "browser_cores": (now.cpu_s - begun.cpu_s) / seconds,
            **_quantiles("paint", [1e3 * age for age in seen["ages"]]),
            **_quantiles("delay", seen["delays"]),
            "event_max_ms": max(seen["events"], default=0.0),
            "long_tasks": len(seen["long"]),
            "long_task_max_ms": max(seen["long"], default=0.0),
        }

    def memory(self) -> Row:
        """After a collection. Typed arrays are not on the heap of JavaScript, so they are told apart."""
        self._tab.send("HeapProfiler.collectGarbage")
        usage = self._tab.send("Runtime.getHeapUsage")
        counted = self._tab.send("Memory.getDOMCounters")
        return {
            "heap_mb": usage["usedSize"] / MB,
            "arrays_mb": usage.get("backingStorageSize", 0.0) / MB,
            "nodes": counted["nodes"],
        }


def frames(times: list[float], seconds: float) -> Row:
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return {
        "frames_per_s": len(times) / seconds,
        "frame_p95_ms": quantile(gaps, 0.95),
        "frame_max_ms": quantile(gaps, 1),
    }


def _quantiles(name: str, values: list[float]) -> Row:
    ordered = sorted(values)
    found = {f"{name}_p{share:.0%}_ms".replace("%", ""): quantile(ordered, share) for share in (0.5, 0.95)}
    return {f"{name}s": len(values), **found, f"{name}_max_ms": quantile(ordered, 1)}


@contextmanager
def watched(browser: Browser, url: str, fresh: str, panels: int) -> Iterator[Watch]:
    """A page with the probe in it. `fresh` is JavaScript, the page's answer to what it shows; see probe.js."""
    page = browser.new_page(viewport=SCREEN)
    page.add_init_script(path=PROBE)
    page.goto(url, wait_until="commit")
    try:
        page.evaluate(f"([panels]) => Object.assign(window.drawingProbe, {{ panels, fresh: {fresh} }})", [panels])
        yield Watch(browser, page)
    finally:
        page.close()
