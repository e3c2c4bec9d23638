"""One client's publishing, without a connection."""

from dataclasses import dataclass

import pytest

from broadcaster.auth import EVERYTHING, Grant
from broadcaster.ledger import Account
from broadcaster.limits import RateLimited
from broadcaster.publishing import Publisher
from broadcaster.quota import Quota
from ingest.messages import MessageError, Publish
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.world import World


@dataclass(frozen=True)
class Only:
    """May publish and subscribe to metrics that begin so."""

    prefix: str
    admin: bool = False
    expires: float | None = None
    subject: str | None = None
    revoked: bool = False

    @property
    def subscribe(self) -> frozenset[str]:
        return frozenset({f"{self.prefix}*"})

    @property
    def sight(self) -> str:
        return self.prefix

    def may_publish(self, metric: str) -> bool:
        return metric.startswith(self.prefix)

    def may_subscribe(self, metric: str) -> bool:
        return metric.startswith(self.prefix)


def publisher(world: World) -> Publisher:
    quota = Quota(world.shared.subjects, world.shared.refusals, world.clock())
    return Publisher(world.config, world.hub, world.shared.counts, world.clock, quota)


def message(*metrics: str, id: int | None = None, count: int = 1) -> Message:
    samples = [{"metric": metric, "time": [1.0] * count, "value": [1.0] * count} for metric in metrics]
    return {"type": "publish", "id": id, "samples": samples}


def publish(world: World, message: Message, grant: Grant = EVERYTHING) -> Publish:
    return publisher(world).publish(message, grant, 5.0)


def refused(mine: Publisher, message: Message) -> MessageError:
    with pytest.raises(MessageError) as caught:
        mine.publish(message, EVERYTHING, 5.0)
    return caught.value


def test_good_samples_are_taken_and_bad_ones_listed_and_counted() -> None:
    world = World()
    samples: list[object] = [{"metric": "a", "value": 1}, {"metric": "", "value": 1}, {"metric": "b", "value": "x"}, 7]
    result = publish(world, {"id": 3, "samples": samples})
    assert (result.id, result.accepted) == (3, 1)
    codes = [(rejection.index, rejection.code) for rejection in result.rejected]
    assert codes == [(1, "bad_metric"), (2, "bad_value"), (3, "bad_message")]
    assert world.shared.counts.rejected == {"bad_metric": 1, "bad_value": 1, "bad_message": 1}
    world.flush()
    assert [(series.metric, value) for _, series, value in world.history.log] == [("a", 1.0)]


def test_a_sample_without_time_gets_the_time_of_receipt() -> None:
    world = World()
    publish(world, {"samples": [{"metric": "a", "value": 1}]})
    world.flush()
    record = next(iter(world.history.records.values()))
    assert record.ring.slice(0, 1) == ([5.0], [1.0])


def test_what_the_token_does_not_allow_is_rejected_by_entry() -> None:
    world = World()
    result = publish(world, message("b.x", "a.x", "b.y", count=3), Only("a."))
    assert result.accepted == 3
    assert [(rejection.index, rejection.code) for rejection in result.rejected] == [(0, "forbidden"), (2, "forbidden")]
    assert result.rejected[0].message == "samples[0].metric: the token does not allow it"
    assert [series.metric for series in world.history.records] == ["a.x"]


def test_too_many_series_are_rejected_in_the_order_of_the_message() -> None:
    world = World(series_max=1)
    samples: list[object] = [*message("a", "b", count=2)["samples"], {"metric": "", "value": 1}]
    result = publish(world, {"samples": [*samples, *message("a", "c")["samples"]]})
    assert result.accepted == 3
    codes = [(rejection.index, rejection.code) for rejection in result.rejected]
    assert codes == [(1, "too_many_series"), (2, "bad_metric"), (4, "too_many_series")]
    assert "at most 1 series at once" in result.rejected[0].message


def test_over_its_rate_a_message_is_refused_as_a_whole_and_later_taken() -> None:
    world = World(samples_per_second=10)
    mine = publisher(world)
    assert mine.publish(message("a", count=10), EVERYTHING, 5.0).accepted == 10
    problem = refused(mine, message("a", id=4, count=10))
    assert (problem.code, problem.id) == ("rate_limited", 4)
    assert problem.message == "samples: at most 10 a second from one connection, got 10 more: come again in 0.2 s"
    world.clock.now += 1.0
    assert mine.publish(message("a", count=10), EVERYTHING, 5.0).accepted == 10


