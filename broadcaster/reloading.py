"""What of the configuration changes while a broadcaster runs."""

from typing import Final

from broadcaster.config import BroadcasterConfig
from broadcaster.descriptors import available, shared_out
from broadcaster.flusher import Flusher
from broadcaster.roster import Roster
from broadcaster.shared import Shared
from ingest.logs.setup import set_form, set_level
from ingest.reloading import change
from ingest.watchdog import Watchdog

AT_ONCE: Final = frozenset({
    "allowed_hosts", "allowed_origins", "answers_bytes", "body_s", "close_s", "connections_max", "drain_ready_s",
    "drain_s", "flush_rest_max_s", "flush_rest_ratio", "history_age_s", "history_bytes", "history_points", "log_format",
    "log_level", "ping_interval_s", "producer_memory_s", "rate_limited_s", "reconnect_spread_s", "selectors_max",
    "series_max", "subscriptions_max", "watchdog_s",
})  # fmt: skip
FOR_NEW_CONNECTIONS: Final = frozenset({
    "bad_messages_max", "bytes_per_second", "control_bytes", "idle_s", "mailbox_batches", "mailbox_bytes",
    "message_bytes", "messages_per_second", "samples_per_message", "samples_per_second", "series_per_minute",
    "series_per_minute_max", "subject_bytes_per_second", "subject_messages_per_second", "subject_samples_per_second",
    "subject_series_per_minute", "write_s",
})  # fmt: skip
IN_PLACE: Final = AT_ONCE | FOR_NEW_CONNECTIONS


def reconfigure(
    config: BroadcasterConfig, shared: Shared, roster: Roster, flusher: Flusher, watchdog: Watchdog
) -> None:
    """Takes over into `shared.config` what may change, and tells the parts that do not look there."""
    changed = change(shared.config, config, IN_PLACE)
    now = shared.config
    shared.hub.history.bound(now.history_points, now.history_age_s, now.history_bytes, now.series_max)
    shared.ledger.memory_s = now.producer_memory_s
    flusher.pace(now.flush_rest_max_s, now.flush_rest_ratio)
    watchdog.stall_s = now.watchdog_s
    roster.most = shared_out(now, available()).connections
    if changed.keys() & FOR_NEW_CONNECTIONS:
        shared.subjects.reconfigure(now)
    if "log_level" in changed:
        set_level(now.log_level)
    if "log_format" in changed:
        set_form(now.log_format)
