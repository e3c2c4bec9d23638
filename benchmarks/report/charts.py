"""results.json as Plotly charts: one page, and a picture of each if a Chromium is at hand."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

from benchmarks.report.page import title
from benchmarks.statistics import medians

WIDTH, HEIGHT = 960, 480
OURS, THEIRS = "#2563eb", "#94a3b8"
COLOURS = ("#2563eb", "#0f766e", "#d97706", "#9333ea", "#dc2626", "#65a30d", "#64748b")
Results = Mapping[str, Any]


def charts(results: Results) -> dict[str, go.Figure]:
    """By name, of what was measured."""
    makers = {"fanout": _fanout, "latency": _latency, "growth": _growth}
    return {name: make(results[name]["rows"]) for name, make in makers.items() if name in results}


def _figure(text: str, **layout: Any) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(title=text, template="plotly_white", width=WIDTH, height=HEIGHT, **layout)
    return figure


def _fanout(rows: list[dict[str, Any]]) -> go.Figure:
    kept = [row for row in rows if row["load"] == "saturated" and row["peer"] != "bare"]
    middle = sorted(medians(kept, ["peer"]), key=lambda row: float(row["delivered_per_s"]))
    values = [row["delivered_per_s"] for row in middle]
    figure = _figure("Samples delivered a second to 1,000 subscribers, saturated")
    figure.add_bar(
        x=values,
        y=[title(row["peer"]) for row in middle],
        orientation="h",
        marker_color=[OURS if row["peer"] == "streamgauge" else THEIRS for row in middle],
        text=[f"{value / 1e6:,.2f} M/s" for value in values],
        textposition="outside",
        cliponaxis=False,
    )
    return figure.update_xaxes(title="samples/s", range=(0, max(values) * 1.12))


def _latency(rows: list[dict[str, Any]]) -> go.Figure:
    figure = _figure("Age of a sample when it is read, p99, at 1,000 samples/s", barmode="group")
    middle = medians(rows, ["peer", "subscribers"])
    for at, peer in enumerate(dict.fromkeys(row["peer"] for row in middle)):
        own = [row for row in middle if row["peer"] == peer]
        figure.add_bar(
            name=title(peer),
            x=[f"{row['subscribers']:,} subscribers" for row in own],
            y=[row["p99_ms"] for row in own],
            marker_color=COLOURS[at % len(COLOURS)],
        )
    return figure.update_yaxes(type="log", title="ms")


def _growth(rows: list[dict[str, Any]]) -> go.Figure:
    figure = _figure("Cost of a delivered batch", legend_title="against")
    middle = medians(rows, ["axis", "x"])
    for at, axis in enumerate(dict.fromkeys(row["axis"] for row in middle)):
        own = [row for row in middle if row["axis"] == axis]
        figure.add_scatter(
            name=axis,
            x=[row["x"] for row in own],
            y=[row["us_per_delivery"] for row in own],
            mode="lines+markers",
            line_color=COLOURS[at],
        )
    figure.update_xaxes(type="log", title="how many")
    return figure.update_yaxes(type="log", title="µs of CPU")


def write_charts(results: Results, out: Path) -> None:
    figures = charts(results)
    if not figures:
        return
    parts = [
        figure.to_html(full_html=False, include_plotlyjs="cdn" if not at else False)
        for at, figure in enumerate(figures.values())
    ]
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Streamgauge, measured</title>{}</html>\n'
    (out / "charts.html").write_text(page.format("\n".join(parts)))
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium:
        _pictures(figures, out, chromium)


def _pictures(figures: Mapping[str, go.Figure], out: Path, chromium: str) -> None:
    """Drawn by a browser without a window and without a network."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, figure in figures.items():
            file = Path(folder) / f"{name}.html"
            file.write_text(figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
            tab.goto(file.as_uri())
            tab.wait_for_selector(".js-plotly-plot .main-svg")
            tab.locator(".js-plotly-plot").screenshot(path=out / f"{name}.png")
        browser.close()
