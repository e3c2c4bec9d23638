"""How pages draw, as Markdown tables. Pure."""

from collections.abc import Mapping
from typing import Any

from benchmarks.drawing.held import PANELS
from benchmarks.drawing.others import OTHERS
from benchmarks.report.tables import number, table
from benchmarks.statistics import Row, medians

TITLES = {"streamgauge": "Streamgauge", **{other.peer.name: other.peer.title for other in OTHERS}}


def smoothness(section: Mapping[str, Any]) -> str:
    rows: list[Row] = section["rows"]
    writers = {"in view": _in_view, "an hour": _hour, "opening": _opening, "crowd": _crowd, "ten hours": _hours}
    parts = []
    for load, write in writers.items():
        if kept := [row for row in rows if row["load"].startswith(load)]:
            parts.append(write(kept))
    return "\n".join(parts)


def _in_view(rows: list[Row]) -> str:
    lines = [
        [
            TITLES[row["peer"]],
            number(row["frames_per_s"]),
            number(row["frame_p95_ms"]),
            number(row["paints"] / row["seconds"] / PANELS.panels),
            f"{row['busy']:.0%}",
            number(1e3 * row["browser_cores"] / row["frames_per_s"]),
            f"{number(row['paint_p50_ms'])} / {number(row['paint_p95_ms'])}",
            number(row["heap_mb"] + row["arrays_mb"]),
            number(row["machine_load"]),
        ]
        for row in medians(rows, ["peer"])
    ]
    head = ["12 panels of 4 lines of 600 points, 10 samples/s each", "frames/s", "frame p95, ms"]
    head += ["panel updates/s", "main thread busy"]
    head += ["CPU a frame, ms", "sample to paint p50 / p95, ms", "heap, MB", "load of the machine"]
    return table(head, lines)


def _hour(rows: list[Row]) -> str:
    lines = [
        [TITLES[row["peer"]], *(number(row[name]) for name in ("heap_mb", "arrays_mb", "nodes"))]
        for row in medians(rows, ["peer"])
    ]
    head = ["after an hour of samples: 36,000 of each of 48 lines, fed fast"]
    return table([*head, "heap, MB", "typed arrays, MB", "DOM nodes"], lines)


def _opening(rows: list[Row]) -> str:
    head = ["opened, 12 panels of 4 lines of 600 points, nothing cached", "first paint, ms", "panels drawn, ms"]
    lines = [
        [
            f"median of {len(rows)}",
            *(number(row[name]) for name in ("first_paint_ms", "panels_drawn_ms", "fetched_kb", "machine_load")),
        ]
        for row in medians(rows, ["load"])
    ]
    return table([*head, "fetched, kB", "load of the machine"], lines)


def _crowd(rows: list[Row]) -> str:
    lines = [
        [
            row["load"].removeprefix("crowd, ").replace("crowd", "pointed at"),
            number(row["frames_per_s"]),
            f"{number(row['delay_p50_ms'])} / {number(row['delay_p95_ms'])}",
            number(row["event_max_ms"]),
            f"{row['busy']:.0%}",
            number(row["machine_load"]),
        ]
        for row in medians(rows, ["load"])
    ]
    head = ["100 panels, 5,000 series", "frames/s", "input delay p50 / p95, ms", "longest event, ms"]
    return table([*head, "main thread busy", "load of the machine"], lines)


def _hours(rows: list[Row]) -> str:
    kept = [row for row in medians(rows, ["hour"]) if row["hour"] in (1, 2, 5, 10)]
    lines = [[f"{row['hour']}", *(number(row[name]) for name in ("heap_mb", "arrays_mb", "nodes"))] for row in kept]
    return table(["hours of samples, fed fast; one is kept", "heap, MB", "typed arrays, MB", "DOM nodes"], lines)
