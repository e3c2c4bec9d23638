"""The server's side of the wire protocol: objects to JSON text. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from broadcaster.errors import Close
from broadcaster.limits import RateLimited, rounded
from ingest.messages import MessageError
from ingest.samples import Rejection

JOINED: Final = 256


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches in (first, last] that were dropped for a subscriber, with how many samples they held."""

    first: int
    last: int
    batches: int
    samples: int

    def encode(self) -> bytes:
        return orjson.dumps(
            {"type": "gap", "from": self.first, "to": self.last, "batches": self.batches, "samples": self.samples}
        )


def ack(id: int, accepted: int, rejected: Sequence[Rejection], *, duplicate: bool = False) -> bytes:
    return orjson.dumps(ack_fields(id, accepted, rejected, duplicate=duplicate))


def ack_fields(
    id: int | None, accepted: int, rejected: Sequence[Rejection], *, duplicate: bool = False
) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "ack", "id": id, "accepted": accepted, "rejected": rejected}
    if duplicate:
        message["duplicate"] = True
    return message


def error(problem: MessageError) -> bytes:
    message: dict[str, Any] = {"type": "error", "code": problem.code, "message": problem.message}
    if problem.id is not None:
        message["id"] = problem.id
    if isinstance(problem, RateLimited):
        message["retry_after"] = rounded(problem.after_s)
    return orjson.dumps(message)


def bye(close: Close) -> bytes:
    fields = {"code": close.code, "reason": close.reason, "reconnect": close.reconnect, "after": close.after}
    return orjson.dumps({"type": "bye", **fields})


def pong(time: object, server_time: float) -> bytes:
    return orjson.dumps({"type": "pong", "time": time, "server_time": server_time})


def series(descriptors: Iterable[Mapping[str, Any]]) -> bytes:
    return b'{"type":"series","series":[%b]}' % _joined(descriptors)  # a copy, as in `fragment`


def _joined(descriptors: Iterable[Mapping[str, Any]]) -> bytes:
    """A few at a time, so that of very many there are never all as objects."""
    rest = iter(descriptors)
    return b",".join(orjson.dumps(part)[1:-1] for part in iter(lambda: list(islice(rest, JOINED)), []))


def described(descriptors: bytes) -> bytes:
    """The same of descriptors that are JSON already, with commas between."""
    return b'{"type":"series","series":[%b]}' % descriptors


def cursor(epoch: str, seq: int) -> str:
    """The position after the batch `seq`."""
    return f"{epoch}:{seq}"


def parse_cursor(text: object) -> tuple[str, int] | None:
    """(epoch, seq) of a cursor, or None for one that no broadcaster of this kind made."""
    if not isinstance(text, str) or len(text) > 512:
        return None
    epoch, _, seq = text.rpartition(":")
    return (epoch, int(seq)) if epoch and seq.isascii() and seq.isdigit() and len(seq) < 19 else None


def fragment(key: int, times: Sequence[float], values: Sequence[Any]) -> bytes:
    """One series' part of a `samples` message; NaN becomes null. Encoded once and joined into many messages.

    A copy, because it may wait for long and what orjson returns keeps its buffer, of 4 KiB at least and up to 50 times
    what is in it (https://github.com/home-assistant/core/pull/181245).
    """
    return b"%b" % orjson.dumps((key, times, values))


def samples(epoch: str, seq: int, prev: int, fragments: Iterable[bytes], flag: bytes = b"") -> bytes:
    """A `samples` message; `flag` is b'"backfill":true,' or b'"conflated":true,'."""
    head = b'{"type":"samples",%b"seq":%d,"prev":%d,"cursor":"%b:%d","series":['
    return b"".join((head % (flag, seq, prev, epoch.encode(), seq), b",".join(fragments), b"]}"))


BACKFILL = b'"backfill":true,'
CONFLATED = b'"conflated":true,'


def welcome(epoch: str, seq: int, time: float, session: str, ping_interval: float, limits: Mapping[str, int]) -> bytes:
    fields = {"version": 1, "epoch": epoch, "seq": seq, "time": time, "session": session}
    return orjson.dumps({"type": "welcome", **fields, "ping_interval": ping_interval, "limits": limits})


def subscribed(id: int, seq: int, cursor: str, resumed: bool, series: Iterable[Mapping[str, Any]]) -> bytes:
    head = orjson.dumps({"type": "subscribed", "id": id, "seq": seq, "cursor": cursor, "resumed": resumed})
    return b'%b,"series":[%b]}' % (head[:-1], _joined(series))


def unsubscribed(id: int, seq: int) -> bytes:
    return orjson.dumps({"type": "unsubscribed", "id": id, "seq": seq})
