"""Statistics and tables."""

import math

import pytest

from benchmarks.measures.metrics import parse
from benchmarks.report.page import page
from benchmarks.report.tables import number, table
from benchmarks.statistics import ages_ms, medians, quantile, ratios


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.99, 99), (1, 100)])
def test_quantiles(share: float, value: int) -> None:
    assert quantile(range(1, 101), share) == value


def test_nothing_has_no_quantiles() -> None:
    assert math.isnan(quantile([], 0.5))
    assert math.isnan(ages_ms([])["p99_ms"])


def test_ages_need_no_order() -> None:
    assert ages_ms([0.003, 0.001, 0.002]) == pytest.approx({"p50_ms": 2, "p99_ms": 3, "max_ms": 3})


ROWS = [
    {"run": run, "peer": peer, "speed": speed, "text": "kept out"}
    for run, speeds in enumerate(((10, 100), (30, 90), (20, 10)), 1)
    for peer, speed in zip(("a", "b"), speeds, strict=True)
]


def test_medians_by_peer() -> None:
    assert medians(ROWS, ["peer"]) == [{"peer": "a", "runs": 3, "speed": 20}, {"peer": "b", "runs": 3, "speed": 90}]


def test_ratios_are_of_one_run() -> None:
    assert ratios(ROWS, lambda row: float(row["speed"]), "b", "a") == [10, 3, 0.5]
    assert ratios(ROWS, lambda row: float(row["speed"]), "b", "missing") == []


@pytest.mark.parametrize(
    ("value", "text"), [(1234567, "1,234,567"), (12.34, "12.3"), (0.01234, "0.0123"), (0, "0"), (float("nan"), "-")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_table() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n|---|---:|\n| x | 1 |\n"


def test_the_page_shows_ratios_of_the_same_run() -> None:
    def row(run: int, peer: str, speed: float) -> dict[str, object]:
        figures = {"delivered_per_s": speed, "bytes_per_s": 30 * speed, "server_cpu": 1.0, "generator_cpu": 0.5}
        return {"run": run, "peer": peer, "load": "saturated", **figures, "lost_share": 0.0, "errors": 0}

    rows = [row(1, "streamgauge", 3e7), row(1, "nats", 1e6), row(2, "streamgauge", 4e7), row(2, "nats", 2e6)]
    machine = {"cores": 2, "processor": "P", "system": "S", "kernel": "6", "python": "3", "node": None}
    machine["load_average"] = 0.5
    section = {"taken": "2026-01-01 00:00", "machine": machine, "runs": 2, "seconds": 1.0, "rows": rows}
    text = page({"fanout": section})
    assert "| Streamgauge | 35.0 | - |" in text
    assert "| NATS server, WebSocket | 1.5 | 25.0 (20.0 to 30.0) |" in text


def test_tls_stands_beside_what_it_costs() -> None:
    def row(run: int, load: str, speed: float) -> dict[str, object]:
        figures = {"delivered_per_s": speed, "bytes_per_s": 30 * speed, "server_cpu": 0.9, "generator_cpu": 0.5}
        return {"run": run, "peer": "streamgauge", "load": load, **figures, "lost_share": 0.0, "errors": 0}

    rows = [row(1, "saturated", 8e7), row(1, "saturated, TLS", 4e7), row(2, "saturated", 6e7)]
    rows.append(row(2, "saturated, TLS", 4.5e7))
    machine = {"cores": 2, "processor": "P", "system": "S", "kernel": "6", "python": "3", "node": None}
    section = {"taken": "2026-01-01 00:00", "machine": {**machine, "load_average": 0.5}, "runs": 2, "seconds": 1.0}
    text = page({"fanout": {**section, "rows": rows}})
    assert "| saturated | 70.0 | - |" in text
    assert "| saturated, TLS | 42.5 | 62% (50% to 75%) |" in text


def test_metrics_of_the_broadcaster() -> None:
    text = """# HELP streamgauge_batches_total Batches flushed.
streamgauge_batches_total 3.0
streamgauge_dropped_samples_total{overflow="conflate"} 4.0
streamgauge_dropped_samples_total{overflow="drop_oldest"} 5.0
streamgauge_mailbox_bytes 1e+06
"""
    assert parse(text) == {"batches": 3, "dropped_samples": 9, "mailbox_bytes": 1e6}
