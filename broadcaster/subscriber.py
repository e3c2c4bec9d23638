import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
)

from broadcaster.chain import ChainStatistics
from broadcaster.subscription import (
    BadAnswer,
    Message,
    Overflow,
    State,
    StateChanged,
    Subscription,
    SubscriptionEnded,
    Wanted,
)
from ingest.backoff import Backoff
from ingest.credentials import Credentials, Token
from ingest.link import FINAL, SHUTTING_DOWN, Dial, Lost, rejected, stream_url, websocket_dial, why
from ingest.trust import Authorities

SILENCE = 2.5  # ping intervals without a word after which the broadcaster is taken for dead
PINGS_PER_INTERVAL = 2
TOKEN_REFUSED = frozenset({"401", "4501"})
MESSAGE_BYTES_MAX = 64 * 2**20  # a flush of 100,000 series fits


@dataclass(frozen=True, slots=True)
class SubscriberStatistics:
    connections: int  # opened so far
    failures: int  # attempts in a row that failed
    messages: int
    bytes: int
    samples: int  # live ones
    backfilled_samples: int
    conflated_samples: int
    round_trip_s: float | None
    waiting: int  # messages that the consumer has not taken yet
    chain: ChainStatistics


class Subscriber:
    """Iterate over it for what arrives; see `open_subscriber`."""

    def __init__(
        self,
        dial: Dial,
        wanted: Wanted,
        queue_messages: int,
        backoff: Backoff,
        credentials: Credentials | None = None,
    ) -> None:
        self._dial = dial
        self._credentials = credentials or Credentials(None)
        self._subscription = Subscription(wanted)
        self._backoff = backoff
        self._into, self._queue = trio.open_memory_channel[Message](queue_messages)
        self._retry = trio.Event()
        self._ended: SubscriptionEnded | None = None
        self._connections = self._messages = self._bytes = 0
        self._first_at: float | None = None

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        """Raises SubscriptionEnded when no retry will help."""
        try:
            return await self._queue.receive()
        except trio.EndOfChannel:
            if self._ended:
                raise self._ended from None
            raise StopAsyncIteration from None

    def retry_now(self) -> None:
        """Ends the wait before the next attempt, if there is one under way."""
        self._retry.set()

    def statistics(self) -> SubscriberStatistics:
        return SubscriberStatistics(
            self._connections,
            self._backoff.failures,
            self._messages,
            self._bytes,
            self._subscription.samples,
            self._subscription.backfilled,
            self._subscription.conflated,
            self._subscription.round_trip_s,
            self._queue.statistics().current_buffer_used,
            self._subscription.chain.statistics(),
        )

    async def run(self) -> None:
        """Connects again and again until the broadcaster says that it is no use. Never raises."""
        async with self._into:
            while True:
                await self._into.send(StateChanged("connecting", failures=self._backoff.failures))
                end = await self._connect()
                if isinstance(end, SubscriptionEnded):
                    if not (end.code in TOKEN_REFUSED and await self._credentials.has_newer()):
                        self._ended = end
                        return
                    end = Lost(str(end))
                await self._wait(end)

    async def _wait(self, lost: Lost) -> None:
        if lost.retry_s is None:
            delay = max(self._backoff.failed(trio.current_time()), lost.at_least_s)
        else:
            delay = lost.retry_s
        state: State = "cannot_connect" if self._backoff.exhausted else "reconnecting"
        self._retry = trio.Event()
        await self._into.send(StateChanged(state, lost.reason, self._backoff.failures, delay))
        with trio.move_on_after(delay):
            await self._retry.wait()

    async def _connect(self) -> Lost | SubscriptionEnded:
        end: Lost | SubscriptionEnded | None = None
        try:
            async with self._dial() as socket:
                end = await self._converse(socket)
        except ConnectionRejected as error:
            return _rejected(error)
        except (
            HandshakeError,
            ConnectionClosed,
            OSError,
        ) as error:  # at the end, it is a close handshake that a dead peer left open
            return end or Lost(why(error))
        return end

    async def _converse(self, socket: WebSocketConnection) -> Lost | SubscriptionEnded:
        self._connections += 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, socket)
            end = await self._read(socket)
            nursery.cancel_scope.cancel()
        return end

    async def _ping(self, socket: WebSocketConnection) -> None:
        """A task of its own: the broadcaster hears from a client whose consumer is slow, too."""
        try:
            while True:
                await trio.sleep(self._subscription.ping_interval_s / PINGS_PER_INTERVAL)
                await socket.send_message(self._subscription.ping(trio.current_time()))
        except ConnectionClosed:
            return  # the reader tells why

    async def _read(self, socket: WebSocketConnection) -> Lost | SubscriptionEnded:
        try:
            await self._open(socket)
            while True:
                silence_s = self._subscription.ping_interval_s * SILENCE
                with trio.move_on_after(silence_s) as waiting:
                    data = await socket.get_message()
                if waiting.cancelled_caught:
                    return Lost(f"nothing heard for {silence_s:g} s")
                await self._take(data)
        except ConnectionClosed as closed:
            return self._closed(closed)
        except BadAnswer as error:
            return Lost(str(error))
        except SubscriptionEnded as error:
            return error

    async def _open(self, socket: WebSocketConnection) -> None:
        now = trio.current_time()
        if self._first_at is None:
            self._first_at = now
        for frame in self._subscription.opening(now - self._first_at):
            await socket.send_message(frame.decode())

    async def _take(self, data: str | bytes) -> None:
        self._messages += 1
        self._bytes += len(data)
        was_subscribed = self._subscription.subscribed
        messages = self._subscription.receive(data, trio.current_time())
        if self._subscription.subscribed and not was_subscribed:
            self._backoff.connected(trio.current_time())
        for message in messages:
            # While the consumer is slow nothing is read here, the socket fills, and the broadcaster's policy decides.
            await self._into.send(message)

    def _closed(self, closed: ConnectionClosed) -> Lost | SubscriptionEnded:
        bye = self._subscription.bye
        code = bye.code if bye else closed.reason.code if closed.reason else 1006
        reason = bye.reason if bye else (closed.reason and closed.reason.reason) or "connection lost"
        if code in FINAL or (bye and not bye.reconnect):
            return SubscriptionEnded(str(code), reason)
        if bye and code == SHUTTING_DOWN:
            return Lost(reason, retry_s=random.uniform(*bye.after))
        return Lost(f"{reason} ({code})")


