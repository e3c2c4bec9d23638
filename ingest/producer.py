import logging
import threading
import time as clock
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection

from ingest.backoff import Backoff
from ingest.conversation import Conversation
from ingest.credentials import Credentials, Token
from ingest.intake import Intake, check_columns, check_one
from ingest.link import CLOSE_S, Dial, Lost, rejected, stream_url, websocket_dial, why
from ingest.numbering import Numbering
from ingest.options import OnFull, check_options, program_name
from ingest.outbox import Described, Outbox
from ingest.samples import Entry, Kind, Value
from ingest.statistics import ProducerStatistics, State
from ingest.trust import Authorities

log = logging.getLogger("streamgauge.producer")

ANSWER_BYTES_MAX = 2**24  # an ack may list every sample of a message
SENDS_PER_CHECKPOINT = 100  # a task that only sends still lets the others run


class ProducerClosed(Exception):
    """Nothing more can be sent: the `with` block has ended, or the broadcaster refused this producer for good."""


class CannotConnect(Exception):
    """The first connection could not be made; the text says why."""


class Producer:
    """Hands samples to a broadcaster; see `open_producer`."""

    def __init__(
        self,
        dial: Dial,
        outbox: Outbox,
        id: UUID,
        client: str | None,
        on_full: OnFull,
        flush_interval_s: float,
        credentials: Credentials | None = None,
    ) -> None:
        self._dial = dial
        self._credentials = credentials or Credentials(None)
        self._backoff = Backoff()
        self._intake = Intake()
        self._on_full = on_full
        self._lock = threading.Lock()  # other threads may put samples into the outbox
        self._outbox = outbox
        name = program_name() if client is None else client
        self._conversation = Conversation(outbox, self._lock, str(id), name, flush_interval_s, self._freed)
        self._state: State = "connecting"
        self._reason: str | None = None
        self._connections = 0
        self._since_checkpoint = 0
        self._retry = trio.Event()
        self._changed = trio.Event()
        self._stop = trio.Event()
        self._scope = trio.CancelScope(shield=True)
        self._finished = trio.Event()
        self.wake: Callable[[], None] = self._conversation.wake
        self.on_freed: Callable[[], None] = lambda: None

    # What a program calls.

    async def send(
        self, metric: str, value: float | None, *, time: float | None = None, unit: str | None = None, **tags: str | int
    ) -> None:
        """One sample. If it is cancelled, nothing was taken.

        Args:
            value: a finite number, or None for an explicit gap.
            time: Unix seconds; if None, this moment.
            unit: a short text such as "s", "ms", "B", "B/s", "%", "1/s".

        Raises:
            SampleError: it is a bad one; nothing was taken.
            ProducerClosed: the block has ended.
        """
        await self._put(*self.checked(metric, value, None, time, unit, tags))

    async def send_many(
        self,
        metric: str,
        times: Iterable[float],
        values: Iterable[float | None],
        *,
        unit: str | None = None,
        **tags: str | int,
    ) -> None:
        """Samples of one series in two columns of the same length (lists, tuples, arrays); errors as for `send`.

        Cancelled while it waits for room it has taken the first of them, as `statistics().sent` tells.
        """
        await self._put(*self.checked_columns(metric, times, values, unit, tags))

    async def event(self, metric: str, text: str, *, time: float | None = None, **tags: str | int) -> None:
        """Something that happened, in 1 to 1,000 characters: a deploy, an alarm. Errors as for `send`."""
        await self._put(*self.checked(metric, text, "event", time, None, tags))

    async def send_entry(self, entry: Entry) -> None:
        """Samples that have been checked. Raises ProducerClosed."""
        described = self._intake.describe(entry.series.metric, dict(entry.series.tags), entry.kind, entry.unit)
        await self._put(described, entry.times, entry.values)

    async def flush(self) -> None:
        """Returns when the fate of everything sent before is known. Raises ProducerClosed."""
        target = self._outbox.sent
        with self._conversation.hurry():
            while not self._resolved(target):
                self._check_running()
                await self._changed.wait()

    async def connected(self) -> None:
        """Returns when there is a connection. Raises CannotConnect if there never was one and an attempt failed."""
        while self._state != "connected":
            if self._connections == 0 and self._reason is not None:
                raise CannotConnect(self._reason)
            self._check_running()
            await self._changed.wait()

    async def refused(self) -> str:
        """Returns, with the reason, if the broadcaster tells this producer not to come back."""
        while self._state != "refused":
            await self._changed.wait()
        return self._reason or ""

    def retry_now(self) -> None:
        """Ends the wait before the next attempt to connect, if there is one under way."""
        self._retry.set()

    def statistics(self) -> ProducerStatistics:
        with self._lock:
            box = self._outbox
            return ProducerStatistics(
                self._state,
                self._reason,
                box.sent,
                box.buffered,
                box.unacknowledged,
                box.acknowledged,
                box.rejected,
                box.dropped,
                box.duplicate_messages,
                self._connections,
                self._backoff.failures,
                self._conversation.round_trip_s,
            )

    # Between the program and the outbox; those without `async` are called from other threads, too.

    def checked(
        self,
        metric: str,
        value: object,
        kind: Kind | None,
        time: float | None,
        unit: str | None,
        tags: dict[str, str | int],
    ) -> tuple[Described, tuple[float, ...], tuple[Value, ...]]:
        at, checked = check_one(clock.time() if time is None else time, value, kind)
        return self._intake.describe(metric, tags, kind, unit), (at,), (checked,)

    def checked_columns(
        self,
        metric: str,
        times: Iterable[float],
        values: Iterable[float | None],
        unit: str | None,
        tags: dict[str, str | int],
    ) -> tuple[Described, list[float], list[Value]]:
        columns = check_columns(times, values)
        return self._intake.describe(metric, tags, None, unit), *columns

    def put_some(self, described: Described, times: Sequence[float], values: Sequence[Value]) -> int:
        """Take as many of the samples as the policy allows now and return how many. Raises ProducerClosed."""
        with self._lock:
            self._check_open()
            box = self._outbox
            count = len(times) if self._on_full == "drop_oldest" else min(len(times), box.room)
            if not count:
                return 0
            # A writer that waits needs to know of the first sample and of a full batch, and of nothing in between.
            was_empty, was_full = box.room == box.capacity, box.full_batch
            dropped = box.put(described, times[:count], values[:count])
            if was_empty or (box.full_batch and not was_full):
                self.wake()
        if dropped:
            self._conversation.report_dropped(self._outbox.dropped)
        return count

    async def _put(self, described: Described, times: Sequence[float], values: Sequence[Value]) -> None:
        self._since_checkpoint += 1
        if self._since_checkpoint < SENDS_PER_CHECKPOINT:  # here, and not at the end: who is cancelled has sent nothing
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        while (taken := self.put_some(described, times, values)) < len(times):
            times, values = times[taken:], values[taken:]
            if not taken:
                await self._changed.wait()

    def _check_open(self) -> None:
        if self._state == "closed" or (self._state == "refused" and self._on_full == "block"):
            raise ProducerClosed(self._reason or "the producer is closed")

    def _check_running(self) -> None:
        if self._finished.is_set():
            raise ProducerClosed(self._reason or "the producer is closed")

    def _resolved(self, count: int) -> bool:
        with self._lock:
            return self._outbox.resolved(count)

    # The connection.

    async def run(self) -> None:
        """Connects again and again, until stopped or told by the broadcaster that it is no use."""
        try:
            with self._scope:
                while not self._stop.is_set():
                    lost = await self._connect()
                    if lost.final and not await self._credentials.has_newer():
                        self._refuse(lost.reason)
                        return
                    await self._wait(lost)
        finally:
            self._finished.set()
            self._freed()

    def _refuse(self, reason: str) -> None:
        log.error("the broadcaster refuses this producer: %s", reason)
        self._become("refused", reason)

    async def _wait(self, lost: Lost) -> None:
        if self._stop.is_set():
            return
        if lost.retry_s is None:
            delay = max(self._backoff.failed(trio.current_time()), lost.at_least_s)
        else:
            delay = lost.retry_s
        exhausted = self._backoff.exhausted
        if exhausted and self._state != "cannot_connect":
            log.warning("cannot connect: %s; %d attempts failed, trying on", lost.reason, self._backoff.failures)
        self._retry = trio.Event()
        self._become("cannot_connect" if exhausted else "reconnecting", lost.reason)
        with trio.move_on_after(delay):
            await self._retry.wait()

    async def _connect(self) -> Lost:
        lost: Lost | None = None
        try:
            async with self._dial() as socket:
                lost = await self._converse(socket)
        except ConnectionRejected as error:
            return rejected(error)
        except (
            HandshakeError,
            ConnectionClosed,
            OSError,
        ) as error:  # at the end, it is a close handshake that a dead peer left open
            return lost or Lost(why(error))
        return lost

    async def _converse(self, socket: WebSocketConnection) -> Lost:
        lost = Lost("stopped")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_at_stop, nursery.cancel_scope)
            lost = await self._conversation.run(socket, self._welcomed)
            nursery.cancel_scope.cancel()
        return lost

    async def _cancel_at_stop(self, scope: trio.CancelScope) -> None:
        await self._stop.wait()
        scope.cancel()

    def _welcomed(self) -> None:
        self._backoff.connected(trio.current_time())
        self._connections += 1
        if self._state == "cannot_connect":
            # As loud as what it takes back.
            log.warning("connected again: what waited is sent")
        self._become("connected", None)

    def _become(self, state: State, reason: str | None) -> None:
        self._state = state
        self._reason = reason
        self._freed()

    def _freed(self) -> None:
        """Something that a waiting task may be interested in has changed."""
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        self.on_freed()

    async def finish(self, flush_s: float) -> None:
        """Flush, for at most so long; then close."""
        with trio.CancelScope(shield=True):
            self.retry_now()  # the schedule may be longer than what is left
            with trio.move_on_after(flush_s), suppress(ProducerClosed):  # refused: it is logged
                await self.flush()
            if self._state != "connected":
                self._scope.cancel()
            self._stop.set()
            with trio.move_on_after(CLOSE_S):
                await self._finished.wait()
            self._scope.cancel()
            await self._finished.wait()
        self._become("closed", None)
        if unsent := self.statistics().unsent:
            log.warning("closed with %d samples of which it is not known that they arrived", unsent)


