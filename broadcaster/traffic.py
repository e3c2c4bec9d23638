"""What went out to clients, and what did not. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    """What was delivered and dropped since the start, of one connection or of all that ended."""

    batches: int = 0
    samples: int = 0
    bytes: int = 0
    dropped_batches: dict[str, int] = field(default_factory=dict)
    dropped_samples: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Traffic") -> None:
        self.batches += other.batches
        self.samples += other.samples
        self.bytes += other.bytes
        for mine, theirs in (
            (self.dropped_batches, other.dropped_batches),
            (self.dropped_samples, other.dropped_samples),
        ):
            for policy, count in theirs.items():
                mine[policy] = mine.get(policy, 0) + count
