"""The broadcaster's own figures, for Prometheus and for its own telemetry. Pure."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

FLUSH_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often a time fell under each bound of FLUSH_BUCKETS_S (not cumulative; the last: above all), and the sum."""

    counts: tuple[int, ...] = (0,) * (len(FLUSH_BUCKETS_S) + 1)
    sum_s: float = 0.0

    def add(self, seconds: float) -> "Histogram":
        at = bisect_left(FLUSH_BUCKETS_S, seconds)
        counts = (*self.counts[:at], self.counts[at] + 1, *self.counts[at + 1 :])
        return Histogram(counts, self.sum_s + seconds)

    def cumulated(self) -> list[tuple[str, float]]:
        total, buckets = 0.0, []
        for bound, count in zip((*FLUSH_BUCKETS_S, "+Inf"), self.counts, strict=True):
            total += count
            buckets.append((str(bound), total))
        return buckets


@dataclass(frozen=True, slots=True)
class Figures:
    """What a broadcaster counts since it started, and what it holds now. Everything bounded has its limit beside it."""

    connections: Counts = field(default_factory=dict)  # now, by role
    connections_opened: int = 0
    closes: Counts = field(default_factory=dict)  # by close code
    errors: Counts = field(default_factory=dict)  # by error code
    refused: Counts = field(default_factory=dict)  # by the limit, or what was wrong with the credentials
    accepted_samples: int = 0
    rejected_samples: Counts = field(default_factory=dict)  # by error code
    duplicate_messages: int = 0
    batches: int = 0
    delivered_batches: int = 0
    delivered_samples: int = 0
    delivered_bytes: int = 0
    dropped_batches: Counts = field(default_factory=dict)  # by overflow policy
    dropped_samples: Counts = field(default_factory=dict)
    mailbox_batches: int = 0
    mailbox_bytes: int = 0
    series: int = 0
    series_expired: int = 0
    history_samples: int = 0
    history_bytes: int = 0
    history_evicted: int = 0
    audiences: int = 0
    subscriptions: int = 0
    flush: Histogram = field(default_factory=Histogram)
    loop_lag_s: float = 0.0
    loop_stalls: int = 0
    log_lines: Counts = field(default_factory=dict)  # by level, withheld and dropped ones included
    log_withheld: int = 0
    log_dropped: int = 0
    memory_bytes: int = 0
    limits: Counts = field(default_factory=dict)  # by setting
    used: Counts = field(default_factory=dict)  # now, by setting: of those limits of which something can be in use
    alert_rules: int = 0
    alerts: Counts = field(default_factory=dict)  # now, by state
    alert_changes: Counts = field(default_factory=dict)  # by the state they led to
    webhooks: Counts = field(default_factory=dict)  # by outcome
    webhook_retries: int = 0
    webhooks_waiting: int = 0
    stored_batches: int = 0
    store_lost_batches: int = 0
    store_failing: int = 0  # 1: it cannot be written to
    store_bytes: int = 0
    store_queue: int = 0  # bytes
    store_thinned: int = 0
    store_damaged: int = 0
    store_held: Counts = field(default_factory=dict)  # by step
    store_held_bytes: Counts = field(default_factory=dict)
