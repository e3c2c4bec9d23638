import json
from typing import Any

import pytest

from broadcaster.subscription import (
    BadAnswer,
    Column,
    Described,
    GapReported,
    Message,
    Refused,
    Resynchronised,
    Samples,
    SeriesDescribed,
    StateChanged,
    Subscription,
    SubscriptionEnded,
    Wanted,
)
from ingest.samples import Series

LOAD = {"key": 1, "metric": "host.load", "tags": {"window": "1m"}, "unit": "", "kind": "gauge", "help": None}
DESCRIBED = Described(1, Series("host.load", (("window", "1m"),)), "", "gauge", None)


def frames(subscription: Subscription, elapsed_s: float = 0.0) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in subscription.opening(elapsed_s)]


def receive(subscription: Subscription, now: float = 0.0, /, **message: object) -> list[Message]:
    return subscription.receive(json.dumps(message), now)


def welcome(subscription: Subscription, epoch: str = "e", **fields: object) -> list[Message]:
    limits = {"message_bytes": 1, "samples_per_message": 1, "samples_per_second": 1, "series": 1}
    base = {"version": 1, "epoch": epoch, "seq": 0, "time": 0.0, "session": "s", "ping_interval": 10, "limits": limits}
    return receive(subscription, type="welcome", **base | fields)


def subscribed(subscription: Subscription, seq: int = 0, resumed: bool = False) -> list[Message]:
    fields = {"id": 1, "seq": seq, "cursor": f"c{seq}", "resumed": resumed, "series": [LOAD]}
    return receive(subscription, type="subscribed", **fields)


def samples(subscription: Subscription, seq: int, prev: int, *columns: object, **flags: object) -> list[Message]:
    fields = {"seq": seq, "prev": prev, "cursor": f"c{seq}", "series": columns}
    return receive(subscription, type="samples", **fields | flags)


def live(history_s: float = 0.0) -> Subscription:
    subscription = Subscription(Wanted([{"metric": "host.*"}], history_s))
    subscription.opening()
    welcome(subscription)
    subscribed(subscription)
    return subscription


def test_a_connection_opens_with_hello_and_subscribe() -> None:
    wanted = Wanted([{"metric": "host.*"}], 60.0, "drop_oldest", 5.0, "me")
    assert frames(Subscription(wanted), 2.5) == [
        {"type": "hello", "client": "me", "overflow": "drop_oldest", "max_rate": 5.0},
        {"type": "subscribe", "id": 1, "select": [{"metric": "host.*"}], "history": 62.5},
    ]


def test_no_history_is_asked_for_unless_wanted() -> None:
    assert frames(Subscription(Wanted([{}])))[1] == {"type": "subscribe", "id": 1, "select": [{}]}


def test_the_next_connection_resumes() -> None:
    subscription = live()
    samples(subscription, 3, 0, [1, [1.0], [2.0]])
    assert frames(subscription)[1]["resume"] == "c3"


def test_a_cursor_of_an_earlier_subscription_is_taken_up() -> None:
    subscription = Subscription(Wanted([{}], resume="c7"))
    assert frames(subscription)[1]["resume"] == "c7"
    welcome(subscription)
    assert subscribed(subscription, resumed=True)[0] == StateChanged("live")
    (again,) = samples(subscription, 8, 0, [1, [1.0], [2.0]], backfill=True)
    (live_one,) = samples(subscription, 9, 0, [1, [2.0], [2.0]])
    assert isinstance(again, Samples)
    assert isinstance(live_one, Samples)
    assert (again.cursor, live_one.cursor) == (None, "c9")


def test_series_come_with_the_answer_and_later() -> None:
    subscription = Subscription(Wanted([{}]))
    subscription.opening()
    assert welcome(subscription) == []
    assert subscribed(subscription) == [StateChanged("live"), SeriesDescribed((DESCRIBED,))]
    assert subscription.ping_interval_s == 10
    later = receive(subscription, type="series", series=[LOAD | {"key": 2}])
    assert later == [SeriesDescribed((Described(2, DESCRIBED.series, "", "gauge", None),))]


def test_samples_come_in_columns_with_their_series() -> None:
    subscription = live()
    assert samples(subscription, 1, 0, [1, [1.0, 2.0], [3.0, None]]) == [
        Samples((Column(DESCRIBED, [1.0, 2.0], [3.0, None]),))
    ]
    assert subscription.samples == 2


def test_a_hole_is_reported_before_the_samples_after_it() -> None:
    subscription = live()
    first, second = samples(subscription, 5, 3, [1, [1.0], [2.0]])
    assert first == GapReported(0, 3, announced=False)
    assert isinstance(second, Samples)


