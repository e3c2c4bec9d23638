import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from broadcaster import messages
from broadcaster.errors import SHUTTING_DOWN
from broadcaster.limits import RateLimited
from broadcaster.messages import Gap, cursor, parse_cursor
from ingest.messages import MessageError
from ingest.samples import Rejection


def load(payload: bytes) -> Any:
    return orjson.loads(payload)


@pytest.mark.parametrize(
    "make",
    [
        lambda: messages.fragment(1, [1.5] * 100, [2.5] * 100),
        lambda: messages.series([{"key": key, "metric": "m", "tags": {}} for key in range(20)]),
    ],
    ids=["fragment", "series"],
)
def test_what_may_wait_takes_no_more_than_its_bytes(make: Callable[[], bytes]) -> None:
    """As orjson returns it, its buffer is several times as large."""
    tracemalloc.start()
    try:
        kept = [make() for _ in range(100)]
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert sum(map(len, kept)) < taken < sum(len(each) + 200 for each in kept)


def test_samples_are_joined_from_fragments() -> None:
    fragments = [messages.fragment(1, (1.0, 2.0), (5.0, math.nan)), messages.fragment(2, [3.0], ["deploy \N{ROCKET}"])]
    message = load(messages.samples("e", 7, 5, fragments))
    assert message == {
        "type": "samples",
        "seq": 7,
        "prev": 5,
        "cursor": "e:7",
        "series": [[1, [1.0, 2.0], [5.0, None]], [2, [3.0], ["deploy \N{ROCKET}"]]],
    }
    assert load(messages.samples("e", 7, 5, [], messages.BACKFILL))["backfill"] is True
    assert load(messages.samples("e", 7, 5, [], messages.CONFLATED))["conflated"] is True


@pytest.mark.parametrize("count", [0, 1, messages.JOINED, 2 * messages.JOINED + 1])
def test_of_very_many_series_there_are_never_all_as_objects(count: int) -> None:
    alive = [0, 0]

    class Descriptor(dict[str, Any]):
        def __init__(self, key: int) -> None:
            super().__init__(key=key)
            alive[0] += 1
            alive[1] = max(alive)

        def __del__(self) -> None:
            alive[0] -= 1

    described = [{"key": key} for key in range(count)]
    assert load(messages.series(map(Descriptor, range(count)))) == {"type": "series", "series": described}
    answer = load(messages.subscribed(7, 5, "e:5", True, map(Descriptor, range(count))))
    fields = {"type": "subscribed", "id": 7, "seq": 5, "cursor": "e:5", "resumed": True}
    assert answer == fields | {"series": described}
    assert alive[1] <= 2 * messages.JOINED


def test_who_is_over_a_rate_is_told_for_how_long() -> None:
    told = load(messages.error(RateLimited("slower", 7, 0.42)))
    assert told == {"type": "error", "code": "rate_limited", "message": "slower", "id": 7, "retry_after": 0.5}
    assert "retry_after" not in load(messages.error(MessageError("rate_limited", "slower")))


def test_acks_and_errors() -> None:
    ack = load(messages.ack(3, 5, [Rejection(1, "bad_value", "no")]))
    rejected = [{"index": 1, "code": "bad_value", "message": "no"}]
    assert ack == {"type": "ack", "id": 3, "accepted": 5, "rejected": rejected}
    assert load(messages.ack(3, 0, (), duplicate=True))["duplicate"] is True
    assert load(messages.error(MessageError("bad_json", "no"))) == {
        "type": "error",
        "code": "bad_json",
        "message": "no",
    }
    assert load(messages.error(MessageError("bad_json", "no", 0)))["id"] == 0


def test_the_names_of_the_wire() -> None:
    gap = {"type": "gap", "from": 1, "to": 5, "batches": 3, "samples": 9}
    assert load(Gap(1, 5, 3, 9).encode()) == gap
    bye = {"type": "bye", "code": 4000, "reason": "shutting down", "reconnect": True, "after": [0.0, 1.0]}
    assert load(messages.bye(SHUTTING_DOWN)) == bye
    assert load(messages.unsubscribed(1, 2)) == {"type": "unsubscribed", "id": 1, "seq": 2}
    assert load(messages.pong(1, 2.0)) == {"type": "pong", "time": 1, "server_time": 2.0}


@pytest.mark.parametrize(("epoch", "seq"), [("e", 0), ("a:b", 5), ("x", 10**17)])
def test_a_cursor_is_parsed_again(epoch: str, seq: int) -> None:
    assert parse_cursor(cursor(epoch, seq)) == (epoch, seq)


@pytest.mark.parametrize(
    "text", ["", "e", ":5", "e:", "e:-1", "e:1.5", "e:\N{SUPERSCRIPT TWO}", f"e:{10**30}", "x" * 513, 5, None]
)
def test_what_is_no_cursor(text: object) -> None:
    assert parse_cursor(text) is None
