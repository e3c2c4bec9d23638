"""How long it takes from the start of `streamgauge demo` to the first sample painted.

    python -m benchmarks.start [--times 5]

The browser is started once the demo says that it is ready, as a person would do; the second column leaves the
browser's own start out, as for somebody whose browser is open already.
"""

import argparse
import time
from statistics import median

from benchmarks.demo import running_demo
from tests.e2e.browser import chromium, wait_for_paint


def measure() -> tuple[float, float, float]:
    """Seconds until the demo is ready, until a sample is painted, and of these what the browser's start took."""
    began = time.monotonic()
    with running_demo() as demo:
        ready = time.monotonic()
        with chromium() as browser:
            opened = time.monotonic()
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(demo.page, wait_until="commit")
            wait_for_paint(page, "host.cpu.percent")
            return ready - began, time.monotonic() - began, opened - ready


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.start", description="From start to the first painted sample.")
    parser.add_argument("--times", type=int, default=5, help="how often to measure (5)")
    times = parser.parse_args().times
    print("| run | ready | first sample painted | without the browser's start |\n|---|---|---|---|")
    runs = []
    for run in range(1, times + 1):
        ready, painted, browser = measure()
        runs.append((ready, painted, painted - browser))
        print(f"| {run} | {ready:.2f} s | {painted:.2f} s | {painted - browser:.2f} s |", flush=True)
    print("| median | " + " | ".join(f"{median(column):.2f} s" for column in zip(*runs, strict=True)) + " |")


if __name__ == "__main__":
    main()
