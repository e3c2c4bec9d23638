import pytest

from broadcaster.command import warn_of_plain_tokens
from broadcaster.config import BroadcasterConfig

EXPOSED = {"bind": "0.0.0.0:8765"}
TLS = {"tls_certificate": "certificate.pem", "tls_key": "key.pem"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"token_secret": "secret", **EXPOSED}, True),
        ({"token_keys": "keys.json", "http_bind": "[::]:8766"}, True),
        ({"token_secret": "secret", **EXPOSED, **TLS}, False),
        ({"token_secret": "secret"}, False),
        ({"insecure": True, **EXPOSED}, False),
    ],
)
def test_tokens_without_tls_beyond_loopback_are_warned_of(
    caplog: pytest.LogCaptureFixture, settings: dict[str, object], told: bool
) -> None:
    warn_of_plain_tokens(BroadcasterConfig.model_validate(settings))
    assert ("tokens come here without TLS" in caplog.text) is told
