"""Everybody comes at once, and some never end what they begin: who is let in, when, and what do others notice?

    python -m benchmarks.handshakes [--clients 10000] [--half 0]

Real sockets against a broadcaster as a process. Whoever is refused comes again within a second, as the protocol has
it. `--half` more open a handshake, never end it, and open another when they are thrown out. Somebody who was
connected before asks for a `pong` all the time. Exits with 1 if somebody was not let in, or had to wait for a pong for
more than a second.
"""

import argparse
import json
import random
import resource
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

from benchmarks.drain import HANDSHAKE, broadcaster
from benchmarks.load.frames import client_frame

PING = client_frame(b'{"type":"ping","time":1}', 0x1)
WAIT_MAX_S = 1.0
AT_ONCE = 4_000  # handshakes of this process under way: the kernel keeps that many that nobody has accepted


@dataclass(slots=True)
class Outcome:
    """Seconds since the first came."""

    clients: int
    half: int
    welcomed: int = 0
    answers: dict[str, int] = field(default_factory=dict)  # by status, or "cut off"
    median_s: float = 0.0
    last_s: float = 0.0
    worst_pong_s: float = 0.0

    def problems(self) -> list[str]:
        found = []
        if self.welcomed < self.clients:
            found.append(f"{self.clients - self.welcomed} were not let in")
        if self.worst_pong_s > WAIT_MAX_S:
            found.append(f"a pong took {self.worst_pong_s:.2f} s")
        return found


class Crowd:
    """All of them in one loop. `due` are those who come (again), with the time at which they do."""

    def __init__(self, port: int, clients: int, half: int) -> None:
        self.outcome = Outcome(clients, half)
        self._port = port
        self._epoll = select.epoll()
        self._open: dict[int, tuple[socket.socket, bool]] = {}  # and whether it is one that ends its handshake
        self._inside: list[socket.socket] = []
        self._welcomed_at: list[float] = []
        self._due: list[tuple[float, bool]] = [(0.0, whole) for whole in [True] * clients + [False] * half]
        self._probe = socket.create_connection(("127.0.0.1", port))
        self._probe.sendall(HANDSHAKE)
        while b'"welcome"' not in self._probe.recv(65_536):
            pass
        self._began = time.monotonic()
        self._asked_at: float | None = None

    def _now(self) -> float:
        return time.monotonic() - self._began

    def run(self, limit_s: float) -> Outcome:
        outcome = self.outcome
        self._epoll.register(self._probe.fileno(), select.EPOLLIN)
        while outcome.welcomed < outcome.clients and self._now() < limit_s:
            self._come()
            self._ask()
            for number, events in self._epoll.poll(0.01):
                if number == self._probe.fileno():
                    self._answered()
                else:
                    self._read(number, events)
        outcome.last_s = self._now()
        if self._welcomed_at:
            outcome.median_s = sorted(self._welcomed_at)[len(self._welcomed_at) // 2]
        for sock in [*self._inside, *(sock for sock, _ in self._open.values()), self._probe]:
            sock.close()
        return outcome

    def _come(self) -> None:
        now, later = self._now(), []
        for at, whole in self._due:
            if at > now or len(self._open) >= AT_ONCE:
                later.append((at, whole))
                continue
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self._port))
            self._open[sock.fileno()] = sock, whole
            self._epoll.register(sock.fileno(), select.EPOLLOUT)
        self._due = later

    def _ask(self) -> None:
        if self._asked_at is None:
            self._asked_at = self._now()
            self._probe.sendall(PING)

    def _answered(self) -> None:
        if b'"pong"' in self._probe.recv(65_536) and self._asked_at is not None:
            waited = self._now() - self._asked_at
            self.outcome.worst_pong_s = max(self.outcome.worst_pong_s, waited)
            self._asked_at = None

    def _read(self, number: int, events: int) -> None:
        sock, whole = self._open[number]
        try:
            if events & select.EPOLLOUT:
                sock.send(HANDSHAKE if whole else HANDSHAKE[:40])
                self._epoll.modify(number, select.EPOLLIN)
                return
            answer = sock.recv(65_536)
        except OSError:
            answer = b""
        del self._open[number]
        self._epoll.unregister(number)
        status = answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "cut off"
        self.outcome.answers[status] = self.outcome.answers.get(status, 0) + 1
        if status == "101":
            self._inside.append(sock)
            self._welcomed_at.append(self._now())
            self.outcome.welcomed += 1
        else:
            sock.close()
            self._due.append((self._now() + random.random(), whole))


def measure(clients: int, half: int = 0, limit_s: float = 60.0) -> Outcome:
    with broadcaster() as (_, port, _):
        return Crowd(port, clients, half).run(limit_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--half", type=int, default=0)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    outcome = measure(given.clients, given.half)
    print(json.dumps(asdict(outcome), indent=1))
    for problem in outcome.problems():
        print(problem, file=sys.stderr)
    return 1 if outcome.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
