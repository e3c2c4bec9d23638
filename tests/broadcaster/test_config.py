import pytest
from pydantic import ValidationError

from broadcaster.config import BroadcasterConfig
from ingest.settings import Address


def test_the_defaults_stay_on_this_machine() -> None:
    config = BroadcasterConfig()
    assert (config.bind, config.http_bind) == (Address("127.0.0.1", 8765), Address("127.0.0.1", 8766))
    assert not config.insecure


@pytest.mark.parametrize("name", ["samples_per_message", "samples_per_second", "bad_messages_max", "history_points"])
def test_0_is_allowed_where_it_has_a_meaning(name: str) -> None:
    assert getattr(BroadcasterConfig(**{name: 0}), name) == 0
    assert "0: no" in (BroadcasterConfig.model_fields[name].description or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("connections_max", 0), ("mailbox_batches", 0), ("samples_per_second", -1), ("handshake_s", 0)),
        *(("history_age_s", float("inf")), ("ping_interval_s", float("nan")), ("unknown", 1), ("message_bytes", "x")),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        BroadcasterConfig.model_validate({name: value})


@pytest.mark.parametrize(("name", "lacking"), [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")])
def test_certificate_and_key_go_together(name: str, lacking: str) -> None:
    with pytest.raises(ValidationError, match=lacking):
        BroadcasterConfig.model_validate({name: "file.pem"})


@pytest.mark.parametrize(
    "origin",
    ["metrics.example", "https://metrics.example/", "https://Metrics.example", "https://", "https://[", "http://a:x"],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="without a path"):
        BroadcasterConfig(allowed_origins=(origin,))


def test_origins() -> None:
    origins = ("*", "null", "https://metrics.example", "http://[::1]:8050", "chrome-extension://abc")
    assert BroadcasterConfig(allowed_origins=origins).allowed_origins == origins


@pytest.mark.parametrize(
    "host",
    [
        "https://metrics.example",
        "metrics.example:8766",
        "*.example",
        "[::1]",
        "metrics.example/",
        "",
        " ",
        "münchen.example",
    ],
)
def test_a_host_that_no_request_could_name_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match=r"expected names such as metrics\.example, without a port"):
        BroadcasterConfig(allowed_hosts=(host,))


def test_hosts() -> None:
    hosts = ("*", "Metrics.example", "10.0.0.5", "fd00::5", "broadcaster", "a_b-c.example")
    assert BroadcasterConfig(allowed_hosts=hosts).allowed_hosts == hosts


@pytest.mark.parametrize("name", ["token_revoked", "token_issuer", "token_audience"])
def test_what_is_about_tokens_needs_keys(name: str) -> None:
    with pytest.raises(ValidationError, match="token_secret or token_keys"):
        BroadcasterConfig.model_validate({name: "x"})
    assert BroadcasterConfig.model_validate({"token_keys": "keys.json", name: "x"}).has_credentials


def test_committed_needs_somewhere_to_commit_to() -> None:
    with pytest.raises(ValidationError, match="data_dir"):
        BroadcasterConfig(durability="committed")


def test_every_setting_is_described() -> None:
    assert all(field.description for field in BroadcasterConfig.model_fields.values())


def test_data_is_thinned_by_steps_that_follow_each_other() -> None:
    assert BroadcasterConfig().thinning == ((1, 21_600), (10, 172_800), (60, 1_209_600))
    assert BroadcasterConfig(store_1s_after_s=0, store_10s_after_s=0, store_1min_after_s=0).thinning == ()
    assert BroadcasterConfig(store_10s_after_s=0).thinning == ((1, 21_600), (60, 1_209_600))
    longer = BroadcasterConfig(history_age_s=86_400, store_1min_after_s=200_000)
    assert longer.thinning == ((1, 86_400), (10, 172_800), (60, 200_000)), "what is not said gives way"
    assert BroadcasterConfig(store_1s_after_s=500_000).thinning[:2] == ((1, 500_000), (10, 500_000))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"store_1s_after_s": 60}, r"store_1s_after_s\n.*expected at least history_age_s \(3600\), or 0 for never"),
        ({"store_10s_after_s": 7_200}, r"store_10s_after_s\n.*expected at least store_1s_after_s \(21600\)"),
        (
            {"store_1s_after_s": 0, "store_10s_after_s": 7_200, "store_1min_after_s": 7_000},
            r"store_1min_after_s\n.*expected at least store_10s_after_s \(7200\)",
        ),
    ],
)
def test_steps_out_of_order_are_refused_by_name(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BroadcasterConfig.model_validate(values)