def test_a_gap_and_what_stands_for_it() -> None:
    subscription = live()
    gap = receive(subscription, type="gap", **{"from": 0, "to": 4, "batches": 3, "samples": 30})
    assert gap == [GapReported(0, 4, True, 3, 30)]
    (newest,) = samples(subscription, 4, 0, [1, [9.0], [9.0]], conflated=True)
    assert isinstance(newest, Samples)
    assert newest.conflated
    assert len(samples(subscription, 5, 4, [1, [10.0], [1.0]])) == 1
    assert (subscription.samples, subscription.conflated) == (1, 1)


def test_a_batch_that_comes_twice_is_delivered_once() -> None:
    subscription = live()
    samples(subscription, 1, 0, [1, [1.0], [1.0]])
    assert samples(subscription, 1, 0, [1, [1.0], [1.0]]) == []


def test_a_backfill_that_broke_off_is_not_delivered_twice() -> None:
    subscription = live()
    subscription.opening()
    welcome(subscription)
    subscribed(subscription, 9, resumed=True)
    assert len(samples(subscription, 9, 0, [1, [1.0, 2.0], [1.0, 2.0]], backfill=True)) == 1
    assert frames(subscription)[1]["resume"] == "c0"
    welcome(subscription)
    assert StateChanged("live") in subscribed(subscription, 9, resumed=True)
    (rest,) = samples(subscription, 9, 0, [1, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], backfill=True)
    assert rest == Samples((Column(DESCRIBED, [3.0], [3.0]),), backfill=True)
    assert subscription.backfilled == 3


def test_a_new_epoch_starts_again_with_new_keys() -> None:
    subscription = live()
    subscription.opening()
    welcome(subscription, "other")
    messages = receive(subscription, type="subscribed", id=1, seq=4, cursor="c4", resumed=False, series=[])
    assert messages == [Resynchronised("other", epoch_changed=True), StateChanged("live")]
    (refused,) = samples(subscription, 5, 4, [1, [1.0], [1.0]])
    assert isinstance(refused, Refused)
    assert refused.code == "unknown_key"


def test_history_that_was_evicted_starts_again_within_the_epoch() -> None:
    subscription = live()
    subscription.opening()
    welcome(subscription)
    assert subscribed(subscription, 9)[0] == Resynchronised("e", epoch_changed=False)


def test_two_quiet_round_trips_end_a_backfill() -> None:
    subscription = live(history_s=60)
    samples(subscription, 0, 0, [1, [1.0], [1.0]], backfill=True)
    for sent in (5.0, 15.0):
        assert "resume" not in frames(subscription)[1]
        receive(subscription, sent + 0.5, type="pong", time=sent, server_time=0.0)
    assert frames(subscription)[1]["resume"] == "c0"
    assert subscription.round_trip_s == 0.5


def test_a_pong_that_overtook_a_backfill_ends_nothing() -> None:
    subscription = live(history_s=60)
    receive(subscription, 5.5, type="pong", time=5.0, server_time=0.0)
    subscription.receive(
        b'{"type":"samples","backfill":true,"seq":0,"prev":0,"cursor":"c","series":[[1,[1],[1]]]}', now=6
    )
    receive(subscription, 15.5, type="pong", time=15.0, server_time=0.0)
    assert subscription.chain.cursor is None


def test_a_refused_subscription_ends_it_and_another_error_does_not() -> None:
    subscription = Subscription(Wanted([{}]))
    subscription.opening()
    assert receive(subscription, type="error", code="bad_message", message="hello: no") == [
        Refused("bad_message", "hello: no")
    ]
    with pytest.raises(SubscriptionEnded, match=r"select: no \(bad_message\)"):
        receive(subscription, type="error", code="bad_message", message="select: no", id=1)


def test_bye_is_kept_for_the_close() -> None:
    subscription = live()
    receive(subscription, type="bye", code=4000, reason="shutting down", reconnect=True, after=[0, 5])
    assert subscription.bye is not None
    assert (subscription.bye.code, subscription.bye.after) == (4000, (0, 5))
    subscription.opening()
    assert subscription.bye is None


@pytest.mark.parametrize("text", ['{"type":"ack","id":1}', '{"type":"something new"}', '{"type":"receive"}'])
def test_other_types_are_ignored(text: str) -> None:
    assert live().receive(text, 0) == []


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "{}",
        '{"type":[]}',
        '{"type":"welcome"}',
        '{"type":"samples","seq":"x","prev":0,"cursor":"c","series":[]}',
        '{"type":"samples","seq":1,"prev":0,"cursor":"c","series":[[1,[1],[]]]}',
        '{"type":"samples","seq":1,"prev":0,"cursor":"c","series":[1]}',
        '{"type":"series","series":[{"key":1}]}',
        '{"type":"bye","code":1,"reason":"","reconnect":true,"after":1}',
        '{"type":"gap","from":1,"to":1e400,"batches":1,"samples":1}',
        '{"type":"error","code":' + "[" * 1_020 + "]" * 1_020 + ',"message":"m"}',
    ],
)
def test_what_the_protocol_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(BadAnswer):
        live().receive(text, 0)