def _rejected(error: ConnectionRejected) -> Lost | SubscriptionEnded:
    lost = rejected(error)
    return SubscriptionEnded(str(error.status_code), lost.reason) if lost.final else lost


@asynccontextmanager
async def open_subscriber(
    url: str,
    select: Sequence[Mapping[str, Any]] = ({"metric": "*"},),
    *,
    history_s: float = 0.0,
    resume: str | None = None,
    token: Token = None,
    ca: Authorities = None,
    overflow: Overflow = "conflate",
    max_rate: float | None = None,
    client: str = "streamgauge subscriber",
    queue_messages: int = 64,
    dial: Dial | None = None,
) -> AsyncIterator[Subscriber]:
    """Subscribe to a broadcaster for the length of the block; connects again whenever the connection is lost.

        async with open_subscriber("ws://127.0.0.1:8765", [{"metric": "host.*"}], history_s=60) as subscriber:
            async for message in subscriber: ...

    Args:
        select: as in the protocol; any entry may match, all parts of one must.
        history_s: seconds of history to begin with.
        resume: the `cursor` of the last Samples of an earlier subscriber to the same, perhaps of a process that has
            ended: what it did not get comes first. If the history does not reach so far back, Resynchronised says so.
        token: as of `open_producer`.
        ca: a PEM file with the authorities to believe for wss:// instead of the system's, or an SSLContext.
        overflow, max_rate: what the broadcaster does when this consumer is too slow; its batches a second at most.
        queue_messages: messages that may wait here before the socket is no longer read.
        dial: opens one connection instead of the usual way, for tests and tunnels.

    Raises:
        ValueError: the URL is none of a broadcaster, or `ca` cannot be read.

    That a broadcaster cannot be reached is no error: iteration tells.
    """
    wanted = Wanted(select, history_s, overflow, max_rate, client, resume)
    credentials = Credentials(token)
    connect = dial or websocket_dial(stream_url(url), credentials, MESSAGE_BYTES_MAX, ca)
    subscriber = Subscriber(connect, wanted, queue_messages, Backoff(), credentials)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(subscriber.run)
        try:
            yield subscriber
        except Exception as error:
            failure = error  # raised again outside, so that the nursery does not wrap it in a group
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
