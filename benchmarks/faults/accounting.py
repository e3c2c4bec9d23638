"""Where every sample went. Pure.

A producer's samples are numbered 0, 1, 2, ...; it claims which of them were acknowledged. A subscriber keeps a record,
a line for each thing that it was told. Two rules decide:

1. Every acknowledged sample is received exactly once or announced: counted by a `gap`, or accepted by a broadcaster
   that then lost its history and said so by another epoch. Such an end is announced for what lies between the last
   sample before it and the first after it, and for nothing else. So is what a broadcaster acknowledged last before it
   was killed, if it kept its epoch, and gives the history that is left instead of going on.
2. Nothing comes twice, and the samples of a series come in order. Only what was not acknowledged when a broadcaster
   lost its history may come once from it and once from its successor: neither could know.

A line counts once the subscriber has a cursor behind it, as in a program that saves what it did together with the
cursor: its successor (line `process`) begins at the last cursor and gets the rest again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]
Lane = tuple[str, str]  # producer and series


@dataclass(slots=True)
class Claim:
    """What a producer knows: samples below `acked` were acknowledged; from `sent` on there are none (None: unknown)."""

    acked: int = 0
    sent: int | None = 0
    doubts: list[range] = field(default_factory=list)  # under way when a connection was lost
    refused: int = 0  # rejected by the broadcaster, or dropped by the producer itself


@dataclass(frozen=True, slots=True)
class Verdict:
    samples: int  # acknowledged
    received: int  # of those
    announced: int  # by gaps
    ended: int  # of those acknowledged: lost with an epoch or undone by a crash, and said so
    lost: int  # in silence
    overstated: int  # announced as dropped, more than are missing
    twice: int
    again: int  # in doubt when an epoch ended, and got from both
    disordered: int
    unknown: int  # received, but never sent
    holes: int  # in the chain of batches, that nobody announced
    refused: int

    @property
    def problems(self) -> list[str]:
        names = ("lost", "overstated", "twice", "disordered", "unknown", "holes", "refused")
        return [f"{getattr(self, name)} {name}" for name in names if getattr(self, name)]


class _Life:
    """What came within one epoch."""

    def __init__(self) -> None:
        self.numbers: dict[str, set[int]] = {}
        self.last: dict[Lane, int] = {}
        self.conflated: set[tuple[str, int]] = set()
        self.announced = 0
        self.replaces = False  # what came before in this epoch


class Account:
    """Takes a subscriber's record line by line."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lives = [_Life()]
        self._pending: list[Line] = []
        self._open = 0  # samples announced after the last cursor: a resume brings them
        self._twice = self._disordered = self._holes = 0
        for line in lines:
            self.take(line)

    def take(self, line: Line) -> None:
        if line["is"] == "process":
            self._pending.clear()
            return
        self._pending.append(line)
        if line.get("cursor"):
            self.settle()

    def settle(self) -> None:
        """All that was told so far counts."""
        for line in self._pending:
            getattr(self, f"_{line['is']}")(line)
        self._pending.clear()

    def _state(self, line: Line) -> None:
        if line["state"] == "live":
            self._lives[-1].announced -= self._open
            self._open = 0

    def _again(self, line: Line) -> None:
        self._open = 0
        if line["epoch_changed"]:
            self._lives.append(_Life())
        else:
            self._lives[-1] = _Life()  # the whole history follows, and replaces what came
            self._lives[-1].replaces = True

    def _gap(self, line: Line) -> None:
        if not line["announced"]:
            self._holes += 1
            return
        self._lives[-1].announced += line["samples"]
        self._open += line["samples"]

    def _samples(self, line: Line) -> None:
        for producer, series, numbers in line["of"]:
            for number in numbers:
                self._sample((producer, series), int(number), conflated=line["how"] == "conflated")
        if line.get("cursor"):
            self._open = 0

    def _sample(self, lane: Lane, number: int, *, conflated: bool) -> None:
        life, producer = self._lives[-1], lane[0]
        got = life.numbers.setdefault(producer, set())
        if number in got or (conflated and (producer, number) in life.conflated):
            self._twice += 1
            return
        if number < life.last.get(lane, -1):
            self._disordered += 1
        if conflated:  # it stands for those that a gap counted, itself among them
            life.conflated.add((producer, number))
            return
        got.add(number)
        life.last[lane] = max(number, life.last.get(lane, -1))

    @property
    def received(self) -> int:
        """Samples, and what gaps announced: grows as long as something comes."""
        return sum(life.announced + sum(map(len, life.numbers.values())) for life in self._lives)

    def verdict(self, claims: Mapping[str, Claim]) -> Verdict:
        self.settle()
        missing = ended = again = unknown = received = in_doubt = twice = 0
        for name, claim in claims.items():
            lives = [life.numbers.get(name, set()) for life in self._lives]
            got, repeated = _merged(lives)
            absent = {number for number in range(claim.acked) if number not in got}
            with_epoch = _ended(absent, lives, claim)
            if self._lives[-1].replaces:
                with_epoch += _undone(absent, claim)
            allowed = sum(any(number in doubt for doubt in claim.doubts) for number in repeated)
            received += claim.acked - len(absent)
            missing += len(absent)
            ended += with_epoch
            again += allowed
            twice += len(repeated) - allowed
            unknown += len(got - set(range(claim.sent))) if claim.sent is not None else 0
            in_doubt += len(set(range(claim.acked, claim.sent or claim.acked)) - got)
        unknown += sum(
            len(numbers) for life in self._lives for name, numbers in life.numbers.items() if name not in claims
        )
        announced = sum(life.announced for life in self._lives)
        unended = missing - ended
        return Verdict(
            samples=sum(claim.acked for claim in claims.values()),
            received=received,
            announced=announced,
            ended=ended,
            lost=max(0, unended - announced),
            overstated=max(0, announced - missing - in_doubt) if _bounded(claims) else 0,
            twice=self._twice + twice,
            again=again,
            disordered=self._disordered,
            unknown=unknown,
            holes=self._holes,
            refused=sum(claim.refused for claim in claims.values()),
        )


