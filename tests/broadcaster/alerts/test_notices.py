import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.alerts import notices
from broadcaster.alerts.instance import Change, Instance, Moment, Reason, State
from broadcaster.alerts.rules import Rule, parse_rule
from broadcaster.history import Record
from ingest.samples import Series, check_series, check_value

TABLE = {
    "metric": "host.cpu.*",
    "above": 90,
    "for": "30s",
    "severity": "critical",
    "webhook": "https://h.example/secret",
}
SERIES = "host.cpu.percent{core=0,host=a}"


def rule(**changes: object) -> Rule:
    return parse_rule("cpu-hot", TABLE | changes)


def record(unit: str | None = "%") -> Record:
    made = Record(3, Series("host.cpu.percent", (("core", "0"), ("host", "a"))), "gauge")
    made.unit = unit
    return made


def change(of: Rule, state: State = State.FIRING, reason: Reason = Reason.VALUE, value: float | None = 97.0) -> Change:
    return Change(of, record(), state, reason, 1000.0, 970.0, value)


@pytest.mark.parametrize(
    ("state", "reason", "value", "text"),
    [
        (State.FIRING, Reason.VALUE, 97.0, f"cpu-hot: {SERIES} is 97 %, above 90 % for 30 s"),
        (State.OK, Reason.VALUE, 42.0, f"cpu-hot is over: {SERIES} is 42 %"),
        (State.FIRING, Reason.SILENT, 42.0, f"cpu-hot: {SERIES} is silent for 15 s"),
        (State.OK, Reason.FORGOTTEN, 42.0, f"cpu-hot is over: {SERIES} is forgotten: nothing came for long"),
        (State.OK, Reason.VALUE, None, f"cpu-hot is over: {SERIES} has no value yet"),
    ],
)
def test_texts(state: State, reason: Reason, value: float | None, text: str) -> None:
    assert notices.describe(change(rule(silent_for="15s"), state, reason, value)) == text


def test_below() -> None:
    low = parse_rule("low", {"metric": "a", "below": 100})
    assert notices.describe(change(low)).endswith("is 97 %, below 100 %")


def test_a_rate_has_a_unit_of_its_own() -> None:
    fast = parse_rule("fast", {"metric": "a", "above": 10, "rate": True})
    assert notices.describe(change(fast)).endswith("is 97 %/s, above 10 %/s")
    requests = change(fast)._replace(record=Record(1, Series("requests"), "counter"))
    assert notices.describe(requests) == "fast: requests is 97/s, above 10/s"


def test_a_message_of_ones_own() -> None:
    own = rule(message="{host} core {core}: {value} of {metric} {nothing} {}")
    assert notices.describe(change(own)) == "cpu-hot: a core 0: 97 % of host.cpu.percent {nothing} {}"
    assert (
        notices.describe(change(own, State.OK, value=1.0)) == "cpu-hot is over: host.cpu.percent{core=0,host=a} is 1 %"
    )


def test_the_sample_of_an_event_series_is_a_good_sample() -> None:
    entry = notices.state_entry(change(rule(message="x{tag}" * 80)))
    assert repr(entry.series) == "alerts.state{alert=cpu-hot,severity=critical,state=firing}"
    assert check_series(entry.series.metric, dict(entry.series.tags)) == entry.series
    assert entry.times == [1000.0]
    assert check_value(entry.values[0], "event")


def test_a_text_is_never_too_long() -> None:
    long = Record(1, Series("a" * 255, tuple((f"key{at}", "v" * 256) for at in range(16))), "gauge")
    text = notices.describe(change(rule())._replace(record=long))
    assert len(text) == 1000


def test_the_gauge() -> None:
    entry = notices.firing_entry(rule(), 3, 5.0)
    assert (repr(entry.series), entry.times, entry.values) == (
        "alerts.firing{alert=cpu-hot,severity=critical}",
        [5.0],
        [3.0],
    )


def test_the_body_of_a_webhook_stays_what_it_is() -> None:
    assert orjson.loads(notices.webhook_body(change(rule()), "id-1")) == {
        "version": 1,
        "id": "id-1",
        "alert": "cpu-hot",
        "severity": "critical",
        "state": "firing",
        "reason": "value",
        "text": "cpu-hot: host.cpu.percent{core=0,host=a} is 97 %, above 90 % for 30 s",
        "series": {"metric": "host.cpu.percent", "tags": {"core": "0", "host": "a"}, "unit": "%"},
        "value": 97.0,
        "since": 970.0,
        "time": 1000.0,
        "condition": {"above": 90.0, "below": None, "clear": None, "for_s": 30.0, "silent_for_s": None, "rate": False},
    }


def test_what_is_listed_of_a_rule() -> None:
    listed = notices.rule_fields(rule(), 1, 2)
    assert (listed["alert"], listed["metric"], listed["pending"], listed["firing"]) == ("cpu-hot", "host.cpu.*", 1, 2)
    assert "webhooks" not in listed
    of_admin = notices.origin_fields(rule(), "web.toml", "abc")
    assert of_admin == {"webhooks": ["https://h.example"], "file": "web.toml", "revision": "abc"}


def test_what_is_listed_of_one_that_is_pending() -> None:
    instance = Instance(rule(), record(), 0.0, [])
    instance.feed([1000.0], [97.0], Moment(1000.0, 5.0))
    assert notices.instance_fields(instance, None) == {
        "alert": "cpu-hot",
        "severity": "critical",
        "state": "pending",
        "reason": "value",
        "text": "host.cpu.percent{core=0,host=a} is 97 %, above 90 %",
        "series": {"metric": "host.cpu.percent", "tags": {"core": "0", "host": "a"}, "unit": "%"},
        "value": 97.0,
        "since": 1000.0,
        "time": 1000.0,
        "fired": None,
    }


@settings(deadline=None)
@given(
    value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1) | st.none(),
    unit=st.sampled_from([None, "", "s", "ms", "ns", "B", "B/s", "%", "1/s", "°C"]),
    state=st.sampled_from([State.FIRING, State.OK]),
    reason=st.sampled_from(Reason),
)
def test_every_change_can_be_told(value: float | None, unit: str | None, state: State, reason: Reason) -> None:
    told = change(rule(), state, reason, value)._replace(record=record(unit))
    assert check_value(notices.state_entry(told).values[0], "event")
    assert orjson.loads(notices.webhook_body(told, "x"))["value"] == (None if value is None else float(value))