def _numbering(producer_id: UUID | None, first_id: int | None) -> Numbering:
    if first_id is not None:
        return Numbering(first_id, repeats=True)
    return Numbering(int(clock.time() * 1e6), remembered=producer_id is not None)


@asynccontextmanager
async def open_producer(
    url: str = "ws://127.0.0.1:8765",
    *,
    token: Token = None,
    ca: Authorities = None,
    client: str | None = None,
    buffer_samples: int = 100_000,
    on_full: OnFull = "drop_oldest",
    flush_interval_s: float = 0.05,
    batch_samples: int = 1000,
    window: int = 32,
    flush_s: float = 5.0,
    producer_id: UUID | None = None,
    first_id: int | None = None,
    dial: Dial | None = None,
) -> AsyncIterator[Producer]:
    """Push samples to a broadcaster for the length of the block; connects again whenever the connection is lost.

        async with open_producer("ws://127.0.0.1:8765") as producer:
            await producer.send("training.loss", 0.25, run="first")

    The block begins at once; that no broadcaster can be reached is no error (see `Producer.connected`). At its end,
    also when cancelled, what waits is flushed for at most `flush_s` seconds; what is left is logged and stays in
    `statistics().unsent`.

    Args:
        token: the token to connect with, or a function that gives the newest one, such as TokenFile: it is asked for
            another before the one in use expires, which then goes on without a new connection.
        ca: a PEM file with the authorities to believe for wss:// instead of the system's, or an SSLContext.
        client: how it is called on the page of connections; by default as its script, such as train.py.
        buffer_samples: how many may wait here; beside them, at most `window` messages are unacknowledged.
        on_full: "drop_oldest" drops and counts; "block" makes `send` wait.
        flush_interval_s: how long a sample waits for others to share a message with.
        batch_samples: the most samples of one message.
        producer_id, first_id: for a program that repeats its messages after a crash: with the same `producer_id`,
            and the same samples flushed in the same portions from the same `first_id` on, each is applied once.
            By default both are new. One running program to a `producer_id`.
        dial: opens one connection instead of the usual way, for tests and tunnels.

    Raises:
        ValueError: the URL is none of a broadcaster, or an option is none of those possible; the text names it.
    """
    check_options(**{name: value for name, value in locals().items() if name != "url"})
    outbox = Outbox(buffer_samples, batch_samples, window, _numbering(producer_id, first_id))
    credentials = Credentials(token)
    connect = dial or websocket_dial(stream_url(url), credentials, ANSWER_BYTES_MAX, ca)
    producer = Producer(connect, outbox, producer_id or uuid4(), client, on_full, flush_interval_s, credentials)
    async with _running(producer, flush_s):
        yield producer


@asynccontextmanager
async def _running(producer: Producer, flush_s: float) -> AsyncIterator[None]:
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(producer.run)
        try:
            yield
        except Exception as error:
            failure = error  # raised again outside, so that the nursery does not wrap it in a group
        finally:
            await producer.finish(flush_s)
    if failure is not None:
        raise failure
