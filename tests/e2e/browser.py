"""A real Chromium for tests and benchmarks."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome")  # as in tools/install-browser


def executable() -> str | None:
    """Where there is a Chromium it is used, else (None) the one that Playwright brought."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
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
