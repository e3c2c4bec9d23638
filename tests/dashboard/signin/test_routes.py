"""The whole application, without sockets."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from tests.dashboard.signin.conftest import PASSWORD, Configured

HOST = "localhost"
OWN = {"Origin": f"http://{HOST}"}
FRAME = {"Sec-Fetch-Dest": "iframe"}
SECRET = "s" * 40
Browser = Callable[..., FlaskClient]


@pytest.fixture
def browser(configured: Configured, tmp_path: Path) -> Browser:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "one.toml").write_text('title = "One"\n[[panels]]\nmetric = "a"\n')

    def make(as_name: str = "", **settings: object) -> FlaskClient:
        kept = {"token_secret": str(tmp_path / "secret"), "dashboards": str(tmp_path / "boards"), **settings}
        client: FlaskClient = create_app(configured(**kept)).server.test_client()
        if as_name:
            assert sign_in(client, as_name).status_code == 303
        return client

    return make


def json(answer: Any) -> Any:
    return orjson.loads(answer.data)


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD, next: str = "/", **headers: str) -> Any:
    return client.post("/signin", data={"name": name, "password": password, "next": next}, headers={**OWN, **headers})


def every_rule(client: FlaskClient) -> list[str]:
    rules = [re.sub(r"<[^>]*>", "main.js", str(rule)) for rule in client.application.url_map.iter_rules()]
    return sorted(
        {*rules, "/assets/main.js", "/assets/client/feed.js", "/client/streamgauge.js", "/api/dashboards/one"}
    )


FREE = {"/signin", "/healthz", "/assets/style.css", "/assets/signin.css", "/assets/signin.js", "/assets/favicon.svg"}
PAGES = {"/", "/connections", "/embed"}


def test_every_route_asks_who_is_there(browser: Browser) -> None:
    client = browser()
    assert len(every_rule(client)) > 15
    for path in every_rule(client):
        with client.get(path) as answer:
            if path in PAGES:
                assert (answer.status_code, answer.headers["Location"][:13]) == (303, "/signin?next="), path
            elif path in FREE:
                assert answer.status_code == 200, path
            elif path == "/signout":
                assert answer.status_code == 404, path
            else:
                assert answer.status_code == 401, path
                assert json(answer)["code"] == "not_signed_in"
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
        for path in sorted({*every_rule(client)} - FREE - {"/signout"} - (PAGES if method == "HEAD" else set())):
            with client.open(path, method=method, headers=OWN) as answer:
                assert answer.status_code in (401, 405), (method, path)


def test_what_is_free_is_there(browser: Browser) -> None:
    for path in FREE:
        with browser().get(path) as answer:
            assert answer.status_code == 200, path


def test_nothing_of_the_page_is_told_to_strangers(browser: Browser) -> None:
    client = browser(title="Plant 4", broadcaster="ws://inside.example:8765")
    for path in sorted(PAGES | FREE):
        with client.get(path) as answer:
            assert b"inside.example" not in answer.data, path


def test_signing_in_leads_back(browser: Browser) -> None:
    client = browser()
    to = client.get("/?filter=shop&from=1&to=2").headers["Location"]
    page = client.get(to).text
    hidden = re.search(r'name="next" value="([^"]*)"', page)
    assert hidden and hidden[1] == "/?filter=shop&amp;from=1&amp;to=2"
    answer = sign_in(client, "viewer", next="/?filter=shop&from=1&to=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?filter=shop&from=1&to=2")
    assert client.get("/").status_code == 200
    assert client.get("/signin?next=/connections").headers["Location"] == "/connections"


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example/", "/\\evil.example", "/%0d%0aX: y\r\nX: y"])
def test_nobody_is_sent_elsewhere(browser: Browser, next: str) -> None:
    assert sign_in(browser(), "viewer", next=next).headers["Location"] == "/"


def test_the_cookie_is_for_the_server_alone(browser: Browser) -> None:
    cookie = sign_in(browser(), "viewer").headers["Set-Cookie"]
    assert re.match(r"streamgauge-8050=[\w-]{43};", cookie)
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_behind_tls_the_cookie_is_secure_and_of_this_host_only(browser: Browser) -> None:
    client = browser(public_url="https://metrics.example")
    assert sign_in(client, "viewer").status_code == 403, "not the public address"
    answer = sign_in(client, "viewer", Origin="https://metrics.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-streamgauge-8050=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_a_wrong_password_is_told_on_the_page(browser: Browser) -> None:
    client = browser()
    answer = sign_in(client, "viewer", "wrong", next="/?filter=a")
    assert answer.status_code == 401
    assert 'role="alert">That name and password do not belong together.</p>' in answer.text
    assert 'value="/?filter=a"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "wrong" not in answer.text.replace("wrong-", "")


def test_too_many_attempts_are_told_with_the_time_to_wait(browser: Browser) -> None:
    client = browser(signin_attempts=2, signin_attempts_s=60)
    for _ in range(2):
        assert sign_in(client, "viewer", "wrong").status_code == 401
    answer = sign_in(client, "viewer")
    assert answer.status_code == 429
    assert 55 <= int(answer.headers["Retry-After"]) <= 60
    assert re.search(r"Too many attempts. Try again in \d+ seconds.", answer.text)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_what_is_no_form(browser: Browser, kind: str) -> None:
    body = b"name=viewer&password=" + b"x" * 20_000
    assert browser().post("/signin", data=body, content_type=kind, headers=OWN).status_code == 400


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://localhost:8051", f"https://{HOST}"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/signin"),
        ("POST", "/signout"),
        ("POST", "/api/token"),
        ("PUT", "/api/dashboards/x"),
        ("DELETE", "/api/dashboards/one"),
    ],
)
def test_what_changes_something_is_for_the_own_page_alone(
    browser: Browser, origin: str | None, method: str, path: str
) -> None:
    client = browser("admin")
    headers = {} if origin is None else {"Origin": origin}
    answer = client.open(path, method=method, headers=headers, data={"name": "admin", "password": PASSWORD})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert client.get("/").status_code == 200, "nobody was signed out"


def test_a_name_that_is_not_ours_is_refused(browser: Browser) -> None:
    """A page that points a name of its own at this machine's loopback would be of the same origin."""
    for client, host, status in (
        (browser(), "evil.example:8050", 403),
        (browser(), "localhost:8050", 303),
        (browser(public_url="https://m.example"), "m.example", 303),
        (browser(public_url="https://m.example"), "evil.example", 403),
        (browser(bind="0.0.0.0:8050"), "any.example", 303),
        (browser(bind="0.0.0.0:8050", allowed_hosts=["m.example"]), "evil.example", 403),
    ):
        assert client.get("/", headers={"Host": host}).status_code == status, host
        assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_behind_a_proxy_that_keeps_the_name_to_itself_dashboards_are_saved(browser: Browser) -> None:
    client = browser(public_url="https://m.example")
    assert sign_in(client, "editor", Origin="https://m.example").status_code == 303
    cookie = client.get_cookie("__Host-streamgauge-8050")
    assert cookie is not None
    board = {"title": "T", "panels": [{"metric": "a"}]}
    asked = {"Origin": "https://m.example", "If-None-Match": "*", "Cookie": f"{cookie.key}={cookie.value}"}
    assert client.put("/api/dashboards/new", json=board, headers=asked).status_code == 201


