"""A subscription without its socket: what to send when a connection opens, and what the broadcaster's answers mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from broadcaster.chain import Answer, Asked, Chain, Loss
from ingest.messages import decode
from ingest.samples import Kind, Series, Value, check_kind, show

Overflow = Literal["conflate", "drop_oldest", "disconnect"]
State = Literal["connecting", "live", "reconnecting", "cannot_connect"]
SUBSCRIPTION_ID = 1
PING_INTERVAL_S = 20.0
QUIET_PONGS = 2


class BadAnswer(ValueError):
    """The broadcaster sent something that protocol 1 does not allow."""


class SubscriptionEnded(Exception):
    """No retry will help: the broadcaster refused the selection, the credentials or this client.

    `code` is the protocol's error code, its close code (4500 and above) or the HTTP status, as text.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class StateChanged:
    """`reconnecting` tells in how many seconds the next attempt is made, `cannot_connect` the same after 5 failures."""

    state: State
    reason: str = ""
    failures: int = 0  # in a row
    retry_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Resynchronised:
    """The stream could not be taken up where it broke off; the whole history that the broadcaster holds follows.

    Within an epoch it replaces what came before. With `epoch_changed` the broadcaster had lost its history: what
    follows was accepted since, and what was accepted between the last sample here and the loss is gone.
    """

    epoch: str
    epoch_changed: bool


@dataclass(frozen=True, slots=True)
class Described:
    """What the broadcaster says of a series. `key` is its number within the epoch."""

    key: int
    series: Series
    unit: str | None
    kind: Kind
    help: str | None


