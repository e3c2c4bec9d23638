"""The checker itself: it must notice what the protocol forbids, or the suite proves nothing."""

from typing import Any

import pytest

from tests.e2e.wire_rules import Message, Rules

LIMITS = {"message_bytes": 1, "samples_per_message": 1, "samples_per_second": 1, "series": 1}
WELCOME: Message = {
    "type": "welcome", "version": 1, "epoch": "e", "seq": 0, "time": 1.5, "session": "s",
    "ping_interval": 20, "limits": LIMITS,
}  # fmt: skip
SERIES = {"key": 1, "metric": "m", "tags": {}, "unit": None, "kind": "gauge", "help": None}
SUBSCRIBED: Message = {
    "type": "subscribed", "id": 1, "seq": 4, "cursor": "c", "resumed": False, "series": [SERIES]
}  # fmt: skip


def samples(seq: int, prev: int, value: Any = 1, **fields: Any) -> Message:
    return {"type": "samples", "seq": seq, "prev": prev, "cursor": "c", "series": [[1, [1], [value]]], **fields}


def gap(first: int, last: int, count: int = 3) -> Message:
    return {"type": "gap", "from": first, "to": last, "batches": 1, "samples": count}


def rules(*messages: Message) -> Rules:
    checker = Rules()
    for message in (WELCOME, *messages):
        checker.check(message)
    return checker


def test_a_stream_that_keeps_the_rules_is_counted() -> None:
    checker = rules(
        SUBSCRIBED,
        samples(3, 0, 7, backfill=True),
        samples(6, 4),
        gap(6, 9),
        samples(9, 6, 8, conflated=True),
        samples(10, 9, None),
    )
    assert checker.counts == {"live": 2, "backfill": 1, "conflated": 1, "gap": 3}
    assert checker.accounted == 5
    assert checker.values("m") == [7, 1, 8, None]


BYE: Message = {"type": "bye", "code": 4000, "reason": "r", "reconnect": True, "after": [0, 5]}
BROKEN: dict[str, list[Message]] = {
    "a second welcome": [WELCOME],
    "a hole in the chain": [SUBSCRIBED, samples(6, 5)],
    "a batch again": [SUBSCRIBED, samples(6, 4), samples(6, 4)],
    "live data before a subscription": [samples(1, 0)],
    "a gap that begins elsewhere": [SUBSCRIBED, gap(5, 9)],
    "an empty gap": [SUBSCRIBED, gap(4, 4)],
    "a batch after a gap that ignores it": [SUBSCRIBED, gap(4, 9), samples(10, 4)],
    "a series not described": [{**SUBSCRIBED, "series": []}, samples(6, 4)],
    "a key of two series": [SUBSCRIBED, {"type": "series", "series": [{**SERIES, "metric": "n"}]}],
    "a text in a gauge": [SUBSCRIBED, samples(6, 4, "x")],
    "a boolean": [SUBSCRIBED, samples(6, 4, True)],
    "columns of two lengths": [SUBSCRIBED, {**samples(6, 4), "series": [[1, [1, 2], [1]]]}],
    "false where it is left out": [SUBSCRIBED, samples(6, 4, backfill=False)],
    "a cursor too long": [SUBSCRIBED, samples(6, 4, cursor="c" * 513)],
    "an unknown error code": [{"type": "error", "code": "oops", "message": "m"}],
    "a code that does not fit reconnect": [{**BYE, "code": 4500}],
    "an unknown close code": [{**BYE, "code": 4007}],
    "something after bye": [BYE, {"type": "pong", "time": 1, "server_time": 1.5}],
    "a missing field": [{"type": "ack", "id": 1, "accepted": 1}],
    "an ack without id": [{"type": "ack", "id": None, "accepted": 1, "rejected": []}],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_rules_is_noticed(name: str) -> None:
    rules(*BROKEN[name][:-1])
    with pytest.raises(AssertionError):
        rules(*BROKEN[name])
