from pathlib import Path

import pytest
from pydantic import ValidationError

from dashboard.config import DashboardConfig


def config(**settings: object) -> DashboardConfig:
    return DashboardConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"proxy_user_header": "X-User"}, "expected trusted_proxies beside it"),
        ({"proxy_user_header": "X User", "trusted_proxies": ["::1"]}, "expected the name of a header"),
        ({"trusted_proxies": ["everybody"]}, "expected networks such as"),
        ({"token_secret": "a"}, "expected password_file or proxy_user_header beside it"),
        ({"token_key": "a"}, "expected password_file or proxy_user_header beside it"),
        ({"token_secret": "a", "token_key": "b", "password_file": "c"}, "not both"),
        ({"tls_certificate": "a"}, "expected the file with the key"),
        ({"tls_key": "a"}, "expected tls_certificate beside it"),
        ({"viewer_metrics": ["a b"]}, "expected a glob of metrics"),
        ({"token_s": 1}, "greater than or equal to 3"),
        ({"public_url": "metrics.example"}, "expected a URL such as http://"),
    ],
)
def test_what_does_not_go_together(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        config(**settings)


def test_who_is_asked(tmp_path: Path) -> None:
    assert not config().signs_in
    assert config(password_file="users").signs_in
    assert config(proxy_user_header="X-User", trusted_proxies=["10.0.0.0/8"]).signs_in


def test_the_cookie_is_of_one_dashboard_and_secure_where_it_can_be() -> None:
    assert config(bind="127.0.0.1:8051").session_cookie == "streamgauge-8051"
    for settings in ({"public_url": "https://m.example"}, {"tls_certificate": "a", "tls_key": "b"}):
        assert config(**settings).session_cookie == "__Host-streamgauge-8050"
    assert not config(public_url="http://m.example").is_secure