def _bounded(claims: Mapping[str, Claim]) -> bool:
    return all(claim.sent is not None for claim in claims.values())


def _merged(lives: list[set[int]]) -> tuple[set[int], list[int]]:
    """All that came in any life, and what came in more than one."""
    got: set[int] = set()
    repeated: list[int] = []
    for life in lives:
        repeated += got & life
        got |= life
    return got, repeated


def _ended(absent: set[int], lives: list[set[int]], claim: Claim) -> int:
    """How many of the absent lie where one life ended and the next began, and were acknowledged by the first."""
    before_loss = max((doubt.start for doubt in claim.doubts), default=0)
    ends = []
    for at in range(1, len(lives)):
        low = max((max(life) for life in lives[:at] if life), default=-1)
        high = min((min(life) for life in lives[at:] if life), default=before_loss)
        ends.append(range(low + 1, min(high, before_loss)))
    return sum(any(number in end for end in ends) for number in absent)


def _undone(absent: set[int], claim: Claim) -> int:
    """How many were acknowledged last before the connection was lost, and are not in the history that came after it."""
    first = end = max((doubt.start for doubt in claim.doubts), default=0)
    while first - 1 in absent:
        first -= 1
    return end - first


def claim_of(lines: Iterable[Line], *, killed: bool = False) -> Claim:
    """What a producer's record says. One that was killed may have sent more than it wrote down."""
    claim = Claim()
    connected = False
    for line in lines:
        claim.acked = max(claim.acked, line["acked"])
        claim.sent = max(claim.sent or 0, line["sent"])
        claim.refused = line["rejected"] + line["dropped"]
        if connected and line["state"] != "connected":
            claim.doubts.append(range(line["acked"], line["sent"]))
        connected = line["state"] == "connected"
    if killed:
        claim.sent = None
    return claim


def recovery_s(record: Iterable[Line], sent_at: Mapping[str, int], healed_at: float) -> float | None:
    """Seconds from the end of a fault until a sample came that was sent after it; None: never."""
    for line in record:
        if line["is"] == "samples" and line["t"] >= healed_at:
            for producer, _, numbers in line["of"]:
                if numbers and max(numbers) >= sent_at.get(producer, 0):
                    return float(line["t"] - healed_at)
    return None
