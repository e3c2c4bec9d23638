"""What pages are given to draw: lines with a spike now and then, each sample stamped when it is sent."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

HURRY = "DRAWING_HOUR_IN_S"  # variable: an hour of samples comes in so many seconds, instead of what was before
HOUR_S = 3_600.0
SPIKE = 1 / 2_000  # of the samples: an axis changes when one comes into view, and when it leaves
Sink = Callable[[int, Sequence[float], Sequence[Sequence[float]]], None]  # panel, times, a column for each line


@dataclass(frozen=True, slots=True)
class Load:
    """`rate_hz` samples of each line a second, with so many seconds of them held before the page is opened."""

    panels: int
    lines: int
    rate_hz: float
    back_s: float

    @property
    def series(self) -> int:
        return self.panels * self.lines

    def columns(self, panel: int, times: Sequence[float], random: Random) -> list[list[float]]:
        return [[_value(panel, line, each, random) for each in times] for line in range(self.lines)]


def metric(panel: int) -> str:
    return f"draw.panel{panel:03}"


def _value(panel: int, line: int, when: float, random: Random) -> float:
    value = 10 + 2 * (line % 8) + math.sin(when / 7 + panel + line) + random.uniform(-0.3, 0.3)
    return round(value * (3 if random.random() < SPIKE else 1), 3)


@contextmanager
def into(url: str) -> Iterator[Sink]:
    """A sink that publishes at once."""
    from ingest import connect  # peers use this module where Streamgauge is not installed

    with connect(url, client="drawing", flush_interval_s=0.001, buffer_samples=1_000_000, on_full="block") as producer:

        def take(panel: int, times: Sequence[float], columns: Sequence[Sequence[float]]) -> None:
            for line, values in enumerate(columns):
                producer.send_many(metric(panel), times, values, line=str(line))

        yield take


def give_history(load: Load, sink: Sink, random: Random) -> None:
    now, step = time.time(), 1 / load.rate_hz
    times = [now - step * back for back in range(int(load.back_s * load.rate_hz), 0, -1)]
    for panel in range(load.panels):
        sink(panel, times, load.columns(panel, times, random))


@contextmanager
def feeding(load: Load, sink: Sink, seed: int = 7) -> Iterator[None]:
    """What was before, then from a thread of its own what comes, while the block lasts. Panels speak in turn."""
    random, stop = Random(seed), threading.Event()
    hurried = HURRY in os.environ
    if not hurried:
        give_history(load, sink, random)
    thread = threading.Thread(target=_hurry if hurried else _feed, args=(load, sink, random, stop), name="feed")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _hurry(load: Load, sink: Sink, random: Random, stop: threading.Event) -> None:
    """An hour of samples until now, ten times a second a piece of it; then what comes."""
    pieces = int(10 * float(os.environ[HURRY]))
    count, due = int(HOUR_S * load.rate_hz / pieces), time.monotonic()
    ends = time.time() + pieces / 10
    for piece in range(pieces):
        first = ends - (pieces - piece) * count / load.rate_hz
        times = [first + index / load.rate_hz for index in range(count)]
        for panel in range(load.panels):
            sink(panel, times, load.columns(panel, times, random))
        due += 0.1
        if stop.wait(max(0.0, due - time.monotonic())):
            return
    _feed(load, sink, random, stop)


def _feed(load: Load, sink: Sink, random: Random, stop: threading.Event) -> None:
    due, panel = time.monotonic(), 0
    while not stop.wait(max(0.0, due - time.monotonic())):
        now = [time.time()]
        sink(panel, now, load.columns(panel, now, random))
        panel = (panel + 1) % load.panels
        due += 1 / load.rate_hz / load.panels