@dataclass(frozen=True, slots=True)
class SeriesDescribed:
    series: tuple[Described, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Samples of one series in the order accepted: Unix seconds and as many values."""

    of: Described
    times: Sequence[float]
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Samples:
    """`conflated`: only the newest sample of each series that a gap just before was about.

    `cursor`: where to resume to get all that follows this message and nothing else. None: of a backfill, where only
    what came before it can be resumed from.
    """

    columns: tuple[Column, ...]
    backfill: bool = False
    conflated: bool = False
    cursor: str | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return sum(len(column.times) for column in self.columns)


@dataclass(frozen=True, slots=True)
class GapReported:
    """The batches in (first, last] are missing: announced by the broadcaster (then counted), or found to be lost."""

    first: int
    last: int
    announced: bool
    batches: int | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The broadcaster refused a message of this client, or gave a bad one itself."""

    code: str
    message: str


Message = StateChanged | Resynchronised | SeriesDescribed | Samples | GapReported | Refused


@dataclass(frozen=True, slots=True)
class Bye:
    code: int
    reason: str
    reconnect: bool
    after: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to subscribe to. `select`: any entry may match. `history_s`: seconds to backfill at first.

    `resume`: a cursor of an earlier subscription to take up instead.
    """

    select: Sequence[Mapping[str, object]]
    history_s: float = 0.0
    overflow: Overflow = "conflate"
    max_rate: float | None = None
    client: str = "streamgauge subscriber"
    resume: str | None = None


class Subscription:
    """One subscription over any number of connections: `opening` begins one, `receive` takes what comes on it."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._asked = Asked.NOTHING
        self._series: dict[int, Described] = {}
        self._epoch_changed = False
        self._heard_at: float | None = None  # when the backfill was last heard of, None: it has ended
        self._quiet_pongs = 0
        self.chain = Chain()
        self.chain.cursor = wanted.resume
        self.subscribed = False
        self.bye: Bye | None = None
        self.ping_interval_s = PING_INTERVAL_S
        self.round_trip_s: float | None = None
        self.samples = self.backfilled = self.conflated = 0

    def opening(self, elapsed_s: float = 0.0) -> list[bytes]:
        """The frames that begin a connection. `elapsed_s`: since the first one, by which the history grew."""
        self.subscribed = False
        self.bye = None
        self.ping_interval_s = PING_INTERVAL_S
        hello: dict[str, object] = {"type": "hello", "client": self._wanted.client, "overflow": self._wanted.overflow}
        if self._wanted.max_rate is not None:
            hello["max_rate"] = self._wanted.max_rate
        subscribe: dict[str, object] = {"type": "subscribe", "id": SUBSCRIPTION_ID, "select": list(self._wanted.select)}
        if self.chain.cursor is not None:
            self._asked = Asked.RESUME
            subscribe["resume"] = self.chain.cursor
        elif self._wanted.history_s > 0:
            self._asked = Asked.HISTORY
            subscribe["history"] = self._wanted.history_s + elapsed_s
        else:
            self._asked = Asked.NOTHING
        return [orjson.dumps(hello), orjson.dumps(subscribe)]

    @staticmethod
    def ping(now: float) -> bytes:
        """`now` comes back in the pong, by the same clock as `receive` is told."""
        return orjson.dumps({"type": "ping", "time": now})

    def receive(self, data: str | bytes, now: float) -> list[Message]:
        """One message of the broadcaster. Unknown types are ignored.

        Raises:
            BadAnswer: protocol 1 does not allow it.
            SubscriptionEnded: the broadcaster refused the subscription.
        """
        try:
            message = decode(data)
            handle = getattr(self, f"_on_{message['type']}", None) if message["type"] in _TYPES else None
            return list(handle(message, now)) if handle else []
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise BadAnswer(f"bad message from the broadcaster: {error!r}: {show(str(data[:200]))}") from error

    def _on_welcome(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        self.ping_interval_s = max(0.1, float(message["ping_interval"]))
        self._epoch_changed = self.chain.welcome(str(message["epoch"])) or self._epoch_changed
        if self._epoch_changed:
            self._series.clear()  # keys are unique within an epoch only
        return iter(())

    def _on_subscribed(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        answer = self.chain.subscribed(
            self._asked, int(message["seq"]), str(message["cursor"]), resumed=bool(message["resumed"])
        )
        self.subscribed = True
        self._heard_at, self._quiet_pongs = now, 0
        if answer is Answer.STARTS_AGAIN:
            yield Resynchronised(self.chain.epoch or "", self._epoch_changed)
        self._epoch_changed = False
        yield StateChanged("live")
        yield from self._on_series(message, now)

    def _on_series(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        described = tuple(_described(raw) for raw in message["series"])
        self._series |= {one.key: one for one in described}
        if described:
            yield SeriesDescribed(described)

    def _on_samples(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        if message.get("backfill"):
            self._heard_at, self._quiet_pongs = now, 0
            yield from self._columns(message, backfill=True)
        elif message.get("conflated"):
            self.chain.conflated(str(message["cursor"]))
            yield from self._columns(message, conflated=True)
        else:
            new, loss = self.chain.live(int(message["seq"]), int(message["prev"]), str(message["cursor"]))
            if loss:
                yield _lost(loss)
            if new:
                yield from self._columns(message)

    def _columns(
        self, message: dict[str, Any], *, backfill: bool = False, conflated: bool = False
    ) -> Iterator[Message]:
        columns: list[Column] = []
        for key, times, values in message["series"]:
            if len(times) != len(values):
                raise ValueError("times and values differ in length")
            if key not in self._series:
                yield Refused("unknown_key", f"series[{len(columns)}]: key {show(key)} was not described before")
                continue
            start = self.chain.backfill(key, len(times)) if backfill else 0
            if start < len(times):
                columns.append(Column(self._series[key], times[start:], values[start:]))
        samples = Samples(tuple(columns), backfill, conflated, None if backfill else self.chain.cursor)
        self._count(samples)
        if columns:
            yield samples

    def _count(self, samples: Samples) -> None:
        if samples.backfill:
            self.backfilled += len(samples)
        elif samples.conflated:
            self.conflated += len(samples)
        else:
            self.samples += len(samples)

    def _on_gap(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        first, last = int(message["from"]), int(message["to"])
        batches, samples = int(message["batches"]), int(message["samples"])
        loss = self.chain.gap(first, last, batches, samples)
        if loss:
            yield _lost(loss)
        yield GapReported(first, last, True, batches, samples)

    def _on_pong(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        sent = float(message["time"])
        self.round_trip_s = now - sent
        if self._heard_at is not None and sent > self._heard_at:
            # One pong may overtake a backfill that waits for the socket; a second, asked for after the first, cannot.
            self._quiet_pongs += 1
            self._heard_at = None if self._quiet_pongs == QUIET_PONGS else now
        if self._quiet_pongs == QUIET_PONGS:
            self.chain.quiet()
        return iter(())

    def _on_error(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        code, text = str(message["code"]), str(message["message"])
        if message.get("id") == SUBSCRIPTION_ID and not self.subscribed:
            raise SubscriptionEnded(code, text)
        yield Refused(code, text)

    def _on_bye(self, message: dict[str, Any], now: float) -> Iterator[Message]:
        low, high = message["after"]
        self.bye = Bye(int(message["code"]), str(message["reason"]), bool(message["reconnect"]), (low, high))
        return iter(())


_TYPES = frozenset({"welcome", "subscribed", "series", "samples", "gap", "pong", "error", "bye"})


def _described(raw: Mapping[str, Any]) -> Described:
    tags = tuple(sorted((str(key), str(value)) for key, value in raw["tags"].items()))
    kind = check_kind(raw["kind"]) or "gauge"
    return Described(int(raw["key"]), Series(str(raw["metric"]), tags), raw["unit"], kind, raw["help"])


def _lost(loss: Loss) -> GapReported:
    return GapReported(loss.first, loss.last, False)
