"""Every route of every port, asked for what it must not give: files beside its own, headers of the asker's making."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import argon2
import pytest
from starlette.routing import Route

from broadcaster.http import build_app
from dashboard.app import create_app
from dashboard.config import DashboardConfig
from tests.broadcaster.test_http import Core
from tests.e2e.command import ANYWHERE, running, url_in

MARK = "streamgauge-secret-beside"
UP = [
    "../" * 8 + "etc/passwd",
    "..%2f" * 8 + "etc%2fpasswd",
    "%2e%2e/" * 8 + "etc/passwd",
    "%2e%2e%2f" * 8 + "etc%2fpasswd",
    "%252e%252e%252f" * 8 + "etc%252fpasswd",
    "....//" * 8 + "etc/passwd",
    "..%5c" * 8 + "etc%5cpasswd",
    "..;/" * 8 + "etc/passwd",
    "%c0%ae%c0%ae/" * 8 + "etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "../secret.toml",
    "..%2fsecret.toml",
    "..%2fsecret",
    "..%00/secret.toml",
    "secret.toml%00.js",
]
ROUTES = {
    "page": """/ /connections /embed /healthz /assets/ /assets/client/ /vendor/ /client/ /api/dashboards/ /_dash-layout
        /_dash-dependencies /_dash-update-component /_dash-component-suites/ /static/
        /_dash-component-suites/dash/dcc/ /_favicon.ico /_reload-hash""",
    "http": "/ /v1/publish /v1/series /v1/history /v1/connections /v1/alerts /v1/alerts/ /healthz /readyz /metrics",
    "stream": "/ /v1/stream /v1/stream/",
    "signing in": "/ /connections /embed /signin /signout /api/token /api/dashboards /assets/ /client/ /healthz",
}
EVERY = [(port, route) for port, routes in ROUTES.items() for route in routes.split()]
INJECTED = "%0d%0aX-Injected:%20yes%0d%0a%0d%0a<script>1</script>"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class House:
    """The addresses of the three ports, and the folder in which the two of files lie."""

    ports: dict[str, tuple[str, int]]
    folder: Path

    def ask(self, port: str, path: str, method: str = "GET", *lines: str, body: bytes = b"") -> Answer:
        """As raw bytes: a client of the usual kind would tidy the path up."""
        host, number = self.ports[port]
        head = [f"{method} {path} HTTP/1.1", f"Host: {host}:{number}", "Connection: close", *lines]
        with socket.create_connection((host, number), timeout=10) as sock:
            sock.sendall("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body)
            answer = b""
            while piece := sock.recv(65_536):
                answer += piece
        start, _, rest = answer.partition(b"\r\n\r\n")
        first, *fields = start.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return Answer(int(first.split()[1]), headers, rest)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    for name in ("boards", "alerts"):
        (folder / name).mkdir()
    (folder / "secret.toml").write_text(f'title = "{MARK}"\n[[panels]]\nmetric = "a"\n')

    def address(process: "subprocess.Popen[str]", scheme: str) -> tuple[str, int]:
        parts = urlsplit(url_in(process, scheme))
        return parts.hostname or "", parts.port or 0

    with ExitStack() as stack:
        stored = ("--data-dir", str(tmp_path_factory.mktemp("data")))
        alerts = ("--alerts", str(folder / "alerts"), "--alerts-writable")
        broadcaster = stack.enter_context(running("serve", *alerts, *stored, **ANYWHERE))
        assert broadcaster.stdout is not None
        line = broadcaster.stdout.readline()
        stream, http = (urlsplit(url) for url in re.findall(r"(?:ws|http)://[\d.]+:\d+", line))
        boards = ("--bind", "127.0.0.1:0", "--dashboards", str(folder / "boards"))
        page = stack.enter_context(running("dashboard", *boards))
        signing_in = running("dashboard", "--bind", "127.0.0.1:0", "--password-file", people(folder))
        ports = {"page": address(page, "http"), "signing in": address(stack.enter_context(signing_in), "http")}
        ports |= {name: (at.hostname or "", at.port or 0) for name, at in (("stream", stream), ("http", http))}
        yield House(ports, folder)


def people(folder: Path) -> str:
    """A file of who may sign in."""
    (folder / "people").write_text(f"ann:{argon2.PasswordHasher(1, 8, 1).hash('correct horse')}:viewer\n")
    return str(folder / "people")


def test_every_route_is_tried(tmp_path: Path) -> None:
    """Up to its first parameter, if it has one; of a file with a version in its name, the folder."""
    page, asking = (
        {rule.rule for rule in create_app(config).server.url_map.iter_rules()}
        for config in (DashboardConfig(dashboards=str(tmp_path)), DashboardConfig(password_file=people(tmp_path)))
    )
    http = {route.path for route in build_app(Core()).routes if isinstance(route, Route)}
    for port, rules in (("page", page), ("signing in", asking - page), ("http", http)):
        tried = {route.rstrip("/") for route in ROUTES[port].split()}
        plain = {re.split(r"[<{]", rule)[0].rstrip("/") for rule in rules}
        assert not [rule for rule in plain if not tried & {rule, rule.rpartition("/")[0] or rule}], port


def is_harmless(answer: Answer) -> bool:
    return answer.status < 500 and b"root:" not in answer.body and MARK.encode() not in answer.body


@pytest.mark.parametrize(("port", "route"), EVERY)
def test_no_path_leads_out(house: House, port: str, route: str) -> None:
    answers = {path: house.ask(port, route.rstrip("/") + "/" + path) for path in UP}
    assert {path: answer for path, answer in answers.items() if not is_harmless(answer)} == {}
    refused = {answer.status for answer in answers.values()}
    assert refused <= {400, 404, 405, 422} | ({303, 401} if port == "signing in" else set()), refused


@pytest.mark.parametrize(
    ("port", "method", "path", "lines", "body"),
    [
        ("page", "PUT", "/api/dashboards/", ("If-None-Match: *",), b'{"title": "x", "panels": [{"metric": "a"}]}'),
        ("http", "PUT", "/v1/alerts/", ("If-None-Match: *",), b'{"metric": "a", "above": 1}'),
    ],
)
def test_nothing_is_written_outside(
    house: House, port: str, method: str, path: str, lines: tuple[str, ...], body: bytes
) -> None:
    kind = "Content-Type: application/json"
    before = sorted(house.folder.rglob("*"))
    for out in (
        "..%2fowned",
        "..%2f..%2fowned",
        "%2e%2e%2fowned",
        "..%5cowned",
        "%2ftmp%2fowned",
        "owned%00",
        ".",
        "..",
    ):
        answer = house.ask(port, path + out, method, kind, *lines, body=body)
        assert answer.status in {400, 403, 404, 405, 422}, (out, answer)
    assert sorted(house.folder.rglob("*")) == before
    inside = house.ask(port, path + "owned", method, kind, *lines, body=body)
    assert inside.status in {200, 201}, inside  # the same request is good for a name that is one
    assert {each.name for each in set(house.folder.rglob("*")) - set(before)} == {"owned.toml"}
    for made in set(house.folder.rglob("owned.toml")):
        made.unlink()


@pytest.mark.parametrize(("port", "route"), EVERY)
def test_no_header_is_of_the_askers_making(house: House, port: str, route: str) -> None:
    asked = [
        house.ask(port, route.rstrip("/") + "/" + INJECTED),
        house.ask(port, f"{route}?select={INJECTED}&next={INJECTED}"),
        house.ask(port, route, "GET", "Origin: http://localhost%0d%0aX-Injected: yes"),
        house.ask(port, route, "GET", "Origin: http://localhost\rX-Injected: yes"),
        house.ask(port, route, "GET", "X-Forwarded-For: 1\nX-Injected: yes"),
        house.ask(port, route, "GET", f"If-None-Match: {INJECTED}", f"Accept: {INJECTED}"),
        house.ask(port, route, "OPTIONS", "Origin: http://localhost:1", f"Access-Control-Request-Method: {INJECTED}"),
    ]
    for answer in asked:
        assert answer.status < 500, answer
        assert "x-injected" not in answer.headers, answer
        assert answer.headers.get("location", "/signin").startswith("/signin"), answer
        if "html" in answer.headers.get("content-type", ""):
            assert b"<script>1</script>" not in answer.body, answer


@pytest.mark.parametrize(("port", "route"), EVERY)
def test_methods_nobody_offers(house: House, port: str, route: str) -> None:
    for method in ("TRACE", "PROPFIND", "DELETE", "PATCH", "GETT"):
        answer = house.ask(port, route, method)
        assert 400 <= answer.status < 500, (method, answer)


@pytest.mark.parametrize(("port", "route"), EVERY)
def test_every_answer_tells_browsers_what_it_is_not(house: House, port: str, route: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
        for path in (route, route.rstrip("/") + "/none", f"{route}?access_token=a.b.c"):
            headers = house.ask(port, path, method).headers
            assert headers.get("x-content-type-options") == "nosniff", (method, path, headers)
            assert "content-security-policy" in headers, (method, path, headers)
            assert headers.get("referrer-policy") in ("no-referrer", "same-origin"), (method, path, headers)


@pytest.mark.parametrize("port", list(ROUTES))
def test_broken_requests_are_refused(house: House, port: str) -> None:
    host, number = house.ports[port]
    broken = [
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    ]
    for request in broken:
        with socket.create_connection((host, number), timeout=10) as sock:
            try:
                sock.sendall(request)
                sock.shutdown(socket.SHUT_WR)
                answer = sock.recv(65_536)
            except ConnectionError:
                answer = b""  # it has not even listened to the end
        assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), (request[:60], answer)
    assert house.ask(port, "/v1/stream" if port == "stream" else "/healthz").status < 500