def test_the_time_over_the_rate_is_known() -> None:
    world = World(samples_per_second=10)
    mine = publisher(world)
    mine.publish(message("a", count=200), EVERYTHING, 5.0)
    for _ in range(4):
        problem = refused(mine, message("a", count=10))
        world.clock.now += 0.75
    assert isinstance(problem, RateLimited)
    assert (problem.over_for_s, problem.after_s) == (2.25, 16.85)


def test_more_samples_than_a_message_may_hold_are_refused_by_that_name_at_any_rate() -> None:
    world = World(samples_per_second=10, samples_per_message=20)
    mine = publisher(world)
    for _ in range(3):
        assert refused(mine, message("a", id=1, count=21)).code == "too_many_samples"


def test_no_bounds() -> None:
    world = World(samples_per_second=0, samples_per_message=0)
    mine = publisher(world)
    for _ in range(3):
        assert mine.publish(message("a", count=30_000), EVERYTHING, 5.0).accepted == 30_000


def singles(world: World, *metrics: str, grant: Grant = EVERYTHING) -> Publish | None:
    raw = [{"metric": metric, "time": 1.0, "value": 2.0} for metric in metrics]
    return publisher(world).publish_singles(raw, grant, 5.0)


def test_messages_of_one_sample_taken_together_are_refused_each() -> None:
    world = World(series_max=1)
    result = singles(world, "a", "b", "", "a", "b", "a")
    assert result is not None
    assert result.accepted == 3
    assert sorted(rejection.code for rejection in result.rejected) == ["bad_metric", *["too_many_series"] * 2]
    assert {rejection.message.split(".")[0] for rejection in result.rejected} == {"samples[0]"}
    assert world.shared.counts.rejected == {"bad_metric": 1, "too_many_series": 2}
    world.flush()
    assert [series.metric for _, series, _ in world.history.log] == ["a"] * 3


def test_messages_of_one_sample_taken_together_are_allowed_by_metric() -> None:
    result = singles(World(), "a.x", "b.x", "b.x", "a.y", grant=Only("a."))
    assert result is not None
    assert result.accepted == 2
    assert [rejection.code for rejection in result.rejected] == ["forbidden"] * 2


def test_messages_of_one_sample_that_go_over_the_rate_are_not_taken_together() -> None:
    world = World(samples_per_second=3)
    assert singles(world, *"aaaa") is None
    world.flush()
    assert world.history.log == []
    result = singles(world, *"aaa")
    assert result is not None
    assert result.accepted == 3


@pytest.mark.parametrize("samples", [None, {}, "x", 5])
def test_no_array_is_refused_whatever_the_rate(samples: object) -> None:
    assert refused(publisher(World(samples_per_second=1)), {"id": 2, "samples": samples}).code == "bad_message"


def test_ids_grow_on_a_connection() -> None:
    mine, account = publisher(World()), Account()
    assert mine.expects(5, account)
    account.apply(5)
    for id in (5, 4):
        with pytest.raises(MessageError) as caught:
            mine.expects(id, account)
        assert (caught.value.code, caught.value.id) == ("id_not_increasing", id)
    assert mine.expects(6, account)


def test_after_a_reconnect_what_was_applied_is_not_expected_and_what_was_refused_is() -> None:
    world, account = World(), Account()
    account.apply(5)
    account.refuse(6)
    account.apply(7)
    mine = publisher(world)
    assert [mine.expects(id, account) for id in (5, 6, 7, 8)] == [False, True, False, True]
    assert mine.expects(6, account), "refused, so it may be sent again on the same connection"


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ({"value": 1}, {"kind": "event", "value": "t"}, 1.0),
        ({"kind": "event", "value": "t"}, {"value": 1}, "t"),
        ({"kind": "event", "value": "t"}, {"kind": "gauge", "value": 1}, "t"),
        ({"kind": "event", "value": "t"}, {"kind": "counter", "time": [1.0], "value": [1]}, "t"),
    ],
)
def test_one_message_cannot_make_a_series_of_two_kinds(first: Message, second: Message, kept: object) -> None:
    """Of fuzzing: texts among numbers ended the flush, and so the broadcaster."""
    world = World()
    client = world.client()
    (ack,) = client.ask(type="publish", id=1, samples=[{"metric": "x", **first}, {"metric": "x", **second}])
    assert ack["accepted"] == 1
    assert [(each["index"], each["code"]) for each in ack["rejected"]] == [(1, "bad_value")]
    assert "use another metric name" in ack["rejected"][0]["message"]
    world.flush()
    assert [value for _, _, value in world.history.log] == [kept]
    world.hub.sweep(world.clock.now)
