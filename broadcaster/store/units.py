"""What is stored together or not at all. Pure."""

from dataclasses import dataclass, field
from functools import cached_property

from broadcaster.ring import text_bytes

# About what they take in the queue beside their texts and data: objects, numbers, headers of strings.
UNIT_BYTES = 500
BATCH_BYTES = 250
SERIES_BYTES = 350
PRODUCER_BYTES = 250
GONE_BYTES = 130
SeriesRow = tuple[int, str, str, str, str | None, str | None]
"""Key, metric, tags (JSON), kind, unit, help."""
ProducerRow = tuple[str, int, str, float]
"""Producer, its last id, the refused ones (JSON), when it was last heard of (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class Batch:
    seq: int
    time: float  # when it was collected, Unix seconds
    samples: int
    data: bytes
    low: float | None = None  # the times of its samples are from here
    high: float | None = None  # to here; None: not known


@dataclass(frozen=True)  # no slots: it keeps its size
class Unit:
    """Whole messages: their batches, and with them what has to be known of series and producers."""

    number: int
    batches: list[Batch] = field(default_factory=list)
    series: list[SeriesRow] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)  # (seq at which it was forgotten, key)
    producers: list[ProducerRow] = field(default_factory=list)

    @cached_property
    def bytes(self) -> int:
        """About what it takes in memory. Nothing may be added to it any more."""
        size = UNIT_BYTES + GONE_BYTES * len(self.gone)
        size += sum(BATCH_BYTES + len(batch.data) for batch in self.batches)
        for _, metric, tags, _, unit, help_ in self.series:
            size += (
                SERIES_BYTES + text_bytes(metric) + text_bytes(tags) + text_bytes(unit or "") + text_bytes(help_ or "")
            )
        return size + sum(PRODUCER_BYTES + len(name) + len(refused) for name, _, refused, _ in self.producers)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a life of a broadcaster begins: behind everything that the ones before it may have served."""

    epoch: str
    seq: int
    next_key: int
    breaks: tuple[tuple[int, int], ...] = ()
    """(last, base): what was served after the batch `last` is lost, and numbers go on behind `base`.
    -1: something that was acknowledged may be, too, so that not even who has less than is stored can go on."""
