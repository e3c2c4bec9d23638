"""A browser's tab that stands still, and goes on: what its page holds, and what it says was dropped."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from benchmarks.faults.processes import Lines, Stage
from benchmarks.faults.scenario import Scenario
from benchmarks.faults.sender import LANES, METRIC

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT_S = 30.0
POINTS = 1_000_000  # that nothing is let go of for its number
HELD = """metric => window.streamgauge.series().filter(each => each.metric === metric)
    .flatMap(({ tags }) => window.streamgauge.ring(metric, tags).values)"""
SEEN = f"() => window.streamgauge?.series().filter(each => each.metric === '{METRIC}').length === {LANES}"
ACCOUNTED = f"""(sent) => {{
    const {{ gapSamples, conflated }} = window.streamgauge.counters;
    return ({HELD})('{METRIC}').filter(value => value !== null).length + gapSamples - conflated >= sent;
}}"""
NEWEST = f"(number) => ({HELD})('{METRIC}').some((value) => value >= number)"
TICK = """() => {
    let last = performance.now();
    window.stoodStill = 0;
    setInterval(() => {
        const now = performance.now();
        window.stoodStill = Math.max(window.stoodStill, now - last);
        last = now;
    }, 20);
}"""
Still = Callable[["Browser", "Page"], Any]


def missing() -> str | None:
    if find_spec("playwright") is None:
        return "needs playwright"
    from tests.e2e.browser import executable

    return None if executable() else "needs Chromium"


@contextmanager
def plain_chromium() -> Iterator["Browser"]:
    """As a person starts it: with Playwright's emulation of the focus, no tab is ever frozen."""
    from playwright.sync_api import sync_playwright

    from tests.e2e.browser import FLAGS, executable
    from tests.e2e.ports import free_ports

    (port,) = free_ports(1)
    with sync_playwright() as playwright:
        flags = [*FLAGS, f"--remote-debugging-port={port}"]
        browser = playwright.chromium.launch(executable_path=executable(), args=flags)
        plain = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
        try:
            yield plain
        finally:
            plain.close()
            browser.close()


@contextmanager
def frozen(browser: "Browser", page: "Page") -> Iterator[None]:
    """As browsers do to tabs in the background: no task of the page runs."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    yield
    devtools.send("Page.setWebLifecycleState", {"state": "active"})


@contextmanager
def stopped(browser: "Browser", page: "Page") -> Iterator[None]:
    """Its processes stand still (SIGSTOP), as on a machine that is suspended or out of memory."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    renderers = [int(each["id"]) for each in told["processInfo"] if each["type"] == "renderer"]
    for one in renderers:
        os.kill(one, signal.SIGSTOP)
    yield
    for one in renderers:
        os.kill(one, signal.SIGCONT)


@dataclass(slots=True)
class Tab:
    """What the thread of the browser tells and is told."""

    thawed: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    failure: str | None = None  # of the browser itself
    sent: int = 0
    stood_s: float = 0.0  # the longest time without a task of the page
    back_s: float = 0.0  # until the page held what was sent after it went on
    counters: dict[str, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def watch(self, url: str, still: Still, before_s: float, still_s: float, record: Path) -> None:
        """In a thread of its own, in which all of the browser's calls are made. `record`: the producer's."""
        from playwright.sync_api import Error as PlaywrightError

        try:
            with plain_chromium() as browser:
                page = browser.contexts[0].new_page()
                page.goto(url)
                page.wait_for_function(SEEN, timeout=WAIT_S * 1000, polling=30)
                page.evaluate(TICK)
                page.wait_for_timeout(before_s * 1000)
                with still(browser, page):
                    time.sleep(still_s)
                thawed = time.monotonic()
                self.thawed.set()
                page.wait_for_function(NEWEST, arg=Lines(record).all()[-1]["sent"], timeout=WAIT_S * 1000, polling=10)
                self.back_s = time.monotonic() - thawed
                while not self.ended.is_set():
                    page.wait_for_timeout(20)
                self._read(page)
        except PlaywrightError as error:
            self.failure = str(error).splitlines()[0]
        finally:
            self.thawed.set()

    def _read(self, page: "Page") -> None:
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        with suppress(PlaywrightTimeout):  # what is missing is told below
            page.wait_for_function(ACCOUNTED, arg=self.sent, timeout=WAIT_S * 1000, polling=50)
        page.wait_for_timeout(100)  # what came twice would come now
        self.stood_s = page.evaluate("window.stoodStill") / 1000
        self.counters = page.evaluate("window.streamgauge.counters")
        self.numbers = [int(value) for value in page.evaluate(HELD, METRIC) if value is not None]

    def problems(self) -> list[str]:
        """Held once or announced, by the page's own counters."""
        counts, counters = Counter(self.numbers), self.counters
        absent = [number for number in range(self.sent) if number not in counts]
        announced = counters["gapSamples"] - counters["conflated"]
        recovered = counters["resumed"]  # a resume may bring what a gap had announced
        found = []
        if len(absent) > announced or (len(absent) < announced and not recovered):
            found.append(f"the page lacks {len(absent)} samples and says {announced}: {absent[:5]}")
        if twice := sum(count - 1 for count in counts.values()):
            found.append(f"the page holds {twice} samples twice")
        # Cut off amid its first backfill it has no cursor: it asks for the history again, and leaves out what it holds.
        again = counters["connections"] > counters["resumed"] + 1
        if counters["samples"] - counters["merged"] != len(self.numbers):
            found.append(f"the page counts {counters['samples']} samples and holds {len(self.numbers)}")
        for name in ("chainBreaks", "errors", *(() if again else ("merged",))):
            if counters[name]:
                found.append(f"the page counts {counters[name]} {name}")
        return found


async def stand_still(stage: Stage, still: Still) -> None:
    await stage.begin()
    url = await stage.start_dashboard(POINTS)
    tab = Tab()
    before_s, still_s = stage.dice.uniform(0.1, 0.5), stage.dice.uniform(0.2, 1.0) * stage.seconds
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            trio.to_thread.run_sync, partial(tab.watch, url, still, before_s, still_s, stage.senders["p0"].lines.path)
        )
        await trio.to_thread.run_sync(tab.thawed.wait)
        stage.healed()  # the subscriber has noticed nothing
        await stage.settle()
        tab.sent = stage.senders["p0"].now["sent"]
        tab.ended.set()
    if tab.failure:
        stage.wrong.append(f"the browser failed: {tab.failure}")
        return
    stage.wrong += tab.problems()
    stage.recovered_s = tab.back_s
    if tab.stood_s < still_s * 0.8:
        stage.wrong.append(f"the page stood still for {tab.stood_s:.2f} s instead of {still_s:.2f} s")
    stage.facts["page held"] = len(tab.numbers)
    stage.facts["page announced"] = tab.counters["gapSamples"] - tab.counters["conflated"]
    stage.facts["page resumed"] = tab.counters["resumed"]


SCENARIOS = [
    Scenario(
        "frozen-tab",
        "a dashboard's tab is frozen, as browsers do in the background, and thawed",
        partial(stand_still, still=frozen),
        missing=missing,
    ),
    Scenario(
        "stopped-tab",
        "a dashboard's renderer stands still (SIGSTOP) while 6,000 samples a second come, and goes on",
        partial(stand_still, still=stopped),
        missing=missing,
        options={"rate": 6000.0},
        settings={"mailbox_batches": "4", "history_points": str(POINTS)},
        gaps=True,
    ),
]
