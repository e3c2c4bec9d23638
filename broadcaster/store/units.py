"""What is stored together or not at all. Pure."""

from dataclasses import dataclass, field

SERIES_BYTES = 200  # about what a description takes in the queue
PRODUCER_BYTES = 100
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


@dataclass(frozen=True, slots=True)
class Unit:
    """Whole messages: their batches, and with them what has to be known of series and producers."""

    number: int
    batches: list[Batch] = field(default_factory=list)
    series: list[SeriesRow] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)  # (seq at which it was forgotten, key)
    producers: list[ProducerRow] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        rows = SERIES_BYTES * len(self.series) + PRODUCER_BYTES * len(self.producers)
        return rows + sum(len(batch.data) for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a life of a broadcaster begins: behind everything that the ones before it may have served."""

    epoch: str
    seq: int
    next_key: int
    breaks: tuple[tuple[int, int], ...] = ()
    """(last, base): what was served after the batch `last` is lost, and numbers go on behind `base`.
    -1: something that was acknowledged may be, too, so that not even who has less than is stored can go on."""
