"""The broadcaster: listeners, flushing, sweeping, telemetry, and a graceful drain, in nested nurseries."""

import logging
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import trio

from broadcaster import messages
from broadcaster.alerts.service import Alerts
from broadcaster.audience import Wish
from broadcaster.auth import EVERYTHING, Authenticator
from broadcaster.certificate import certificate_of
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.authenticator import authenticator_of
from broadcaster.descriptors import available, shared_out
from broadcaster.draining import cut_off, drain
from broadcaster.flusher import Flusher
from broadcaster.history import History, Record
from broadcaster.http_core import Caller
from broadcaster.http_server import serve_http
from broadcaster.hub import Hub
from broadcaster.ledger import Ledger
from broadcaster.listener import Listener
from broadcaster.past import Past
from broadcaster.publishers import Publishers
from broadcaster.publishing import PublishCounts
from broadcaster.reloading import reconfigure
from broadcaster.reporting import Reporting
from broadcaster.roster import Roster
from broadcaster.searcher import PAUSE_S, Searcher
from broadcaster.selection import Selection
from broadcaster.shared import Shared
from broadcaster.statistics import Figures
from broadcaster.store.service import Store
from broadcaster.telemetry import publish_telemetry
from broadcaster.transports.handshake import PATH
from ingest.listening import listen
from ingest.messages import MessageError
from ingest.notify import notify
from ingest.samples import Validator
from ingest.settings import Address
from ingest.watchdog import Watchdog

log = logging.getLogger("streamgauge.broadcaster")

SWEEP_S = 1.0
SWEEP_LOOKS = 300  # at series of the history, before others have their turn: about a millisecond
HTTP_STOP_S = 2.0
BACKLOG = 4096


@runtime_checkable
class Part(Protocol):
    """Of a broadcaster: one that reads files which may change while it runs."""

    def refresh(self) -> None:
        """Takes changed files into use; broken ones are logged, and what was read before stays. Does not raise."""


