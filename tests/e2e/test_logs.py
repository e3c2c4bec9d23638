"""All that real servers say while credentials of every kind come in at every door: one line an event, and no secret."""

import json
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

from benchmarks.load.frames import client_frame
from broadcaster.credentials.keys import secret
from broadcaster.credentials.tokens import mint
from tests.e2e.command import ANYWHERE, running, stop
from tests.e2e.signing_in import PASSWORD, House

SECRET = "never-tell-anybody-this-secret-0123456789abcdef"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LOUD = {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"}


def say(port: int, *pieces: bytes) -> bytes:
    """One connection, each piece after some answer to the one before; returns what was answered."""
    answered = b""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.settimeout(0.5)
        for piece in pieces:
            try:
                sock.sendall(piece)
                answered += sock.recv(65_536)
            except OSError:  # some of it is not answered
                continue
    return answered


def upgrade(path: str = "/v1/stream", headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{headers}\r\n".encode()


def message(**fields: Any) -> bytes:
    return client_frame(json.dumps(fields).encode(), 0x1)


def ports(process: "subprocess.Popen[str]", count: int) -> list[int]:
    assert process.stdout is not None
    found = re.findall(r"://[\d.]+:(\d+)", process.stdout.readline())
    return [int(number) for number in found[:count]]


def events(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines()]


def test_a_broadcaster_tells_no_token(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    scope = "publish:* subscribe:*"
    good = mint(secret(SECRET.encode()), subject="me", scope=scope, expires_s=600, now=time.time())
    old = mint(secret(SECRET.encode()), subject="me", scope=scope, expires_s=1, now=time.time() - 600)
    tokens = (good, old, "a-token-of-another-kind")
    settings = ANYWHERE | {f"STREAMGAUGE_BROADCASTER_{name}": value for name, value in LOUD.items()}
    with running("serve", **settings, STREAMGAUGE_BROADCASTER_TOKEN_SECRET=str(file)) as process:
        stream, http = ports(process, 2)
        for token in tokens:
            bearer = f"Authorization: Bearer {token}\r\n"
            authenticate = message(type="authenticate", token=token), message(type=token, token={"token": token})
            answer = say(stream, upgrade(headers=bearer), *authenticate)
            assert (b" 101 " in answer) is (token == good)
            say(stream, upgrade(headers=f"Sec-WebSocket-Protocol: streamgauge.v1, bearer.{token}\r\n"), *authenticate)
            say(stream, upgrade(f"/v1/stream?token={token}"))
            say(stream, upgrade(headers=f"Sec-WebSocket-Protocol: bearer.{token}, \x00\r\n"))
            for port in (stream, http):
                say(
                    port,
                    f"GET /v1/series HTTP/1.1\r\nHost: localhost\r\n{bearer}Cookie: token={token}\r\n\r\n".encode(),
                )
                say(port, f"GET /metrics?token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                say(port, f"GET / HTTP/9.9\r\n{bearer}broken\r\n\r\n".encode())
                say(port, f"{bearer}\r\n\r\n".encode())
            body = json.dumps({"samples": [{"metric": token, "value": token, "token": token}]})
            head = f"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Length: {len(body)}\r\n\r\n"
            say(http, (head + body).encode())
        process.send_signal(signal.SIGHUP)
        end = stop(process, signal.SIGTERM)
    said = end.stdout + end.stderr
    told = events(end.stderr)
    assert {"connection opened", "connection closed", "handshake refused", "drained"} <= {
        each["event"] for each in told
    }
    assert any(each.get("subject") == "me" and each.get("code") for each in told)
    for token in (*tokens, SECRET):
        assert not [part for part in token.split(".") if part in said]


def test_a_dashboard_tells_no_password_and_no_session(tmp_path: Path) -> None:
    house = House.at(tmp_path)
    settings = {f"STREAMGAUGE_DASHBOARD_{name}": value for name, value in LOUD.items()}
    settings["STREAMGAUGE_DASHBOARD_PASSWORD_FILE"] = str(house.folder / "people")
    settings["STREAMGAUGE_DASHBOARD_TOKEN_SECRET"] = str(house.folder / "secret")
    cookies = set()
    with running("dashboard", "--bind", "127.0.0.1:0", **settings) as process:
        (port,) = ports(process, 1)
        for password in (PASSWORD, "wrong horse"):
            form = urllib.parse.urlencode({"name": "viewer", "password": password})
            head = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
            head += f"Origin: http://localhost\r\nContent-Length: {len(form)}\r\n\r\n"
            answer = say(port, f"POST /signin HTTP/1.1\r\n{head}{form}".encode(), b"").decode()
            for cookie in re.findall(r"(?mi)^set-cookie: [\w-]+=([\w-]+)", answer):
                cookies.add(cookie)
                say(port, f"GET /api/token HTTP/1.1\r\nHost: localhost\r\nCookie: a={cookie}\r\n\r\n".encode())
        end = stop(process, signal.SIGTERM)
    told = events(end.stderr)
    assert {"started", "signed in", "sign-in: wrong name or password"} <= {each["event"] for each in told}
    assert cookies
    for hidden in (PASSWORD, "wrong horse", urllib.parse.quote_plus(PASSWORD), "s" * 48, *cookies):
        assert hidden not in end.stdout + end.stderr
