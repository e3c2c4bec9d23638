from dataclasses import fields

from prometheus_client.parser import text_string_to_metric_families

from broadcaster.metrics import exposition, families
from broadcaster.statistics import FLUSH_BUCKETS_S, Figures, Histogram


def test_every_figure_is_exposed() -> None:
    names = {family.name.removeprefix("streamgauge_") for family in families(Figures())}
    expected = {field.name for field in fields(Figures)}
    assert {name.removesuffix("_seconds") for name in names} == {name.removesuffix("_s") for name in expected}


def test_figures_come_with_their_labels() -> None:
    figures = Figures(connections={"producer": 2}, closes={"4008": 3}, accepted_samples=7, loop_lag_s=0.5)
    text, content_type = exposition(figures, "")
    assert content_type.startswith("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    assert samples["streamgauge_connections", "producer"] == 2
    assert samples["streamgauge_closes_total", "4008"] == 3
    assert samples[("streamgauge_accepted_samples_total",)] == 7
    assert samples[("streamgauge_loop_lag_seconds",)] == 0.5


def test_openmetrics_is_negotiated() -> None:
    text, content_type = exposition(Figures(), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_flush_times_fall_into_cumulated_buckets() -> None:
    histogram = Histogram().add(0.0001).add(0.03).add(9.0)
    buckets = dict(histogram.cumulated())
    assert buckets[str(FLUSH_BUCKETS_S[0])] == 1
    assert buckets["0.025"] == 1
    assert buckets["0.05"] == 2
    assert buckets["+Inf"] == 3
    assert histogram.sum_s == 9.0301


def test_a_version_that_is_none_is_answered_all_the_same() -> None:
    text, _ = exposition(Figures(), "application/openmetrics-text; version=x.0.0")
    assert b"streamgauge_" in text
