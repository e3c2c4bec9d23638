"""What a peer's page draws: the same load as Streamgauge is given, held in the page's own server. Needs no package."""

from collections import deque
from collections.abc import Sequence

from benchmarks.drawing.load import Load

PANELS = Load(panels=12, lines=4, rate_hz=10, back_s=60)  # 600 points of each line in view
POINTS = 600
EVERY_MS = 100  # how often a page that asks does so: as often as there is something new


class Held:
    """The newest points of each line; a sink for `feeding`, from a thread of its own."""

    def __init__(self) -> None:
        self.times: list[deque[float]] = [deque(maxlen=POINTS) for _ in range(PANELS.panels)]
        self.values: list[list[deque[float]]] = [
            [deque(maxlen=POINTS) for _ in range(PANELS.lines)] for _ in range(PANELS.panels)
        ]

    def sink(self, panel: int, times: Sequence[float], columns: Sequence[Sequence[float]]) -> None:
        for held, column in zip(self.values[panel], columns, strict=True):
            held.extend(column)
        self.times[panel].extend(times)

    def panel(self, panel: int) -> tuple[list[float], list[list[float]]]:
        times = list(self.times[panel])
        return times, [list(held)[: len(times)] for held in self.values[panel]]
