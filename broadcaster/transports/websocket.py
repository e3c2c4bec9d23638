"""A client over WebSocket: trio-websocket reads and does the handshakes, prepared frames go straight to the socket."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from broadcaster import errors, messages
from broadcaster.audience import Batch, Deliver
from broadcaster.auth import Grant
from broadcaster.errors import Close
from broadcaster.frame_reader import FrameReader
from broadcaster.frames import ASK, HEARD, PING, close_frame, pong_frame, text_frame
from broadcaster.mailbox import Mailbox, Overflow
from broadcaster.pages import Pages
from broadcaster.patience import Patience
from broadcaster.session import Session
from broadcaster.shared import Shared
from broadcaster.stream import FrameStream
from broadcaster.traffic import Traffic
from broadcaster.transports.description import described, summarised


class Connection:
    """One WebSocket client. Its tasks: trio-websocket's reader, `run`, and a writer only while something waits."""

    __slots__ = (
        "_answers", "_batches", "_bye_said", "_bytes", "_charged", "_mailbox", "_nursery", "_overflow", "_pages",
        "_patience", "_pinged_at", "_reading", "_samples", "_shared", "_stream", "_websocket", "_writing",
        "_written", "address", "closing", "detour", "session", "since",
    )  # fmt: skip

    def __init__(self, shared: Shared, stream: FrameStream, grant: Grant, address: str) -> None:
        self._shared = shared
        self._stream = stream
        self._overflow: Overflow = "conflate"
        self._mailbox: Mailbox | None = None
        self.detour: Deliver | None = None
        self._pages: Pages | None = None  # of a backfill
        self._writing = False
        self._written: trio.Event | None = None  # while somebody waits for the writer
        self._websocket: WebSocketConnection | None = None
        self._nursery: trio.Nursery | None = None
        self._reading = trio.CancelScope()
        self._bye_said = False
        self._batches = self._samples = self._bytes = 0  # which went past the mailbox, straight to the socket
        self.address = address
        self.closing: Close | None = None
        self.since = time.time()
        self._charged = 0  # bytes received
        self._answers: list[bytes] | None = None  # while messages that came together are handled: to go out together
        self._pinged_at = shared.clock()
        self._patience = Patience(shared.config, self._pinged_at)
        self.session = Session(shared, self, grant, address.rpartition(":")[0])
        stream.before_close = self._before_close
        stream.last_words = self._last_words

    # The outlet of the session.

    def send(self, payload: bytes, *, new_chain: bool = False) -> None:
        self._send_frame(text_frame(payload), new_chain=new_chain)

    def when_heard(self) -> None:
        self._send_frame(ASK)

    def _send_frame(self, frame: bytes, *, new_chain: bool = False) -> None:
        if self.closing is not None:
            return
        if self._answers is not None:
            self._answers.append(frame)
            if not new_chain:
                return
            frame = self._answered()
        self._write_control(frame, new_chain=new_chain)

    def _send_control(self, frame: bytes) -> None:
        """Pings and pongs wait for nothing but the socket: a page may take long to be made."""
        if self.closing is not None:
            return
        if not self._stream.try_send(frame):
            self._send_frame(frame)
        elif self._stream.busy:
            self._write_soon()

    def _answered(self) -> bytes:
        answers, self._answers = self._answers or [], []
        return b"".join(answers)

    def _write_control(self, frame: bytes, *, new_chain: bool = False) -> None:
        if self._idle() and self._stream.try_send(frame):
            if self._stream.busy:
                self._write_soon()
            return
        if self._box().put_control(frame, new_chain=new_chain):
            self._write_soon()
        else:
            self.close(errors.TOO_SLOW)

    def deliver(self, batch: Batch, preface: bytes | None) -> None:
        if self.closing is not None:
            return
        if self._answers:  # what came before goes before
            self._write_control(self._answered())
        if self.detour is not None:
            self.detour(batch, preface)
            return
        if preface is not None:
            self._describe(preface)
        # As in _idle, without the call: this is most of what a broadcaster does.
        idle = not self._writing and (self._mailbox is None or self._mailbox.empty)
        if idle and self._stream.try_send(batch.frame):
            self._batches += 1
            self._samples += batch.samples
            self._bytes += len(batch.frame)
            if self._stream.busy:
                self._write_soon()
        elif self._box().put(batch):
            self._write_soon()
        else:
            self.close(errors.TOO_SLOW)

    def _describe(self, preface: bytes) -> None:
        """If it is not taken at once, the series wait, and not what is said of them: that may be much, and change."""
        if self._idle() and self._stream.try_send(preface):
            if self._stream.busy:
                self._write_soon()
        elif self._box().put_series(self.session.undescribed):
            self._write_soon()
        else:
            self.close(errors.TOO_SLOW)

    def pull(self, payloads: Iterator[bytes], done: Callable[[], None]) -> None:
        first = next(payloads, None)
        if first is None:
            done()
            return
        self._pages = Pages(payloads, done, first)
        self._write_soon()

    def configure(self, overflow: Overflow) -> None:
        self._overflow = overflow
        if self._mailbox is not None:
            self._mailbox.overflow = overflow

    def close(self, close: Close) -> None:
        """Ends the connection with this code as soon as the tasks run again. The first reason counts."""
        if self.closing is None:
            self.closing = close
            self.session.stop()
            self._reading.cancel()

    def part(self, close: Close) -> bool:
        """Says `bye` and sends the close frame at once, without a task: some microseconds, when there is no more time.

        False: something is on its way to the socket, or it is full.
        """
        if self._bye_said or not self._idle() or self._stream.busy:
            return self._bye_said
        self.closing = self.closing or close
        words = self._before_close(close.code) + close_frame(self.closing.code, self.closing.reason)
        return self._stream.try_send(words)

    def _idle(self) -> bool:
        return not self._writing and (self._mailbox is None or self._mailbox.empty)

    def _box(self) -> Mailbox:
        if self._mailbox is None:
            config, epoch = self._shared.config, self._shared.hub.history.epoch
            bounds = config.mailbox_batches, config.mailbox_bytes, config.control_bytes
            self._mailbox = Mailbox(epoch, self._overflow, *bounds, self.session.descriptor)
        return self._mailbox

    # The writer.

    def _write_soon(self) -> None:
        if not self._writing and self._nursery is not None:
            self._writing = True
            self._nursery.start_soon(self._write)

    async def _write(self) -> None:
        """Sends what waits, in order, until nothing does."""
        try:
            await self._stream.drain()
            while self.closing is None and (frame := self._next_frame()) is not None:
                if frame:
                    await self._stream.send_all(frame)
                else:
                    async with self._shared.pages:
                        pass  # of all who go on with a page one in each turn of the event loop
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._reading.cancel()
        finally:
            self._writing = False
            if self._written is not None:
                self._written.set()

    def _next_frame(self) -> bytes | None:
        while (pages := self._pages) is not None:
            if (frame := pages.take(self._mailbox)) is not None:
                return frame
            self._pages = None
            pages.done()
        return self._mailbox.take() if self._mailbox is not None else None

    @property
    def writing(self) -> bool:
        """True while something waits for the socket."""
        return self._writing

    async def drained(self) -> None:
        """Waits until nothing waits for the socket."""
        while self._writing:
            if self._written is None or self._written.is_set():
                self._written = trio.Event()
            await self._written.wait()

    # The life of the connection.

    def open(self, websocket: WebSocketConnection, nursery: trio.Nursery) -> None:
        """The handshake is done: both sides may speak. `run` must follow."""
        self._nursery = nursery
        self._websocket = websocket
        bytes_max = self._shared.config.message_bytes
        self._stream.reader = FrameReader(bytes_max, self._receive_all, self._receive_controls).feed
        self._stream.opened()
        self.session.start()
        if self._mailbox is not None:
            self._write_soon()

    async def run(self) -> None:
        """Serves the client until either side ends it."""
        assert self._websocket is not None
        try:
            with self._reading:
                await self._read(self._websocket)
        finally:
            self.session.leave()
        await self._close(self._websocket)

    def _receive(self, data: str | bytes) -> None:
        if self.closing is None:
            self.session.receive(data)

    def _receive_controls(self, pings: list[bytes], pongs: list[bytes]) -> None:
        """Answers pings; of too many only the newest, as RFC 6455 (5.5.3) allows."""
        if self.closing is not None:
            return
        if not self.session.controls(len(pings) + len(pongs)):
            self._rest()
            del pings[:-1]
        if pings:
            self._send_control(b"".join(map(pong_frame, pings)))
        if HEARD in pongs:
            self.session.heard()

    def _rest(self) -> None:
        self.session.quota.over = False
        self._stream.over_limit = True

    def _receive_all(self, messages: list[bytes]) -> None:
        if self.closing is not None:
            self._rest()
            return
        received = self._stream.received_bytes
        size, self._charged = received - self._charged, received
        self._shared.hold()
        self._answers = []
        try:
            self.session.receive_all(messages, size)
        finally:
            if self._answers:
                self._write_control(self._answered())
            self._answers = None
            self._shared.release()
        if self.session.quota.over:
            self._rest()

    async def _read(self, websocket: WebSocketConnection) -> None:
        """The messages that the frame reader leaves to trio-websocket, until the end of the connection."""
        try:
            while True:
                self._receive(await websocket.get_message())
        except ConnectionClosed:
            return

    async def _close(self, websocket: WebSocketConnection) -> None:
        close = self.closing or Close(1000, "")
        with trio.move_on_after(self._shared.config.close_s):
            await websocket.aclose(close.code, close.reason)
        await self._stream.aclose()

    def forget(self) -> None:
        """It is over: lets go of what leads back here. All is freed now, and not when cycles are looked for."""
        websocket: Any = self._websocket
        with suppress(AttributeError):  # wsproto's parser is a generator that holds itself, unless it came to an end
            websocket._wsproto.connection._proto._parse_more.close()
        self._nursery = self._websocket = self._pages = self.detour = None
        self._stream.forget()
        self.session.forget()

    def _before_close(self, code: int | None) -> bytes:
        """The `bye` that goes before a close frame which this side starts."""
        close = self.closing or errors.STANDARD.get(code or 0)
        if close is None or self._bye_said:
            return b""
        self._bye_said = True
        self.closing = close
        return text_frame(messages.bye(close))

    def _last_words(self) -> bytes:
        """What trio-websocket leaves out when it ends a connection for broken framing: `bye` and a close frame."""
        reason = self._websocket.closed if self._websocket is not None else None
        standard = errors.STANDARD.get(reason.code) if reason is not None else None
        if standard is None:
            return b""
        return self._before_close(standard.code) + close_frame(standard.code, standard.reason)

    def check(self, now: float) -> None:
        """Pings, and ends a connection that is silent or whose token expired."""
        interval = self._shared.config.ping_interval_s
        expires = self.session.grant.expires
        if now - self._stream.received_at > 2 * interval:
            self.close(errors.NO_PONG)
        elif (expires is not None and time.time() >= expires) or self.session.grant.revoked:
            self.close(errors.TOKEN_EXPIRED)
        elif (impatient := self._patience.ends(self, now)) is not None:
            reason, close = impatient
            if self.closing is None:  # it is asked again while it ends
                self.session.quota.count(reason)
            self.close(close)
        elif now - self._pinged_at >= interval:
            self._pinged_at = now
            self._send_control(PING)

    @property
    def answers_bytes(self) -> int:
        """Of answers and descriptions that wait for it; none for one that is being closed."""
        waiting = 0 if self._mailbox is None else self._mailbox.control_bytes
        return 0 if self.closing else self._stream.rest_bytes + waiting

    def motionless_s(self, now: float) -> float:
        return self._patience.motionless_s(now)

    @property
    def useful(self) -> bool:
        return bool(self.session.subscriptions or self.session.published)

    def stuck(self) -> int | None:
        """Bytes in the system's hands, if something waits here behind them. None: nobody waits for the client."""
        if not self._writing:
            return None
        unread = self._stream.unread()
        return None if unread == 0 and not self._stream.busy else unread or 0

    @property
    def role(self) -> str:
        if self.session.subscriptions:
            return "subscriber"
        return "producer" if self.session.published or self.session.producer else "idle"

    def traffic(self) -> Traffic:
        """What it was sent as live batches, and what of them was dropped."""
        if self._mailbox is None:
            return Traffic(self._batches, self._samples, self._bytes)
        box = self._mailbox.statistics()
        return Traffic(
            self._batches + box.taken_batches,
            self._samples + box.taken_samples,
            self._bytes + box.taken_bytes,
            {self._overflow: box.dropped_batches},
            {self._overflow: box.dropped_samples},
        )

    def queued(self) -> tuple[int, int]:
        """Batches and bytes that wait for this client."""
        if self._mailbox is None:
            return 0, 0
        waiting = self._mailbox.statistics()
        return waiting.batches, waiting.bytes + waiting.control_bytes

    def summary(self) -> dict[str, Any]:
        """What the log says of it when it is over."""
        closed = self._websocket.closed if self._websocket is not None else None
        about: dict[str, Any] = {"address": self.address, "role": self.role, "code": closed.code if closed else None}
        about["seconds"] = round(time.time() - self.since, 3)
        return summarised(self.session, self.traffic(), self.closing, about)

    def describe(self, now: float) -> dict[str, Any]:
        """What `/v1/connections` says of it. `now` is on the steady clock."""
        about: dict[str, Any] = {"address": self.address, "role": self.role, "overflow": self._overflow}
        about |= {"age_s": max(time.time() - self.since, 1e-3), "last_seen_s": now - self._stream.received_at}
        return described(self.session, self.traffic(), self.queued(), about)
