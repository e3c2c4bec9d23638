"""What a broadcaster says of itself: its figures, and who is connected."""

from collections.abc import Iterable, Mapping
from typing import Any

import psutil
import trio

from broadcaster.alerts.service import Alerts
from broadcaster.config import BroadcasterConfig
from broadcaster.descriptors import Descriptors
from broadcaster.flusher import Flusher
from broadcaster.roster import Roster
from broadcaster.shared import Shared
from broadcaster.statistics import Figures
from broadcaster.telemetry import LoopLag
from broadcaster.traffic import Traffic
from ingest.logs.output import counts as log_counts
from ingest.watchdog import Watchdog

NUMBERS = [name for name, field in BroadcasterConfig.model_fields.items() if type(field.default) in (int, float)]


class Reporting:
    """Reads what the parts of a broadcaster count."""

    def __init__(
        self,
        shared: Shared,
        roster: Roster,
        flusher: Flusher,
        alerting: Alerts,
        watchdog: Watchdog,
        files: Descriptors,
    ) -> None:
        self._shared = shared
        self._roster = roster
        self._flusher = flusher
        self._alerting = alerting
        self._watchdog = watchdog
        self._files = files
        self._process = psutil.Process()
        self.lag = LoopLag()

    def connections(self, most: int) -> Iterable[Mapping[str, Any]]:
        """Who is connected, producers first."""
        steady = trio.current_time()
        producers_first = sorted(self._roster, key=lambda connection: connection.role == "subscriber")
        return [connection.describe(steady) for connection in producers_first[:most]]

    def figures(self) -> Figures:
        shared, hub, roster = self._shared, self._shared.hub, self._roster
        clients, most = self._clients()
        held, counts, logged = hub.history.statistics(), shared.counts, log_counts()
        return Figures(
            **clients,
            connections_opened=roster.opened,
            closes=dict(roster.closes),
            errors=dict(shared.errors),
            accepted_samples=hub.accepted_samples,
            refused=dict(shared.refusals.counts),
            rejected_samples=dict(counts.rejected),
            duplicate_messages=counts.duplicates,
            batches=hub.batches,
            series=held.series,
            series_expired=held.expired_series,
            history_samples=held.samples,
            history_bytes=held.bytes,
            history_evicted=held.evicted_samples,
            audiences=hub.audiences,
            flush=self._flusher.histogram,
            log_lines=dict(logged.lines),
            log_withheld=logged.withheld,
            log_dropped=logged.dropped,
            loop_stalls=self._watchdog.stalls,
            loop_lag_s=self.lag.worst_s,
            memory_bytes=self._process.memory_info().rss,
            used=self._used(most),
            limits=self._limits(),
            **self._alerting.figures(),
        )

    def _clients(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What is summed up over all connections; and by setting, what the one has that has most."""
        traffic = Traffic()
        traffic.add(self._roster.ended)
        roles = {"producer": 0, "subscriber": 0, "idle": 0}
        waiting, most = [0, 0], [0, 0]
        subscriptions = subscriptions_most = 0
        for connection in self._roster:
            traffic.add(connection.traffic())
            roles[connection.role] += 1
            count = len(connection.session.subscriptions)
            subscriptions, subscriptions_most = subscriptions + count, max(subscriptions_most, count)
            for at, amount in enumerate(connection.queued()):
                waiting[at] += amount
                most[at] = max(most[at], amount)
        summed = {
            "connections": roles,
            "subscriptions": subscriptions,
            "delivered_batches": traffic.batches,
            "delivered_samples": traffic.samples,
            "delivered_bytes": traffic.bytes,
            "dropped_batches": traffic.dropped_batches,
            "dropped_samples": traffic.dropped_samples,
            "mailbox_batches": waiting[0],
            "mailbox_bytes": waiting[1],
        }
        return summed, {
            "mailbox_batches": most[0],
            "mailbox_bytes": most[1],
            "subscriptions_max": subscriptions_most,
        }

    def _limits(self) -> dict[str, float]:
        """Those of connections as far as there are descriptors."""
        config = self._shared.config
        return {
            **{name: float(getattr(config, name)) for name in NUMBERS},
            "connections_max": self._roster.most,
            "handshakes_max": self._files.handshakes,
            "http_connections_max": self._files.http,
        }

    def _used(self, most: Mapping[str, int]) -> dict[str, float]:
        shared, held = self._shared, self._shared.hub.history.statistics()
        return {
            "connections_max": len(self._roster),
            "answers_bytes": self._roster.answers_bytes,
            "connections_per_address": shared.addresses.fullest,
            "series_max": held.series,
            "history_bytes": held.bytes,
            **most,
            **{setting: amount() for setting, amount in shared.refusals.used.items()},
        }
