import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypedDict, Unpack
from uuid import UUID

import trio

from ingest.credentials import Token
from ingest.link import Dial, stream_url
from ingest.options import OnFull, check_options
from ingest.outbox import Described
from ingest.producer import Producer, ProducerClosed, open_producer
from ingest.samples import Value
from ingest.statistics import ProducerStatistics
from ingest.trust import Authorities


class ProducerOptions(TypedDict, total=False):
    """The options of `open_producer`."""

    token: Token
    ca: Authorities
    client: str | None
    buffer_samples: int
    on_full: OnFull
    flush_interval_s: float
    batch_samples: int
    window: int
    flush_s: float
    producer_id: UUID | None
    first_id: int | None
    dial: Dial | None


class BlockingProducer:
    """Hands samples to a broadcaster, from any thread; see `connect`.

    It belongs to the process that opened it: a forked one needs its own, and is told so.
    The methods put samples into the producer's buffer themselves; a thread of its own runs trio and the connection.
    """

    def __init__(self, url: str, options: ProducerOptions) -> None:
        self._url = url
        self._options = options
        self._ready = threading.Event()
        self._room = threading.Condition()
        self._failure: BaseException | None = None
        self._process = os.getpid()
        # A program that ends without leaving the block is not held up.
        self._thread = threading.Thread(target=self._run, name="streamgauge producer", daemon=True)
        self._producer: Producer
        self._token: trio.lowlevel.TrioToken
        self._stop: trio.Event

    def send(
        self, metric: str, value: float | None, *, time: float | None = None, unit: str | None = None, **tags: str | int
    ) -> None:
        """One sample; as `Producer.send`."""
        self._put(*self._producer.checked(metric, value, None, time, unit, tags))

    def send_many(
        self,
        metric: str,
        times: Iterable[float],
        values: Iterable[float | None],
        *,
        unit: str | None = None,
        **tags: str | int,
    ) -> None:
        """Samples of one series in two columns; as `Producer.send_many`."""
        self._put(*self._producer.checked_columns(metric, times, values, unit, tags))

    def event(self, metric: str, text: str, *, time: float | None = None, **tags: str | int) -> None:
        """Something that happened; as `Producer.event`."""
        self._put(*self._producer.checked(metric, text, "event", time, None, tags))

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until the fate of everything sent before is known. Returns False if that took longer.

        Raises:
            ProducerClosed: the block has ended, or the broadcaster refused this producer.
        """

        async def flush() -> bool:
            with trio.move_on_after(timeout_s) as scope:
                await self._producer.flush()
            return not scope.cancelled_caught

        self._check_process()
        try:
            return trio.from_thread.run(flush, trio_token=self._token)
        except trio.RunFinishedError:
            raise ProducerClosed("the producer is closed") from None

    def retry_now(self) -> None:
        """Ends the wait before the next attempt to connect, if there is one under way."""
        with suppress(trio.RunFinishedError):  # the block has ended
            self._token.run_sync_soon(self._producer.retry_now)

    def statistics(self) -> ProducerStatistics:
        return self._producer.statistics()

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise ProducerClosed("this process was forked and has no connection: open a producer of its own in it")

    def _put(self, described: Described, times: Sequence[float], values: Sequence[Value]) -> None:
        self._check_process()
        taken = self._producer.put_some(described, times, values)
        while taken < len(times):
            times, values = times[taken:], values[taken:]
            with self._room:
                # Looked at while nobody can tell of room, so that it is not told just before this thread waits.
                if not (taken := self._producer.put_some(described, times, values)):
                    self._room.wait()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        self._raise_failure()

    def close(self) -> None:
        if os.getpid() != self._process:  # what is under way here is the other process's
            return
        if self._thread.is_alive():
            with suppress(trio.RunFinishedError):  # it failed; see below
                self._token.run_sync_soon(self._stop.set)
        self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RuntimeError("the producer's thread failed") from self._failure

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as error:  # handed over to the thread that opened the block
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        async with open_producer(self._url, **self._options) as producer:
            wake = producer.wake

            def wake_from_anywhere() -> None:
                with suppress(trio.RunFinishedError):  # closed this moment: the next call says so
                    self._token.run_sync_soon(wake, idempotent=True)

            producer.wake = wake_from_anywhere
            producer.on_freed = self._notify
            self._producer = producer
            self._ready.set()
            await self._stop.wait()

    def _notify(self) -> None:
        with self._room:
            self._room.notify_all()


@contextmanager
def connect(url: str = "ws://127.0.0.1:8765", **options: Unpack[ProducerOptions]) -> Iterator[BlockingProducer]:
    """Push samples from an ordinary program for the length of the `with` block; every method is safe from any thread.

        with connect("ws://127.0.0.1:8765") as producer:
            producer.send("training.loss", 0.25, run="first")

    The block begins at once, and at its end what waits is flushed for at most `flush_s` seconds (5). The options are
    those of `open_producer`; with `on_full="block"` the methods wait for room.

    Raises:
        ValueError: the URL is none of a broadcaster, or an option is none of those possible; the text names it.
    """
    check_options(**options)
    if options.get("dial") is None:
        stream_url(url)
    producer = BlockingProducer(url, options)
    producer.start()
    try:
        yield producer
    finally:
        producer.close()
