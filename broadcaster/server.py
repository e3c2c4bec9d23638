"""The broadcaster: listeners, flushing, sweeping, telemetry, and a graceful drain, in nested nurseries."""

import resource
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import psutil
import trio

from broadcaster import errors, messages
from broadcaster.alerts.service import Alerts
from broadcaster.audience import Wish
from broadcaster.auth import EVERYTHING, Authenticator, anybody
from broadcaster.certificate import certificate_of
from broadcaster.config import BroadcasterConfig
from broadcaster.errors import Close
from broadcaster.flusher import Flusher
from broadcaster.history import History
from broadcaster.http import LIMITS, Caller
from broadcaster.http_server import serve_http
from broadcaster.hub import Hub
from broadcaster.ledger import Ledger
from broadcaster.listener import Listener
from broadcaster.publishing import PublishCounts, Publisher
from broadcaster.selection import Selection
from broadcaster.shared import Shared
from broadcaster.statistics import Figures
from broadcaster.stream import FrameStream
from broadcaster.telemetry import LoopLag, publish_telemetry
from broadcaster.transports.handshake import PATH, Admission
from broadcaster.transports.websocket import Connection, Traffic
from ingest.listening import listen
from ingest.samples import Validator
from ingest.settings import Address

DESCRIPTORS_SPARE = 64
SWEEP_S = 1.0
HTTP_STOP_S = 2.0
BACKLOG = 4096


class Broadcaster:
    """A running broadcaster. `url` and `http_url` say where it is reached."""

    url = ""
    http_url = ""

    def __init__(self, config: BroadcasterConfig, authenticator: Authenticator) -> None:
        self.config = config
        self.draining = False
        self.flusher = Flusher(config.flush_rest_max_s, config.flush_rest_ratio)
        history = History(config.history_points, config.history_age_s, config.history_bytes, config.series_max)
        self.hub = Hub(history, self.flusher.wake)
        counts = PublishCounts(Validator(history.kind_of, history.event_series))
        ledger = Ledger(config.producer_memory_s)
        hold, release = self.flusher.hold, self.flusher.release
        self._shared = Shared(config, self.hub, ledger, authenticator, counts, trio.current_time, hold, release)
        self._connections: dict[Connection, None] = {}
        self._gone = trio.Event()
        self._ended = Traffic()
        self._opened = 0
        self._closes: dict[str, int] = {}
        self._publishers: dict[str, Publisher] = {}
        self._lag = LoopLag()
        self._process = psutil.Process()
        self.alerting = Alerts(
            config.alerts,
            self.hub,
            config.telemetry_interval_s,
            writable=config.alerts_writable,
            forget_s=config.history_age_s,
        )
        self.certificate = certificate_of(config)
        self.listener = Listener(config, authenticator, self, self.certificate)
        self._most = min(config.connections_max, _descriptors() - DESCRIPTORS_SPARE)

    # What the listener needs.

    def full(self) -> bool:
        return len(self._connections) >= self._most or self.draining

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        """Makes a connection known, until `leave` is called."""
        connection = Connection(self._shared, stream, admission.grant, address)
        self._connections[connection] = None
        self._opened += 1
        return connection

    def leave(self, connection: Connection) -> None:
        del self._connections[connection]
        self._gone.set()
        self._ended.add(connection.traffic())
        code = str(connection.closing.code) if connection.closing else "peer"
        self._closes[code] = self._closes.get(code, 0) + 1

    # What the HTTP side needs.

    def authorise(self, token: str | None) -> Caller:
        return self._shared.authenticator(token)

    def publish(self, message: Mapping[str, Any], caller: Caller, address: str, now: float) -> Mapping[str, Any]:
        shared, clock = self._shared, trio.current_time
        if len(self._publishers) > self.config.connections_max:
            self._publishers.clear()  # rates of addresses; at worst some are allowed a fresh burst
        publisher = self._publishers.get(address)
        if publisher is None:
            publisher = self._publishers[address] = Publisher(self.config, self.hub, shared.counts, clock)
        grant = EVERYTHING if caller is EVERYTHING else _HttpGrant(caller)
        publish = publisher.publish(message, grant, now)
        return messages.ack_fields(publish.id, publish.accepted, publish.rejected)

    def descriptors(self, selection: Selection, caller: Caller) -> Iterable[Mapping[str, Any]]:
        wish = Wish(selection, None, caller.may_subscribe)
        return [record.descriptor() for record in self.hub.select(wish)]

    @property
    def connected(self) -> int:
        return len(self._connections)

    def connections(self, most: int) -> Iterable[Mapping[str, Any]]:
        steady = trio.current_time()
        producers_first = sorted(self._connections, key=lambda connection: connection.role == "subscriber")
        return [connection.describe(steady) for connection in producers_first[:most]]

    def figures(self) -> Figures:
        traffic = Traffic()
        traffic.add(self._ended)
        roles = {"producer": 0, "subscriber": 0, "idle": 0}
        waiting = [0, 0]
        subscriptions = 0
        for connection in self._connections:
            traffic.add(connection.traffic())
            roles[connection.role] += 1
            subscriptions += len(connection.session.subscriptions)
            for at, amount in enumerate(connection.queued()):
                waiting[at] += amount
        held, counts = self.hub.history.statistics(), self._shared.counts
        return Figures(
            connections=roles,
            connections_opened=self._opened,
            closes=dict(self._closes),
            errors=dict(self._shared.errors),
            accepted_samples=self.hub.accepted_samples,
            refused=dict(self._shared.refusals.counts),
            rejected_samples=dict(counts.rejected),
            duplicate_messages=counts.duplicates,
            batches=self.hub.batches,
            delivered_batches=traffic.batches,
            delivered_samples=traffic.samples,
            delivered_bytes=traffic.bytes,
            dropped_batches=traffic.dropped_batches,
            dropped_samples=traffic.dropped_samples,
            mailbox_batches=waiting[0],
            mailbox_bytes=waiting[1],
            series=held.series,
            series_expired=held.expired_series,
            history_samples=held.samples,
            history_bytes=held.bytes,
            history_evicted=held.evicted_samples,
            audiences=self.hub.audiences,
            subscriptions=subscriptions,
            flush=self.flusher.histogram,
            loop_lag_s=self._lag.worst_s,
            memory_bytes=self._process.memory_info().rss,
            limits={name: getattr(self.config, name) for name in LIMITS},
            **self.alerting.figures(),
        )

    def alerts(self, caller: Caller) -> Mapping[str, Any]:
        return self.alerting.describe(caller.may_subscribe, admin=caller.admin)

    # Its tasks.

    async def run(self) -> None:
        """Flushing, sweeping and telemetry."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.flusher.run, self.hub)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._lag.measure)
            nursery.start_soon(self.alerting.run)
            if self.config.telemetry_interval_s:
                nursery.start_soon(self._publish_telemetry)

    async def _publish_telemetry(self) -> None:
        def publish(entries: Any) -> None:
            self.hub.publish(entries, trio.current_time())

        quantile, interval = self.flusher.times.quantile, self.config.telemetry_interval_s
        await publish_telemetry(self.figures, quantile, publish, time.time, interval)

    async def _sweep(self) -> None:
        period = min(SWEEP_S, self.config.ping_interval_s / 4)
        swept = trio.current_time()
        while True:
            await trio.sleep(period)
            now = trio.current_time()
            for connection in list(self._connections):
                connection.check(now)
            if now - swept >= SWEEP_S:
                swept = now
                self.hub.sweep(now)
                self._shared.ledger.sweep(now)
                if self.certificate is not None:
                    self.certificate.refresh()

    async def drain(self) -> None:
        """Delivers what waits, then says `bye` to everybody and waits for them to go; webhooks meanwhile."""
        self.draining = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.alerting.drained)
            await self._drain_clients()

    async def _drain_clients(self) -> None:
        self.hub.flush(trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + self.config.drain_s / 2
            for connection in self._connections:
                nursery.start_soon(connection.drained)
        code, reason = errors.SHUTTING_DOWN.code, errors.SHUTTING_DOWN.reason
        for connection in list(self._connections):
            connection.close(Close(code, reason, (0.0, self.config.reconnect_spread_s)))
        while self._connections:
            self._gone = trio.Event()
            await self._gone.wait()


class _HttpGrant:
    """A caller over HTTP as a grant: each request is checked anew, so it never expires here."""

    expires: float | None = None

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.admin = caller.admin
        self.may_publish = caller.may_publish
        self.may_subscribe = caller.may_subscribe


def _descriptors() -> int:
    """How many files this process may have open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # some systems name a limit that they do not grant
            hard = soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


