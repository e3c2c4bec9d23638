"""Thousands of subscribers in one process, which reconnect as the protocol says, and resume, and count.

Each knows what comes next of each series: numbers that grow by `step`. What a gap announced is owed: so many numbers
may be left out, and not one more or less.
"""

import heapq
import itertools
import re
import select
import socket
import struct
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from benchmarks.drain import HANDSHAKE
from benchmarks.load.frames import BINARY, PING, PONG, Splitter, client_frame
from ingest.backoff import Backoff
from ingest.link import CONNECT_S

CLOSE = 8
BUFFER_BYTES = 262_144
SLOW_BYTES = 2_048  # what a slow one reads at once, and the size of its socket's buffer
SLOW_S = 1.0  # how often it reads
AGE_EVERY = 50  # batches: of one in so many it is looked at how old it is
RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *(\d+)")
ALIVE_S = 10.0  # how often a client says something, as others do
ALIVE = client_frame(b'{"type":"ping","time":0}')
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


@dataclass(slots=True)
class Tally:
    """Of all since the start."""

    samples: int = 0
    batches: int = 0
    announced: int = 0
    conflated: int = 0
    wrong: list[str] = field(default_factory=list)  # the first of them
    wrongs: int = 0
    attempts: int = 0
    connections: int = 0
    resumed: int = 0
    restarts: int = 0  # resumes that were not granted
    refused: Counter[int] = field(default_factory=Counter)  # handshakes, by HTTP status; 0: no answer in time
    closes: Counter[int] = field(default_factory=Counter)  # by close code; 0: without one


class Sums:
    """What one subscriber has, over all its connections. Pure."""

    __slots__ = ("_mark", "_next", "_owed", "_step")

    def __init__(self, step: int) -> None:
        self._step = step
        self._next: dict[int, int] = {}  # by key
        self._owed = 0
        self._mark: tuple[dict[int, int], int] | None = None  # as it was at the cursor, if something came since

    def keep(self) -> None:
        if self._mark is None:
            self._mark = dict(self._next), self._owed

    def settle(self) -> None:
        """There is a cursor behind everything."""
        self._mark = None

    def resumed(self) -> None:
        """What came since the cursor will come again."""
        if self._mark is not None:
            self._next, self._owed = self._mark
            self._mark = None

    def restarted(self) -> None:
        self._next, self._owed, self._mark = {}, 0, None

    def gap(self, samples: int) -> None:
        self.keep()
        self._owed += samples

    def take(self, key: int, values: list[int]) -> str | None:
        """Returns what is wrong, if anything."""
        expected = self._next.get(key, values[0])
        self._next[key] = values[-1] + self._step
        left_out, rest = divmod(values[0] - expected, self._step)
        self._owed -= left_out
        if rest or left_out < 0 or self._owed < 0:
            return f"{values[0]} came instead of {expected}"
        if len(values) > 1 and values[-1] - values[0] != (len(values) - 1) * self._step:
            return f"{len(values)} numbers from {values[0]} to {values[-1]}"
        return None

    def ends(self) -> dict[int, int]:
        """The number after the last, by key."""
        return self._next

    @property
    def owed(self) -> int:
        return self._owed


class Client:
    __slots__ = ("backoff", "cursor", "deadline", "held", "live", "parts", "select", "slow", "sock", "sums")

    def __init__(self, select: bytes, step: int, slow: bool) -> None:
        self.select = select
        self.slow = slow
        self.sums = Sums(step)
        self.backoff = Backoff()
        self.cursor: str | None = None
        self.sock: socket.socket | None = None
        self.live = False
        self.parts: Splitter | None = None  # None: in the handshake
        self.held = bytearray()
        self.deadline = 0.0  # of the handshake; then for the next sign of life