class Broadcaster:
    """A running broadcaster. `url` and `http_url` say where it is reached."""

    url = ""
    http_url = ""

    def __init__(self, config: BroadcasterConfig, authenticator: Authenticator) -> None:
        self.config = config = config.model_copy()  # `reload` changes it in place
        self.ready = True
        self.draining = False
        self.flusher = Flusher(config.flush_rest_max_s, config.flush_rest_ratio)
        history = History(config.history_points, config.history_age_s, config.history_bytes, config.series_max)
        self.hub = Hub(history, self.flusher.wake)
        self.searcher = Searcher(self.hub, self.flusher.busy)
        validator = Validator(history.kind_of, history.event_series, known_series=history.records.__len__)
        counts = PublishCounts(validator)
        ledger = Ledger(config.producer_memory_s)
        hold, release = self.flusher.hold, self.flusher.release
        self._shared = Shared(
            config, self.hub, ledger, authenticator, counts, self.searcher, trio.current_time, hold, release
        )
        self.store = None if config.data_dir is None else Store(config.data_dir, config, self.hub, ledger)
        self._shared.store = self.store
        self.past = None if config.data_dir is None else Past(config.data_dir, config)
        self.addresses, self.refusals = self._shared.addresses, self._shared.refusals
        self.refusals.used["queries_max"] = lambda: self.past.under_way if self.past is not None else 0
        self._publishers = Publishers(self._shared)
        self.alerting = Alerts(
            config.alerts,
            self.hub,
            config.telemetry_interval_s,
            writable=config.alerts_writable,
            forget_s=config.history_age_s,
        )
        self.certificate = certificate_of(config)
        self.files = shared_out(config, available())
        self._roster = Roster(self._shared, self.files.connections)
        self.listener = Listener(
            config,
            authenticator,
            self._roster,
            self.certificate,
            addresses=self.addresses,
            refusals=self.refusals,
            handshakes_max=self.files.handshakes,
            busy=self.flusher.busy,
        )
        self.watchdog = Watchdog(config.watchdog_s)
        self._reporting = Reporting(self._shared, self._roster, self.flusher, self.alerting, self.watchdog, self.files)
        self._parts = [part for part in (self.certificate, authenticator) if isinstance(part, Part)]

    # What the HTTP side needs.

    def authorise(self, token: str | None) -> Caller:
        try:
            return self._shared.authenticator(token)
        except MessageError as problem:
            self.refusals.count(getattr(problem, "reason", problem.code))
            raise

    def publish(
        self, message: Mapping[str, Any], caller: Caller, address: str, now: float, size: int = 0
    ) -> Mapping[str, Any]:
        if self.store is not None:
            self.store.admit(None)
        grant = EVERYTHING if caller is EVERYTHING else _HttpGrant(caller)
        publish = self._publishers.publish(message, size, grant, address, now)
        return messages.ack_fields(publish.id, publish.accepted, publish.rejected)

    async def stored(self) -> None:
        """What was published is safe, as far as the settings promise. Raises MessageError (rate_limited)."""
        if self.store is not None and self.store.withholds:
            await self.store.stored()

    async def descriptors(self, selection: Selection, caller: Caller) -> Iterator[Mapping[str, Any]]:
        wish = Wish(selection, None, caller.may_subscribe, object())  # nobody else's: `may_subscribe` is the caller's
        return map(Record.descriptor, await self.searcher.all_of(wish))

    @property
    def connected(self) -> int:
        return len(self._roster)

    def connections(self, most: int) -> Iterable[Mapping[str, Any]]:
        return self._reporting.connections(most)

    def refused_over_http(self, most: int) -> Iterable[Mapping[str, Any]]:
        return self._publishers.refused(most)

    def figures(self) -> Figures:
        figures = self._reporting.figures()
        return figures if self.store is None else replace(figures, **self.store.figures())

    def refused(self, reason: str) -> None:
        self.refusals.count(reason)

    def failed(self, code: str) -> None:
        errors = self._shared.errors
        errors[code] = errors.get(code, 0) + 1

    async def alerts(self, caller: Caller) -> Mapping[str, Any]:
        return await self.alerting.describe(caller)

    # Its tasks.

    async def run(self) -> None:
        """Flushing, sweeping and telemetry."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.flusher.run, self.hub)
            nursery.start_soon(self.searcher.run)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._sweep_history)
            nursery.start_soon(self._reporting.lag.measure)
            nursery.start_soon(self.watchdog.run)
            nursery.start_soon(self.alerting.run)
            if self.config.telemetry_interval_s:
                nursery.start_soon(self._publish_telemetry)

    async def _publish_telemetry(self) -> None:
        def publish(entries: Any) -> None:
            self.hub.publish(entries, trio.current_time())

        quantile, interval = self.flusher.times.quantile, self.config.telemetry_interval_s
        await publish_telemetry(self.figures, quantile, publish, time.time, interval)

    async def _sweep(self) -> None:
        swept = trio.current_time()
        while True:
            await trio.sleep(min(SWEEP_S, self.config.ping_interval_s / 4))
            now = trio.current_time()
            self._roster.check(now)
            if now - swept >= SWEEP_S:
                swept = now
                self._shared.ledger.sweep(now)
                self._shared.subjects.sweep(now)
                self._publishers.sweep(now)
                if self.store is not None:
                    self.store.sweep(now)
                self.reload()

    async def _sweep_history(self) -> None:
        """In turns, since there may be very many series."""
        while True:
            if self.hub.sweep(trio.current_time(), SWEEP_LOOKS):
                await trio.sleep(SWEEP_S)
            else:
                await trio.sleep(PAUSE_S if self.flusher.busy() else 0)

    def reload(self, config: BroadcasterConfig | None = None) -> None:
        """Each part looks whether the files that it read have changed, and takes them into use.

        With new settings, those of `broadcaster.reloading.IN_PLACE` are taken over; others are named in the log.
        """
        if config is not None:
            reconfigure(config, self._shared, self._roster, self.flusher, self.watchdog)
        for part in self._parts:
            part.refresh()

    async def leave_balancers(self) -> None:
        """Tells them that it will go, and serves as ever until they have noticed."""
        self.ready = False
        config = self.config
        limit_s = config.drain_ready_s + config.drain_s + HTTP_STOP_S
        log.info("draining", extra={"connections": self.connected, "within_s": limit_s})
        notify(
            "STOPPING=1", f"STATUS=Draining {self.connected} connections", f"EXTEND_TIMEOUT_USEC={limit_s * 2e6:.0f}"
        )
        await trio.sleep(self.config.drain_ready_s)

    async def drain(self) -> None:
        """Delivers what waits, says `bye` to everybody and waits for them to go; webhooks meanwhile."""
        self.ready, self.draining, self._roster.closed = False, True, True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.alerting.drained)
            await drain(self._shared, self._roster)

    def drained(self) -> None:
        """The time is over: whoever is still there is cut off."""
        self._roster.over = True
        cut_off(self._shared, self._roster)
        level = logging.WARNING if self.connected else logging.INFO
        log.log(level, "drained", extra={"cut_off": self.connected, "closes": self._reporting.figures().closes})


class _HttpGrant:
    """A caller over HTTP as a grant: each request is checked anew, so it never expires here."""

    expires: float | None = None
    sight: object = None
    revoked = False

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.admin = caller.admin
        self.subject: str | None = caller.subject
        self.may_publish = caller.may_publish
        self.may_subscribe = caller.may_subscribe
        self.subscribe = caller.subscribe


async def serve(
    config: BroadcasterConfig,
    authenticator: Authenticator | None = None,
    *,
    task_status: trio.TaskStatus[Broadcaster] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled, then drain: within `drain_s` clients get what waits for them, `bye` and a close.

    Before that, for `drain_ready_s`, it only says that it is not ready any more.

    Without `authenticator`, the settings say who may do what. `started()` gives the Broadcaster once both ports
    accept connections.

    Raises:
        CommandError: an address cannot be listened on, the certificate or the keys of tokens cannot be used, or
            another broadcaster uses the directory of the history.
    """
    broadcaster = Broadcaster(config, authenticator or authenticator_of(config))
    cancelled = trio.Event()

    async def watch() -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    with broadcaster.store or nullcontext(), listen(config.bind, BACKLOG) as sock:
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
                await broadcaster.leave_balancers()
                accepting.cancel_scope.cancel()
            sock.close()
            with trio.move_on_after(broadcaster.config.drain_s):
                await broadcaster.drain()
            broadcaster.drained()
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
    await serve_http(
        broadcaster,
        broadcaster.certificate,
        addresses=broadcaster.addresses,
        refusals=broadcaster.refusals,
        connections_max=broadcaster.files.http,
        stop=stop,
        task_status=task_status,
    )
    stopped.set()