def test_signing_out(browser: Browser) -> None:
    client = browser("viewer")
    kept = client.get_cookie("streamgauge-8050")
    assert kept is not None
    assert client.post("/signout", headers=OWN).status_code == 204
    assert client.get_cookie("streamgauge-8050") is None
    client.set_cookie("streamgauge-8050", kept.value)
    assert client.get("/").status_code == 303, "the server has forgotten it too"
    assert client.post("/signout", headers=OWN).status_code == 204


@pytest.mark.parametrize(("name", "scope"), [("viewer", "subscribe:shop.*"), ("admin", "subscribe:* admin")])
def test_the_page_is_told_who_looks_and_gets_a_token(browser: Browser, name: str, scope: str) -> None:
    answer = browser(name, viewer_metrics=["shop.*"]).post("/api/token", headers=OWN)
    told = json(answer)
    assert (told["name"], told["role"], told["sign_out"], told["token_s"]) == (name, name, True, 300)
    assert (told["edit"], told["admin"]) == (name == "admin", name == "admin")
    claims = jwt.decode(told["token"], SECRET, ["HS256"])
    assert (claims["sub"], claims["scope"]) == (name, scope)
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_key_there_is_no_token(configured: Configured) -> None:
    client = create_app(configured()).server.test_client()
    sign_in(client, "viewer")
    told = json(client.post("/api/token", headers=OWN))
    assert (told["token"], told["admin"]) == (None, True), "the broadcaster lets everybody do everything"


