"""A broadcaster's core without sockets: a clock to turn, a history with a log, and clients that read when told."""

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from broadcaster.audience import Batch, Deliver
from broadcaster.auth import EVERYTHING, Authenticator, Grant, anybody
from broadcaster.config import BroadcasterConfig
from broadcaster.errors import Close
from broadcaster.frames import text_frame
from broadcaster.history import History, Record
from broadcaster.hub import Hub
from broadcaster.ledger import Ledger
from broadcaster.mailbox import Mailbox, Overflow
from broadcaster.pages import Pages
from broadcaster.publishing import PublishCounts
from broadcaster.search import Search
from broadcaster.searcher import Searcher
from broadcaster.session import Session
from broadcaster.shared import Shared
from ingest.samples import Entry, SampleError, Series, Validator, Value
from tests.broadcaster.frame_parts import Message, messages_of

START = 1_000_000.0  # long after any time that a default could stand for


class Clock:
    """Steady seconds that pass when told."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def time(self) -> float:
        """In place of time.time()."""
        return self.now


class LoggedHistory(History):
    """Knows of everything that was ever accepted, in which batch."""

    def __init__(self, config: BroadcasterConfig) -> None:
        super().__init__(config.history_points, config.history_age_s, config.history_bytes, config.series_max)
        self.log: list[tuple[int, Series, Value]] = []

    def append(self, record: Record, times: Sequence[float], values: Sequence[Value], now: float) -> None:
        self.log += [(self.seq, record.series, value) for value in values]
        super().append(record, times, values, now)


class Inbox:
    """A member of a section that keeps what it is delivered."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.prefaces: list[bytes] = []

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        self.batches.append(batch)
        if preface is not None:
            self.prefaces.append(preface)

    @property
    def messages(self) -> list[Message]:
        return [message for batch in self.batches for message in messages_of(batch.frame)]

    @property
    def chain(self) -> list[tuple[int, int]]:
        return [(batch.prev, batch.seq) for batch in self.batches]

    @property
    def counts(self) -> list[tuple[int, int, int]]:
        """The chain with the samples of each batch."""
        return [(batch.prev, batch.seq, batch.samples) for batch in self.batches]


class Lookups(Searcher):
    """`step`: how many series it looks at in a turn; None: at all, at once."""

    step: int | None = None
    at_once = sys.maxsize

    def _advance(self, search: Search) -> bool:
        looked = itertools.count(1)
        return search.advance(lambda: next(looked) == self.step)


class World:
    def __init__(self, authenticator: Authenticator = anybody, **settings: Any) -> None:
        self.config = BroadcasterConfig(**settings)
        self.clock = Clock()
        self.history = LoggedHistory(self.config)
        self.hub = Hub(self.history)
        self.searcher = Lookups(self.hub)
        known = self.history.records.__len__
        counts = PublishCounts(Validator(self.history.kind_of, self.history.event_series, known_series=known))
        ledger = Ledger(self.config.producer_memory_s)
        self.shared = Shared(
            self.config,
            self.hub,
            ledger,
            authenticator,
            counts,
            self.searcher,
            self.clock,
            hold=self.nothing,
            release=self.nothing,
        )

    @staticmethod
    def nothing() -> None:
        """There is no flusher here: a test flushes when it wants."""

    def client(self, grant: Grant = EVERYTHING, **hello: object) -> "Client":
        client = Client(self, grant)
        if hello:
            client.say(type="hello", **hello)
        return client

    def publish(self, metric: str, *values: Value, times: Sequence[float] | None = None) -> None:
        refused = self.accept(Entry(Series(metric), times or [self.clock.now] * len(values), list(values)))
        assert not refused

    def accept(self, *entries: Entry) -> list[tuple[Entry, SampleError]]:
        return self.hub.publish(entries, self.clock.now)

    def flush(self) -> None:
        """What the flusher does each time."""
        self.hub.flush(self.clock.now)
        self.hub.flush_due(self.clock.now)


class Client:
    """The outlet of a session, which behaves as a WebSocket connection does. `stuck`: its socket takes nothing."""

    def __init__(self, world: World, grant: Grant = EVERYTHING) -> None:
        config = world.config
        self.stuck = False
        self.detour: Deliver | None = None
        self.closed: Close | None = None
        self.far = False  # what it says was on its way before it heard what it was told
        self.received: list[Message] = []
        self.on_send: Callable[[Message], None] = lambda message: None
        bounds = config.mailbox_batches, config.mailbox_bytes, config.control_bytes
        self._pages: Pages | None = None
        self.session = Session(world.shared, self, grant)
        self.mailbox = Mailbox(world.history.epoch, "conflate", *bounds, self.session.descriptor)

    def say(self, **message: object) -> None:
        self.session.receive(orjson.dumps(message))

    def take(self) -> list[Message]:
        """What was received since the last time."""
        taken, self.received = self.received, []
        return taken

    def ask(self, **message: object) -> list[Message]:
        """What comes at once in answer to a message."""
        self.take()
        self.say(**message)
        return self.take()

    # The outlet.

    def send(self, payload: bytes, *, new_chain: bool = False) -> None:
        self.on_send(orjson.loads(payload))
        if self._idle:
            self._read(text_frame(payload))
        else:
            assert self.mailbox.put_control(text_frame(payload), new_chain=new_chain)

    def when_heard(self) -> None:
        if not self.far:
            self.session.heard()

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        if self.detour is not None:
            self.detour(batch, preface)
            return
        if preface is not None:
            self._describe(preface)
        if self._idle:
            self._read(batch.frame)
        else:
            assert self.mailbox.put(batch)

    def _describe(self, preface: bytes) -> None:
        if self._idle:
            self._read(preface)
        else:
            assert self.mailbox.put_series(self.session.undescribed)

    def pull(self, payloads: Iterator[bytes], done: Callable[[], None]) -> None:
        first = next(payloads, None)
        if first is None:
            done()
            return
        self._pages = Pages(payloads, done, first)
        if not self.stuck:
            self.pump()

    def configure(self, overflow: Overflow) -> None:
        self.mailbox.overflow = overflow

    def close(self, close: Close) -> None:
        self.closed = self.closed or close
        self.session.stop()

    # Its socket.

    @property
    def _idle(self) -> bool:
        return not self.stuck and self._pages is None and self.mailbox.empty

    def _read(self, frames: bytes) -> None:
        self.received += messages_of(frames)

    def pump(self, most: int | None = None) -> bool:
        """Reads frames that wait, at most so many; True if there were any."""
        read = 0
        while read != most and (frame := self._next()) is not None:
            self._read(frame)
            read += 1
        return read > 0

    def _next(self) -> bytes | None:
        while (pages := self._pages) is not None:
            if (frame := pages.take(self.mailbox)) is not None:
                return frame
            self._pages = None
            pages.done()
        return self.mailbox.take()
