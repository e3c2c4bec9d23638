"""`streamgauge demo` as a process of its own on free ports, and a real browser for its page."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

COMMAND = str(Path(sys.executable).with_name("streamgauge"))
FREE_PORTS = {
    "STREAMGAUGE_BROADCASTER_BIND": "127.0.0.1:0",
    "STREAMGAUGE_BROADCASTER_HTTP_BIND": "127.0.0.1:0",
    "STREAMGAUGE_DASHBOARD_BIND": "127.0.0.1:0",
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
STOP_S = 15


@dataclass(frozen=True, slots=True)
class Demo:
    pid: int
    page: str
    stream: str


@contextmanager
def running_demo(**settings: str) -> Iterator[Demo]:
    """Yields once it says where it is. It is stopped as by ctrl-C, and killed if that does not help."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_")}
    environment = ours | FREE_PORTS | settings
    command = [COMMAND, "demo", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Demo(process.pid, _url_in(process, "http"), _url_in(process, "ws"))
            process.send_signal(signal.SIGINT)
            process.wait(STOP_S)
        finally:
            process.kill()


def _url_in(process: "subprocess.Popen[str]", scheme: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(rf"{scheme}://\S+", line):
            return match[0]
    sys.exit("the demo did not start")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium that is installed, else the one that Playwright brought; without a window."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def wait_for_paint(page: Page, metric: str, timeout_s: float = 30) -> None:
    """Until a line of the metric has been drawn with a sample."""
    page.wait_for_function(
        """(metric) => window.streamgauge?.series().some((each) =>
            each.metric === metric && (window.streamgauge.painted(metric, each.tags)?.samples ?? 0) > 0)""",
        arg=metric,
        timeout=timeout_s * 1000,
        polling="raf",
    )
