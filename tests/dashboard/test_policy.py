import pytest
from pydantic import ValidationError

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from dashboard.policy import Policy, hostname, source


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


def answer(path: str, host: str = "127.0.0.1:8050", **settings: object) -> dict[str, str]:
    client = create_app(DashboardConfig.model_validate(settings)).server.test_client()
    with client.get(path, headers={"Host": host}) as response:
        return dict(response.headers)


@pytest.mark.parametrize(
    "path", ["/", "/connections", "/embed", "/assets/main.js", "/nothing", "/api/dashboards", "/healthz"]
)
def test_every_answer_has_a_policy_without_inline_scripts_or_evaluation(path: str) -> None:
    headers = answer(path)
    found = directives(headers["Content-Security-Policy"])
    assert found["default-src"] == ["'none'"]
    assert found["script-src"][0] == "'self'"
    assert all(each.startswith("'sha256-") for each in found["script-src"][1:])
    assert found["base-uri"] == found["form-action"] == ["'none'"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_connections_go_to_the_page_and_the_broadcaster_only() -> None:
    found = directives(answer("/", broadcaster="wss://metrics.example/v1/stream")["Content-Security-Policy"])
    assert found["connect-src"] == ["'self'", "wss://metrics.example", "http://127.0.0.1:8766"]


def test_a_loopback_broadcaster_is_on_the_host_that_the_page_came_from() -> None:
    found = directives(answer("/", host="demo.example:8050")["Content-Security-Policy"])
    assert found["connect-src"] == ["'self'", "ws://demo.example:8765", "http://demo.example:8766"]


@pytest.mark.parametrize("host", ["x;script-src *", "x y", "", "-", 'a"b'])
def test_a_host_that_is_no_name_changes_nothing(host: str) -> None:
    assert source("ws://127.0.0.1:8765", host) == "ws://127.0.0.1:8765"


def test_an_address_that_a_policy_cannot_write_is_any_host_at_that_port() -> None:
    assert source("ws://[fd00::1]:8765", "demo.example") == "ws://*:8765"
    assert source("ws://127.0.0.1:8765", "[fd00::2]") == "ws://*:8765"
    assert source("ws://127.0.0.1:8765", "[::1]") == "ws://127.0.0.1:8765"
    assert source("ws://127.0.0.1:8765", "my_host") == "ws://my_host:8765"


@pytest.mark.parametrize(
    ("header", "name"),
    [("a.example", "a.example"), ("a.example:80", "a.example"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")],
)
def test_a_host_name_without_its_port(header: str, name: str) -> None:
    assert hostname(header) == name


def test_one_panel_may_be_embedded_the_rest_only_by_the_page_itself() -> None:
    assert directives(answer("/embed")["Content-Security-Policy"])["frame-ancestors"] == ["'self'", "*"]
    assert directives(answer("/")["Content-Security-Policy"])["frame-ancestors"] == ["'self'"]
    ours = answer("/embed", embed_from=["https://wiki.example"])["Content-Security-Policy"]
    assert directives(ours)["frame-ancestors"] == ["'self'", "https://wiki.example"]
    assert directives(Policy((), (), ()).of("/embed", "a"))["frame-ancestors"] == ["'self'"]


@pytest.mark.parametrize("origin", ["wiki.example", "https://wiki.example/page", "https://a; script-src *", "'self'"])
def test_who_may_embed_is_an_origin(origin: str) -> None:
    with pytest.raises(ValidationError, match="expected an origin"):
        DashboardConfig.model_validate({"embed_from": [origin]})