class Crowd:
    def __init__(self, port: int, step: int = 1, max_rate: float | None = None) -> None:
        self.port = port
        self.step = step
        self.hello: dict[str, object] = {"type": "hello", "client": "crowd"}
        if max_rate is not None:
            self.hello["max_rate"] = max_rate
        self.clients: list[Client] = []
        self.tally = Tally()
        self.ages: array[float] = array("d")
        self.live = 0
        self.lived_at: list[float] = []  # when each (again) became live, by the monotonic clock
        self._epoll = select.epoll()
        self._by_number: dict[int, Client] = {}
        self._due: list[tuple[float, int, Client, str]] = []
        self._order = itertools.count()
        self._buffer = bytearray(BUFFER_BYTES)

    def add(self, select: bytes, *, slow: bool = False, after_s: float = 0.0) -> None:
        client = Client(select, self.step, slow)
        self.clients.append(client)
        self._later(after_s, client, "dial")

    def run(self, until: float) -> None:
        """Until that moment of the monotonic clock."""
        while (now := time.monotonic()) < until:
            while self._due and self._due[0][0] <= now:
                _, _, client, what = heapq.heappop(self._due)
                getattr(self, f"_{what}")(client, now)
            wait = min(until, self._due[0][0] if self._due else until) - now
            for number, _ in self._epoll.poll(max(0.0, min(wait, 0.1))):
                if client := self._by_number.get(number):  # type: ignore[assignment]  # None goes no further
                    self._readable(client)

    def close(self) -> None:
        for client in self.clients:
            if client.sock is not None:
                client.sock.close()
        self._epoll.close()

    def cut(self, clients: list[Client]) -> None:
        """Their connections are gone at once, with a reset."""
        for client in clients:
            if client.sock is not None:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                self._lost(client)

    # Connecting.

    def _later(self, delay_s: float, client: Client, what: str) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._order), client, what))

    def _dial(self, client: Client, now: float) -> None:
        self.tally.attempts += 1
        sock = socket.socket()
        if client.slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)
        sock.setblocking(False)
        client.sock, client.parts, client.live = sock, None, False
        client.held.clear()
        client.deadline = now + CONNECT_S
        self._later(CONNECT_S, client, "give_up")
        sock.connect_ex(("127.0.0.1", self.port))
        self._by_number[sock.fileno()] = client
        self._epoll.register(sock.fileno(), select.EPOLLOUT)

    def _give_up(self, client: Client, now: float) -> None:
        if client.sock is not None and not client.live and now >= client.deadline:
            self.tally.refused[0] += 1
            self._lost(client)

    def _lost(self, client: Client, at_least_s: float = 0.0) -> None:
        assert client.sock is not None
        self._by_number.pop(client.sock.fileno(), None)
        client.sock.close()  # leaves the epoll, too
        client.sock = None
        self.live -= client.live
        client.live = False
        self._later(max(client.backoff.failed(time.monotonic()), at_least_s), client, "dial")

    def _readable(self, client: Client) -> None:
        sock = client.sock
        assert sock is not None
        try:
            if client.parts is None and not client.held:  # connected, or not
                self._epoll.modify(sock.fileno(), select.EPOLLIN)
                client.held += b"?"
                sock.send(HANDSHAKE)
                return
            size = sock.recv_into(self._buffer, SLOW_BYTES if client.slow and client.live else 0)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self.tally.closes[0] += client.live
            self._lost(client)
            return
        if client.slow and client.live:
            self._epoll.modify(sock.fileno(), 0)
            self._later(SLOW_S, client, "look_again")
        if client.parts is None:
            self._greeted(client, bytes(self._buffer[:size]))
        else:
            self._frames(client, self._buffer, size)

    def _look_again(self, client: Client, now: float) -> None:
        if client.sock is not None and client.live:
            self._epoll.modify(client.sock.fileno(), select.EPOLLIN)

    def _say_something(self, client: Client, now: float) -> None:
        """A slow one's answers to pings come late: this says that it lives."""
        if client.live and now >= client.deadline:
            client.deadline = now + ALIVE_S
            self._later(ALIVE_S, client, "say_something")
            self._send(client, ALIVE)

    def _greeted(self, client: Client, data: bytes) -> None:
        client.held += data
        head, end, rest = bytes(client.held[1:]).partition(b"\r\n\r\n")
        if not end:
            return
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            self.tally.refused[status] += 1
            found = RETRY_AFTER.search(head)
            self._lost(client, float(found[1]) if found else 0.0)
            return
        client.parts = Splitter()
        client.held.clear()
        since = b'"resume":' + orjson.dumps(client.cursor) if client.cursor else b'"history":0.001'
        wanted = b'{"type":"subscribe","id":1,"select":[%b],%b}' % (client.select, since)
        self._send(client, client_frame(orjson.dumps(self.hello)) + client_frame(wanted))
        if rest and client.sock is not None:
            self._frames(client, rest, len(rest))

    def _send(self, client: Client, data: bytes) -> None:
        try:
            if client.sock is not None:
                client.sock.send(data)
        except OSError:
            self._lost(client)

    # What comes.

    def _frames(self, client: Client, chunk: bytes | bytearray, size: int) -> None:
        assert client.parts is not None
        for start, end, opcode, _, last in client.parts.segments(chunk, size):
            client.held += chunk[start:end]
            if not last:
                continue
            payload = bytes(client.held)
            client.held.clear()
            if opcode <= BINARY:
                self._message(client, orjson.loads(payload))
            elif opcode == PING:
                self._send(client, client_frame(payload, PONG))
            elif opcode == CLOSE:
                self.tally.closes[int.from_bytes(payload[:2], "big")] += 1
                self._lost(client)
            if client.sock is None:
                return

    def _message(self, client: Client, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "samples":
            self._samples(client, message)
        elif kind == "gap":
            client.sums.gap(message["samples"])
            self.tally.announced += message["samples"]
        elif kind == "subscribed":
            self._subscribed(client, message)
        elif kind in ("error", "bye"):
            self._wrong(f"{kind}: {message.get('code')} {message.get('message') or message.get('reason')}")

    def _subscribed(self, client: Client, message: dict[str, Any]) -> None:
        now = time.monotonic()
        if client.cursor is not None:
            if message["resumed"]:
                client.sums.resumed()
                self.tally.resumed += 1
            else:
                client.sums.restarted()
                self.tally.restarts += 1
        else:
            client.cursor = message["cursor"]
        client.live = True
        client.deadline = now + ALIVE_S
        self._later(ALIVE_S, client, "say_something")
        client.backoff.connected(now)
        self.live += 1
        self.tally.connections += 1
        self.lived_at.append(now)

    def _samples(self, client: Client, message: dict[str, Any]) -> None:
        tally, sums = self.tally, client.sums
        if message.get("conflated"):
            tally.conflated += sum(len(times) for _, times, _ in message["series"])
            client.cursor = message["cursor"]
            sums.settle()
            return
        backfill = message.get("backfill")
        if backfill:
            sums.keep()
        else:
            client.cursor = message["cursor"]
            tally.batches += 1
            if message["series"] and not tally.batches % AGE_EVERY and not client.slow:  # all may have been backfilled
                self.ages.append(time.time() - message["series"][0][1][-1])
        for key, times, values in message["series"]:
            tally.samples += len(times)
            if problem := sums.take(key, values):
                self._wrong(("in backfill: " if backfill else "") + problem)
        if not backfill:
            sums.settle()

    def _wrong(self, text: str) -> None:
        self.tally.wrongs += 1
        if len(self.tally.wrong) < 20:
            self.tally.wrong.append(text)

    def unequal(self, expected: dict[int, int]) -> Iterator[str]:
        """Who does not have everything up to these numbers (the next ones, by remainder of `step`)."""
        for number, client in enumerate(self.clients):
            ends = {end % self.step: end for end in client.sums.ends().values()}
            if ends != expected or client.sums.owed:
                yield f"subscriber {number} ends at {ends}, with {client.sums.owed} announced and not left out"
