"""Going down with everybody connected: who is told, in what time, and how late the loop is meanwhile.

    python -m benchmarks.drain [--clients 2000] [--drain-s 5]

Real subscribers on sockets of their own, a broadcaster as a process, SIGTERM. Exits with 1 if somebody got no `bye` or
a close code other than 4000, or if the loop was more than half a second late.
"""

import argparse
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from benchmarks.load.frames import client_frame

LAG_MAX_S = 0.5
LOOK_S = 0.25
OUTSIDE = ("STREAMGAUGE_BROADCASTER_BIND", "STREAMGAUGE_BROADCASTER_HTTP_BIND")
HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SUBSCRIBE = client_frame(b'{"type":"subscribe","id":1,"select":[{"metric":"*"}]}', 0x1)
BYE = re.compile(rb'"type":"bye","code":(\d+)')
CLOSE = 0x88


@dataclass(slots=True)
class Outcome:
    """Seconds since the signal; the lag is the worst that /metrics told."""

    clients: int
    byes: int = 0
    closes: dict[int, int] = field(default_factory=dict)  # by code; 0: none
    first_bye_s: float = 0.0
    last_bye_s: float = 0.0
    ended_s: float = 0.0
    loop_lag_s: float = 0.0
    unready: bool = False  # /readyz said so while clients were there
    status: int = -1

    def problems(self) -> list[str]:
        found = []
        if self.byes < self.clients:
            found.append(f"{self.clients - self.byes} got no bye")
        if self.closes != {4000: self.clients}:
            found.append(f"closed with {self.closes}")
        if self.loop_lag_s > LAG_MAX_S:
            found.append(f"the loop was {self.loop_lag_s:.2f} s late")
        if self.status:
            found.append(f"it ended with {self.status}")
        return found


class Clients:
    """Subscribers that answer a close and keep nothing but the end of what they were told."""

    def __init__(self, port: int, count: int) -> None:
        self._tails: dict[int, bytes] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._epoll = select.epoll()
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(HANDSHAKE + SUBSCRIBE)
            tail = b""
            while b'"subscribed"' not in tail:
                tail = tail[-64:] + sock.recv(65_536)
            self._sockets[sock.fileno()], self._tails[sock.fileno()] = sock, b""
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def until_closed(self, outcome: Outcome, began: float, limit_s: float) -> None:
        """Reads until all are closed, and notes what they were told."""
        while self._sockets and time.monotonic() - began < limit_s:
            for number, _ in self._epoll.poll(0.1):
                self._read(number, outcome, time.monotonic() - began)

    def _read(self, number: int, outcome: Outcome, at_s: float) -> None:
        sock = self._sockets[number]
        try:
            data = sock.recv(65_536)
        except ConnectionError:
            data = b""
        tail = self._tails[number] = (self._tails[number] + data)[-512:]
        code = 0
        if found := BYE.search(tail):
            end = tail.find(bytes([CLOSE]), found.end())
            code = int.from_bytes(tail[end + 2 : end + 4], "big") if 0 < end <= len(tail) - 4 else 0
        if data and not code:
            return
        if code:
            outcome.byes += 1
            outcome.first_bye_s = outcome.first_bye_s or at_s
            outcome.last_bye_s = at_s
            with_code = client_frame(code.to_bytes(2, "big"), 0x8)
            try:
                sock.sendall(with_code)
            except ConnectionError:
                code = 0  # it did not wait for the answer
        outcome.closes[code] = outcome.closes.get(code, 0) + 1
        self._epoll.unregister(number)
        del self._sockets[number]
        sock.close()


@contextmanager
def broadcaster(**settings: object) -> Iterator[tuple["subprocess.Popen[str]", int, str]]:
    """A process, its port and where its HTTP is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_")}
    environment |= {name: "127.0.0.1:0" for name in OUTSIDE} | {"STREAMGAUGE_BROADCASTER_LOG_LEVEL": "error"}
    environment |= {f"STREAMGAUGE_BROADCASTER_{name}".upper(): str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "dashboard", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)\S*, HTTP at (http://[\w.:]+)", process.stdout.readline())
            assert found is not None
            yield process, int(found[1]), found[2].rstrip(".")
        finally:
            process.kill()


def _watch(http_url: str, outcome: Outcome) -> None:
    """Until HTTP is gone."""
    while True:
        try:
            try:
                urllib.request.urlopen(f"{http_url}/readyz", timeout=5).close()
            except urllib.error.HTTPError as error:
                outcome.unready = error.code == 503
            with urllib.request.urlopen(f"{http_url}/metrics", timeout=5) as answer:
                found = re.search(rb"^streamgauge_loop_lag_seconds (\S+)", answer.read(), re.MULTILINE)
        except OSError:
            return
        if found is not None:
            outcome.loop_lag_s = max(outcome.loop_lag_s, float(found[1]))
        time.sleep(LOOK_S)


def measure(clients: int, limit_s: float = 30.0, drain_s: float = 5.0) -> Outcome:
    """Connects so many, signals, and looks on."""
    outcome = Outcome(clients)
    with broadcaster(drain_s=drain_s) as (process, port, http_url):
        connected = Clients(port, clients)
        time.sleep(min(1.5, clients / 1_000))  # the lag of accepting them is not of interest
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        watching = threading.Thread(target=_watch, args=(http_url, outcome), daemon=True)
        watching.start()
        connected.until_closed(outcome, began, limit_s)
        outcome.status = process.wait(limit_s)
        outcome.ended_s = time.monotonic() - began
        watching.join(limit_s)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--drain-s", type=float, default=5.0)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    outcome = measure(given.clients, drain_s=given.drain_s)
    print(json.dumps({name: value for name, value in asdict(outcome).items()}, indent=1))
    for problem in outcome.problems():
        print(problem, file=sys.stderr)
    return 1 if outcome.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
