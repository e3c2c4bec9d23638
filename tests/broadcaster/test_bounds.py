"""Everything bounded shows in /metrics: the bound, what of it is used, and what it refused; and the docs say where."""

import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from broadcaster.config import BroadcasterConfig
from broadcaster.metrics import exposition, families
from broadcaster.statistics import Figures
from tests.broadcaster.test_server import broadcaster, connect, subscribe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NUMBERS = {name for name, field in BroadcasterConfig.model_fields.items() if type(field.default) in (int, float)}
ROWS = re.findall(r"(?m)^\| `(\w+)` \|(?: (yes|by the fullest))? \| (.*) \|$", PAGE)
METRICS = {
    (family.name + "_total" if family.type == "counter" else family.name): family.documentation
    for family in families(Figures())
}


def samples(text: str, parse: object = plain) -> dict[tuple[str, ...], float]:
    assert callable(parse)
    return {(sample.name, *sample.labels.values()): sample.value for family in parse(text) for sample in family.samples}


def test_every_number_is_a_bound_with_its_row_or_a_pace() -> None:
    bounds = {name for name, _, _ in ROWS}
    (paces,) = re.findall(r"refuse nothing: ([^.]*)\.", PAGE)
    assert not bounds & set(re.findall(r"`(\w+)`", paces))
    assert bounds | set(re.findall(r"`(\w+)`", paces)) == NUMBERS


@pytest.mark.parametrize("setting", [name for name, _, _ in ROWS])
def test_its_row_names_counters_that_there_are(setting: str) -> None:
    (refused,) = [text for name, _, text in ROWS if name == setting]
    named = re.findall(r"`(\w+)(?:\{\w+=\"(\w+)\"\})?`", refused)
    assert named or refused.startswith("nothing: ")
    code = "\n".join(path.read_text() for path in (ROOT / "broadcaster").rglob("*.py"))
    for metric, label in named:
        assert metric in METRICS
        if label and metric == "streamgauge_refused_total":
            words = label.removeprefix("subject_") if label.startswith("subject_") else label
            assert f'"{words}"' in code, f"nobody counts {label}"


async def test_a_running_broadcaster_tells_each_bound_and_what_is_used() -> None:
    async with broadcaster(connections_max=50) as (running, _):
        client = await connect(running)
        with client.sock:
            await subscribe(client)
            running.publish({"samples": [{"metric": "a", "value": 1}]}, running.authorise(None), "test", 5.0)
            await client.receive("samples")
            text, _ = exposition(running.figures(), "")
    found = samples(text.decode())
    assert {name for name in NUMBERS if ("streamgauge_limits", name) in found} == NUMBERS
    assert {name for name, used, _ in ROWS if used} == {key[1] for key in found if key[0] == "streamgauge_used"}
    assert found["streamgauge_limits", "connections_max"] == 50
    assert found["streamgauge_used", "connections_max"] == 1
    assert found["streamgauge_used", "subscriptions_max"] == 1
    assert found["streamgauge_used", "series_max"] == 1
    assert found["streamgauge_used", "handshakes_max"] == 0


async def test_both_forms_are_read_by_prometheus_own_parsers_and_say_the_same() -> None:
    async with broadcaster() as (running, _):
        client = await connect(running)
        with client.sock:
            await subscribe(client)
            await client.say(type="nonsense", id=1)
            await client.receive("error")
            figures = running.figures()
    texts = {accept: exposition(figures, accept)[0].decode() for accept in ("", OPENMETRICS)}
    assert samples(texts[OPENMETRICS], openmetrics) == samples(texts[""])
    assert samples(texts[""])["streamgauge_errors_total", "unknown_type"] == 1


def test_each_metric_is_documented() -> None:
    documented = {name: text for name, text in re.findall(r"(?m)^\| `(streamgauge_\w+)(?:\{\w+\})?` \| (.*) \|$", PAGE)}
    assert documented == METRICS


@pytest.mark.parametrize("file", ["alerts.toml", "prometheus-rules.yml"])
def test_the_example_alerts_are_about_metrics_that_there_are(file: str) -> None:
    text = (ROOT / "examples" / "operations" / file).read_text()
    named = set(re.findall(r"streamgauge_\w+", text))
    assert named <= METRICS.keys()
    source = (ROOT / "broadcaster" / "telemetry.py").read_text()
    series = re.findall(r'metric = "([\w.]+)"', text)
    assert named or series
    assert all(f'"{metric}"' in source for metric in series)
