"""The dashboard's server, over sockets of loopback."""

import ssl
import threading
from pathlib import Path

import httpx
import pytest
import trio

from dashboard import command, server
from dashboard.config import DashboardConfig
from dashboard.server import serve
from dashboard.signin import passwords
from dashboard.signin.door import VERIFYING
from ingest.errors import CommandError
from tests.dashboard.signin.conftest import PASSWORD, Configured
from tests.papers import papers

BOUND_S = 20


def client(url: str, verify: ssl.SSLContext | bool = True) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, verify=verify, headers={"Origin": url.rstrip("/")})


async def test_while_passwords_are_verified_everything_else_goes_on(
    nursery: trio.Nursery, configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, may_end = threading.Semaphore(0), threading.Event()

    def slow(account: passwords.Account, password: str) -> bool:
        entered.release()
        return may_end.wait(BOUND_S)

    monkeypatch.setattr(passwords, "verify", slow)
    url = await nursery.start(serve, configured(bind="127.0.0.1:0"))
    statuses = []

    async def sign_in(http: httpx.AsyncClient) -> None:
        answer = await http.post("/signin", data={"name": "viewer", "password": PASSWORD})
        statuses.append(answer.status_code)

    with trio.fail_after(BOUND_S):
        async with client(url) as http, trio.open_nursery() as waiting:
            for _ in range(VERIFYING + 2):
                waiting.start_soon(sign_in, http)
            for _ in range(VERIFYING):
                await trio.to_thread.run_sync(entered.acquire)
            assert (await http.get("/healthz")).text == "ok\n"
            assert (await http.get("/signin")).status_code == 200
            assert not statuses
            may_end.set()
    assert statuses == [303] * (VERIFYING + 2)


async def test_a_header_is_not_believed_under_another_spelling(nursery: trio.Nursery) -> None:
    settings = {"proxy_user_header": "X-Forwarded-User", "trusted_proxies": ["127.0.0.1"], "bind": "127.0.0.1:0"}
    url = await nursery.start(serve, DashboardConfig.model_validate(settings))
    async with client(url) as http:
        assert (await http.get("/", headers={"X-Forwarded-User": "ana"})).status_code == 200
        assert (await http.get("/", headers={"X_Forwarded_User": "ana"})).status_code == 401
        smuggled = await http.get("/", headers=[("X-Forwarded-User", "ana"), ("X-Forwarded-User", "eve")])
        assert smuggled.status_code == 401


async def test_over_tls_with_a_certificate_that_is_renewed(
    nursery: trio.Nursery, tmp_path: Path, configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CERTIFICATE_S", 0.02)
    files = papers(tmp_path)
    url = await nursery.start(serve, configured(bind="127.0.0.1:0", **files.settings))
    assert url.startswith("https://127.0.0.1:")
    async with client(url, files.trusting()) as http:
        answer = await http.post("/signin", data={"name": "viewer", "password": PASSWORD})
        assert answer.status_code == 303
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-streamgauge-") and "; Secure; " in cookie
        assert (await http.get("/")).status_code == 200
    renewed = papers(tmp_path, by="others")
    with trio.fail_after(BOUND_S):
        while True:
            try:
                async with client(url, renewed.trusting()) as http:
                    assert (await http.get("/healthz")).status_code == 200
                break
            except httpx.ConnectError:
                await trio.sleep(0.02)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"bind": "0.0.0.0:8050"}, True),
        ({"bind": "0.0.0.0:8050", "public_url": "https://m.example"}, False),
        ({"bind": "0.0.0.0:8050", "public_url": "http://m.example"}, True),
        ({"bind": "127.0.0.1:8050"}, False),
    ],
)
def test_passwords_without_tls_beyond_loopback_are_warned_of(
    configured: Configured, caplog: pytest.LogCaptureFixture, settings: dict[str, str], told: bool
) -> None:
    server.warn_of_plain_passwords(configured(**settings))
    assert ("passwords come here without TLS" in caplog.text) is told


def test_beyond_loopback_somebody_is_asked_or_it_is_said_that_nobody_is(
    accounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = []
    monkeypatch.setattr(command, "set_up", lambda *_: None)
    monkeypatch.setattr("trio.run", lambda *_: began.append(1))
    with pytest.raises(CommandError, match="can be reached from other machines"):
        command.run({"bind": "0.0.0.0:8050"}, None)
    assert not began
    command.run({"bind": "0.0.0.0:8050", "password_file": str(accounts)}, None)
    command.run({"bind": "0.0.0.0:8050", "insecure": True}, None)
    assert len(began) == 2
