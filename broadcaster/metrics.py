from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from broadcaster.statistics import Counts, Figures

_COUNTERS = {
    "connections_opened": "Connections accepted.",
    "accepted_samples": "Samples accepted.",
    "duplicate_messages": "Publish messages that had been applied before and were only acknowledged.",
    "batches": "Batches flushed.",
    "delivered_batches": "Batches handed to subscribers' connections.",
    "delivered_samples": "Samples handed to subscribers' connections.",
    "delivered_bytes": "Bytes handed to subscribers' connections.",
    "series_expired": "Series forgotten because nothing came for them.",
    "history_evicted": "Samples evicted from the history by points, age or memory.",
    "loop_stalls": "Times that the event loop stood still for longer than watchdog_s.",
    "log_withheld": "Lines of the log that were withheld, because many of their kind came.",
    "log_dropped": "Lines of the log that were dropped, because nobody took them in time.",
    "stored_batches": "Batches written to the stored history.",
    "store_lost_batches": "Batches that the stored history lacks, because it could not be written to for too long.",
    "store_thinned": "Transactions in which the stored history was thinned.",
    "store_damaged": "Batches and rows of the stored history that were left out because they are damaged.",
    "webhook_retries": "Attempts to deliver webhooks that failed and were followed by another.",
}
_COUNTERS_BY = {
    "closes": (
        "code",
        "Connections closed, by close code; peer: by the client, cut: without a word at the end of a drain.",
    ),
    "errors": ("code", "Messages and HTTP requests refused, by error code."),
    "refused": ("reason", "What a limit or the credentials refused, by reason."),
    "rejected_samples": ("code", "Samples rejected, by error code."),
    "dropped_batches": ("overflow", "Batches dropped for slow subscribers, by overflow policy."),
    "dropped_samples": ("overflow", "Samples dropped for slow subscribers, by overflow policy."),
    "log_lines": ("level", "What was logged, by level; withheld and dropped lines included."),
    "alert_changes": ("state", "Alerts that began to fire or ended, by the state they then had."),
    "webhooks": ("outcome", "Webhooks by what became of them."),
}
_GAUGES = {
    "mailbox_batches": "Batches that wait for slow subscribers.",
    "mailbox_bytes": "Bytes that wait for slow subscribers.",
    "series": "Series known.",
    "history_samples": "Samples held in the history.",
    "history_bytes": "Bytes that the history takes.",
    "audiences": "Distinct selections; each is encoded once a flush.",
    "subscriptions": "Subscriptions on all connections.",
    "loop_lag_s": "Seconds by which the event loop woke late, the worst of the last second.",
    "memory_bytes": "Resident memory of the process.",
    "alert_rules": "Alerts that are set.",
    "webhooks_waiting": "Webhooks that wait to be delivered.",
    "store_failing": "1: the stored history cannot be written to.",
    "store_bytes": "Bytes that the stored history takes.",
    "store_queue": "Bytes that wait to be stored.",
}
_GAUGES_BY = {
    "connections": ("role", "Connections now, by role."),
    "alerts": ("state", "Series on which an alert is pending or firing."),
    "store_held": ("step", "Samples (raw), or slots and texts, that the stored history has, by step."),
    "store_held_bytes": ("step", "About what they take, by step."),
    "limits": ("setting", "The bounds, by setting; 0: none where docs/configuration.md says so."),
    "used": (
        "setting",
        "What of a bound is used now; of a bound for each client or address: by the one that uses most.",
    ),
}


def _name(field_name: str) -> str:
    return f"streamgauge_{field_name.removesuffix('_s') + '_seconds' if field_name.endswith('_s') else field_name}"


def families(figures: Figures) -> Iterator[Metric]:
    """The figures as Prometheus metric families."""
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(_name(name), text, value=getattr(figures, name))
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(_name(name), text, value=getattr(figures, name))
    for name, (label, text) in _COUNTERS_BY.items():
        yield _labelled(CounterMetricFamily(_name(name), text, labels=[label]), getattr(figures, name))
    for name, (label, text) in _GAUGES_BY.items():
        yield _labelled(GaugeMetricFamily(_name(name), text, labels=[label]), getattr(figures, name))
    flush = HistogramMetricFamily("streamgauge_flush_seconds", "Seconds that a flush took.")
    flush.add_metric([], buckets=figures.flush.cumulated(), sum_value=figures.flush.sum_s)
    yield flush


def _labelled(
    family: CounterMetricFamily | GaugeMetricFamily, counts: Counts
) -> CounterMetricFamily | GaugeMetricFamily:
    for label, value in sorted(counts.items()):
        family.add_metric([label], value)
    return family


class _Fixed(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(figures: Figures, accept: str) -> tuple[bytes, str]:
    """The text that `/metrics` answers, in the form of those that `accept` names, and its content type."""
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # of a version that is no number
        encode, content_type = choose_encoder("")
    registry = CollectorRegistry()
    registry.register(_Fixed(list(families(figures))))
    text: bytes = encode(registry)
    return text, content_type
