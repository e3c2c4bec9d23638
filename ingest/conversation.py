"""What a producer and a broadcaster say to each other on one connection after another."""

import logging
import random
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from ingest.link import CONNECT_S, FINAL, SHUTTING_DOWN, Lost
from ingest.messages import Message, MessageError, decode, encode
from ingest.outbox import Outbox
from ingest.ratelimit import Occasional

log = logging.getLogger("streamgauge.producer")

SILENCE = 2.5  # ping intervals without a word after which the broadcaster is taken for dead
PINGS_PER_INTERVAL = 2
RATE_LIMITED_S = 1.0  # rest after `rate_limited` that does not say how long
RATE_LIMITED_MAX_S = 60.0
REPORT_S = 10.0
DEFAULT_PING_S = 20.0
ID_USED = {"message": "their ids were used before; is there another producer with the same producer_id?"}


class Conversation:
    """Empties the outbox through whichever connection there is. `report_dropped` may be called from any thread."""

    def __init__(
        self,
        outbox: Outbox,
        lock: threading.Lock,
        producer: str,
        client: str,
        flush_interval_s: float,
        freed: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._lock = lock
        self._hello = {"type": "hello", "producer": producer, "client": client}
        self._flush_interval_s = flush_interval_s
        self._freed = freed
        self._signal = trio.Event()
        self._hurried = 0
        self._not_before = -float("inf")
        self._ping_interval_s = DEFAULT_PING_S
        self._bye: Message | None = None
        self._rejections = Occasional(REPORT_S)
        self._drops = Occasional(REPORT_S)
        self._skipped = 0  # ids, as far as it was logged
        self.round_trip_s: float | None = None

    def wake(self) -> None:
        self._signal.set()

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Meanwhile no sample waits for others to share a message with."""
        self._hurried += 1
        self.wake()
        try:
            yield
        finally:
            self._hurried -= 1

    def report_dropped(self, total: int) -> None:
        if self._drops.take(clock.monotonic()) is not None:
            log.warning("the buffer is full: %d samples dropped so far, the oldest first", total)

    async def run(self, socket: WebSocketConnection, welcomed: Callable[[], None]) -> Lost:
        """Talk until the connection is lost, and say why it was."""
        self._bye = None
        self._ping_interval_s = DEFAULT_PING_S
        try:
            with trio.fail_after(CONNECT_S):
                self._welcome(await socket.get_message())
            await socket.send_message(encode(self._hello).decode())
        except trio.TooSlowError:
            return Lost("no welcome: is this a broadcaster?")
        except MessageError as error:
            return Lost(error.message)
        except ConnectionClosed as closed:
            return self._closed(closed)
        welcomed()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, socket)
            nursery.start_soon(self._write, socket)
            lost = await self._read(socket)
            nursery.cancel_scope.cancel()
        return lost

    def _welcome(self, data: str | bytes) -> None:
        message = decode(data)
        if message.get("type") == "bye":
            self._bye = message
        if message.get("type") != "welcome":
            raise MessageError("bad_message", f"expected a welcome, got {message.get('type')}")
        self._ping_interval_s = _positive(message.get("ping_interval"), DEFAULT_PING_S)
        limits = message.get("limits")
        limits = limits if isinstance(limits, dict) else {}
        with self._lock:
            lost = self._outbox.bound(_bound(limits, "message_bytes"), _bound(limits, "samples_per_message"))
        if lost:
            log.warning("%d samples rejected: their message is larger than the broadcaster now allows", lost)

    # Writing.

    async def _ping(self, socket: WebSocketConnection) -> None:
        try:
            while True:
                await socket.send_message(encode({"type": "ping", "time": trio.current_time()}).decode())
                await trio.sleep(self._ping_interval_s / PINGS_PER_INTERVAL)
        except ConnectionClosed:
            return  # the reader tells why

    async def _write(self, socket: WebSocketConnection) -> None:
        try:
            for message in self._outbox.repeat():
                await socket.send_message(message.text)
            while True:
                await self._until_due()
                with self._lock:
                    next_message = self._outbox.take()
                self._freed()
                if next_message is not None:
                    await socket.send_message(next_message.text)
        except ConnectionClosed:
            return

    async def _until_due(self) -> None:
        """There is something to send, enough of it or for long enough, and the window is open."""
        await trio.sleep_until(self._not_before)
        while not self._outbox.can_take:
            await self._woken()
        with trio.move_on_after(self._flush_interval_s):
            while not (self._hurried or self._outbox.full_batch):
                await self._woken()
        await trio.sleep_until(self._not_before)

    async def _woken(self) -> None:
        await self._signal.wait()
        self._signal = trio.Event()

    # Reading.

    async def _read(self, socket: WebSocketConnection) -> Lost:
        try:
            while True:
                silence_s = self._ping_interval_s * SILENCE
                with trio.move_on_after(silence_s) as waiting:
                    data = await socket.get_message()
                if waiting.cancelled_caught:
                    return Lost(f"nothing heard for {silence_s:g} s")
                self._receive(decode(data))
        except MessageError as error:
            return Lost(f"not a broadcaster: {error.message}")
        except ConnectionClosed as closed:
            return self._closed(closed)

    def _receive(self, message: Message) -> None:
        match message.get("type"):
            case "ack":
                self._acknowledged(message)
            case "error":
                self._refused(message)
            case "pong":
                sent_at = message.get("time")
                if isinstance(sent_at, int | float):
                    self.round_trip_s = max(0.0, trio.current_time() - sent_at)
            case "bye":
                self._bye = message

    def _acknowledged(self, message: Message) -> None:
        id, accepted, rejected = (message.get(name) for name in ("id", "accepted", "rejected"))
        if not isinstance(id, int):
            return
        accepted = accepted if isinstance(accepted, int) else None
        duplicate = message.get("duplicate") is True
        with self._lock:
            refused = self._outbox.acknowledge(id, accepted, duplicate=duplicate)
        self._freed()
        self.wake()
        self._report_skipped()
        if refused and duplicate:
            self._report(refused, ID_USED)
        elif refused:
            self._report(refused, rejected[0] if isinstance(rejected, list) and rejected else message)

    def _report_skipped(self) -> None:
        numbering = self._outbox.numbering
        if numbering.certain and numbering.skipped != self._skipped:
            self._skipped = numbering.skipped
            log.warning(
                "the broadcaster remembers higher ids of this producer_id: this run's go on %.0f s ahead of the clock, "
                "which may have been put back",
                numbering.skipped / 1e6,
            )

    def _refused(self, message: Message) -> None:
        id = message.get("id")
        if not isinstance(id, int):
            log.warning("the broadcaster refused a message: %s", message.get("message"))
            return
        if message.get("code") == "rate_limited":
            with self._lock:
                self._outbox.retry(id)
            rest_s = min(_positive(message.get("retry_after"), RATE_LIMITED_S), RATE_LIMITED_MAX_S)
            self._not_before = max(self._not_before, trio.current_time() + rest_s)
        else:
            with self._lock:
                samples = self._outbox.refuse(id)
            if samples:
                self._report(samples, message)
        self._freed()
        self.wake()

    def _report(self, count: int, first: object) -> None:
        withheld = self._rejections.take(trio.current_time())
        if withheld is not None:
            problem = first.get("message") if isinstance(first, dict) else first
            more = f" ({withheld} such reports withheld)" if withheld else ""
            log.warning("the broadcaster rejected %d samples: %s%s", count, problem, more)

    def _closed(self, closed: ConnectionClosed) -> Lost:
        bye = self._bye or {}
        code = bye.get("code", closed.reason.code if closed.reason else 1006)
        reason = bye.get("reason") or (closed.reason and closed.reason.reason) or "connection lost"
        if code in FINAL or bye.get("reconnect") is False:
            return Lost(f"{reason} ({code})", final=True)
        if code == SHUTTING_DOWN and bye:
            return Lost(str(reason), retry_s=_spread(bye.get("after")))
        return Lost(f"{reason} ({code})")


def _positive(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else default


def _bound(limits: Mapping[str, Any], name: str) -> int:
    value = limits.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _spread(after: object) -> float | None:
    """A moment of `bye.after`; None if it is not a pair of seconds."""
    match after:
        case [int() | float() as low, int() | float() as high] if 0 <= low <= high < float("inf"):
            return random.uniform(low, high)
    return None