async def serve(
    config: BroadcasterConfig,
    *,
    authenticator: Authenticator = anybody,
    task_status: trio.TaskStatus[Broadcaster] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled, then drain: within `drain_s` clients get what waits for them, `bye` and a close.

    `started()` gives the Broadcaster once both ports accept connections.

    Raises:
        CommandError: an address cannot be listened on, or the certificate cannot be used.
    """
    broadcaster = Broadcaster(config, authenticator)
    cancelled = trio.Event()

    async def watch() -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    with listen(config.bind, BACKLOG) as sock:
        sock.setblocking(False)
        scheme = "ws" if broadcaster.certificate is None else "wss"
        broadcaster.url = f"{scheme}://{Address(config.bind.host, sock.getsockname()[1])}{PATH}"
        async with trio.open_nursery() as outside:
            outside.start_soon(watch)
            # What runs inside the shield goes on until the drain is over.
            with trio.CancelScope(shield=True):
                await _serve_until(cancelled, broadcaster, sock, task_status)
            outside.cancel_scope.cancel()


async def _serve_until(
    cancelled: trio.Event, broadcaster: Broadcaster, sock: socket.socket, task_status: trio.TaskStatus[Broadcaster]
) -> None:
    stop_http, http_stopped = trio.Event(), trio.Event()
    async with trio.open_nursery() as core:
        broadcaster.http_url = await core.start(_serve_http, broadcaster, stop_http, http_stopped)
        core.start_soon(broadcaster.run)
        async with trio.open_nursery() as clients:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(broadcaster.listener.accept, sock, clients)
                task_status.started(broadcaster)
                await cancelled.wait()
                accepting.cancel_scope.cancel()
            sock.close()
            with trio.move_on_after(broadcaster.config.drain_s):
                await broadcaster.drain()
            clients.cancel_scope.cancel()
        stop_http.set()
        with trio.move_on_after(HTTP_STOP_S):
            await http_stopped.wait()
        core.cancel_scope.cancel()


async def _serve_http(
    broadcaster: Broadcaster,
    stop: trio.Event,
    stopped: trio.Event,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    await serve_http(broadcaster, broadcaster.certificate, stop=stop, task_status=task_status)
    stopped.set()