def test_nothing_secret_is_in_what_is_served(browser: Browser) -> None:
    client = browser("admin")
    cookie = client.get_cookie("streamgauge-8050")
    token = json(client.post("/api/token", headers=OWN))["token"]
    assert cookie is not None
    page = client.get("/")
    for secret in (cookie.value, token, SECRET, "$argon2id", "eyJ"):
        assert secret not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert '"signin": true' in page.text


@pytest.mark.parametrize(("name", "may"), [("viewer", False), ("editor", True), ("admin", True)])
def test_saving_needs_the_role(browser: Browser, name: str, may: bool) -> None:
    client = browser(name)
    assert json(client.get("/api/dashboards"))["writable"] is may
    board = {"title": "T", "panels": [{"metric": "a"}]}
    made = client.put("/api/dashboards/new", json=board, headers={**OWN, "If-None-Match": "*"})
    assert made.status_code == (201 if may else 403)
    gone = client.delete("/api/dashboards/one", headers={**OWN, "If-Match": '"x"'})
    assert gone.status_code == (412 if may else 403)
    assert client.get("/api/dashboards/one").status_code == 200


def test_a_frame_of_another_site_is_not_asked_for_a_password(browser: Browser) -> None:
    answer = browser().get("/embed?metric=a%26b", headers=FRAME)
    assert answer.status_code == 401
    assert "password" not in answer.text
    assert 'href="/signin?next=%2Fembed%3Fmetric%3Da%2526b" target="_blank"' in answer.text


def test_the_form_is_in_nobodys_frame(browser: Browser) -> None:
    policy = browser().get("/signin").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "form-action 'none'" in browser("viewer").get("/").headers["Content-Security-Policy"]


def test_a_proxy_that_vouches() -> None:
    config = DashboardConfig.model_validate({"proxy_user_header": "Remote-User", "trusted_proxies": ["10.0.0.1"]})
    client = create_app(config).server.test_client()
    proxy, other = {"REMOTE_ADDR": "10.0.0.1"}, {"REMOTE_ADDR": "10.0.0.2"}
    assert client.get("/", headers={"Remote-User": "ana"}, environ_base=proxy).status_code == 200
    assert client.get("/", headers={"Remote-User": "ana"}, environ_base=other).status_code == 401
    assert "proxy" in client.get("/signin", environ_base=proxy).text
    told = json(client.post("/api/token", headers={**OWN, "Remote-User": "ana"}, environ_base=proxy))
    assert (told["name"], told["role"], told["sign_out"]) == ("ana", "viewer", False)


def test_without_the_settings_nobody_is_asked() -> None:
    client = create_app(DashboardConfig()).server.test_client()
    assert client.get("/").status_code == 200
    assert '"signin": false' in client.get("/").text
    assert client.get("/signin").status_code == 404
    assert "Cache-Control" not in client.get("/").headers


@pytest.mark.parametrize(
    ("base", "told"), [("https://m.example", True), ("http://m.example", False), ("https://localhost", False)]
)
def test_hsts_is_for_tls_only(browser: Browser, base: str, told: bool) -> None:
    assert ("Strict-Transport-Security" in browser().get("/signin", base_url=base).headers) is told
