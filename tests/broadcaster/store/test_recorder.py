"""Acks and batches around commits; messages are stored as a whole or not at all."""

import uuid
from pathlib import Path

import pytest

from tests.broadcaster.frame_parts import Message
from tests.broadcaster.store.keeping import Kept
from tests.broadcaster.world import Client

PRODUCER = str(uuid.UUID(int=7))


@pytest.fixture
def again(tmp_path: Path) -> Path:
    path = tmp_path / "again"
    path.mkdir()
    return path


def producer(world: Kept) -> Client:
    client = world.client(producer=PRODUCER)
    client.take()
    return client


def send(client: Client, id: int, *values: float, metric: str = "a") -> list[Message]:
    times = [float(id)] * len(values)
    return client.ask(type="publish", id=id, samples=[{"metric": metric, "time": times, "value": list(values)}])


def watching(world: Kept) -> Client:
    client = world.client()
    client.ask(type="subscribe", id=1, select=[{"metric": "*"}])
    client.take()
    return client


def values_in(messages: list[Message]) -> list[float]:
    return [v for m in messages if m["type"] == "samples" for _, _, values in m["series"] for v in values]


def acks(messages: list[Message]) -> list[int]:
    return [message["id"] for message in messages if message["type"] == "ack"]


def test_accepted_is_acknowledged_and_shown_at_once(tmp_path: Path) -> None:
    world = Kept(tmp_path)
    client, viewer = producer(world), watching(world)
    assert acks(send(client, 1, 5)) == [1]
    world.flush()
    assert values_in(viewer.take()) == [5.0]


def test_committed_is_acknowledged_and_shown_after_the_commit(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client, viewer = producer(world), watching(world)
    assert send(client, 1, 5) == []
    assert send(client, 2, 6) == []
    world.flush()
    assert send(client, 3, 7) == []
    world.flush()
    assert (client.take(), viewer.take(), world.history.seq) == ([], [], 0)
    world.commit(1)
    assert acks(client.take()) == [1, 2]
    world.flush()
    assert (values_in(viewer.take()), world.history.seq) == ([5.0, 6.0], 1)
    world.commit()
    assert acks(client.take()) == [3]
    world.flush()
    assert values_in(viewer.take()) == [7.0]
    assert viewer.mailbox.empty


def test_a_duplicate_is_acknowledged_in_its_turn(tmp_path: Path) -> None:
    """Its first sending may not be stored yet."""
    world = Kept(tmp_path, durability="committed")
    send(producer(world), 1, 5)
    second = producer(world)
    assert send(second, 1, 5) == []
    world.flush()
    world.commit()
    (ack,) = second.take()
    assert (ack["id"], ack.get("duplicate")) == (1, True)


def test_a_client_that_left_is_told_nothing(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client = producer(world)
    send(client, 1, 5)
    client.session.leave()
    world.flush()
    world.commit()
    assert client.take() == []


def test_a_message_with_nothing_good_is_acknowledged_without_a_commit(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client = producer(world)
    assert acks(client.ask(type="publish", id=1, samples=[{"metric": "a", "value": "x"}])) == [1]


def test_while_it_fails_messages_with_ids_are_refused_and_the_rest_is_live(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client, viewer = producer(world), watching(world)
    send(client, 1, 5)
    world.flush()
    world.writer.broken = True
    world.commit()
    world.flush()
    assert values_in(viewer.take()) == [5.0]  # shown although it is not stored
    assert client.take() == []  # not acknowledged, though
    (error,) = send(client, 2, 6)
    assert (error["type"], error["code"], error["id"]) == ("error", "rate_limited", 2)
    world.publish("b", 8)
    world.flush()
    assert values_in(viewer.take()) == [8.0]
    world.writer.broken = False
    world.commit()
    assert acks(client.take()) == [1]
    assert send(client, 2, 6) == []  # the same id is taken now, and applied once
    world.flush()
    assert values_in(viewer.take()) == []
    world.commit()
    assert acks(client.take()) == [2]
    world.flush()
    assert values_in(viewer.take()) == [6.0]


def test_a_disk_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client, viewer = producer(world), watching(world)
    send(client, 1, 5)
    world.flush()
    world.clock.now += 2.5
    world.sweep(world.clock.now)
    world.flush()
    assert (values_in(viewer.take()), client.take()) == ([5.0], [])
    world.commit()
    assert acks(client.take()) == [1]


def test_what_does_not_fit_the_queue_is_lost_and_counted(tmp_path: Path, again: Path) -> None:
    world = Kept(tmp_path, queue_bytes=3_000)
    client = producer(world)
    for id in range(1, 4):
        assert acks(send(client, id, *range(100))) == [id]
        world.flush()
    assert (world.recorder.lost_batches, world.history.seq) == (2, 3)
    world.commit()
    send(client, 4, 9)
    world.flush()
    world.commit()
    after = Kept(world.crash(again))
    assert after.values("a") == [*range(100), 9.0]
    assert after.history.lost_seq == 3
    assert not after.history.holds_after(after.records("a"), 2)
    assert after.history.holds_after(after.records("a"), 3)


def test_in_committed_mode_what_was_applied_is_stored_however_full_the_queue_is(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed", queue_bytes=6_000)
    client, viewer = producer(world), watching(world)
    assert send(client, 1, *range(80)) == []
    world.flush()
    assert send(client, 2, *range(400)) == []
    world.flush()  # too much beside the one that waits
    assert world.writer.progress.queued_bytes > 6_000
    assert client.take() == []
    assert values_in(viewer.take()) == []
    (error,) = send(client, 3, 1)
    assert (error["code"], error["id"]) == ("rate_limited", 3)  # refused before it is applied
    world.commit()
    assert acks(client.take()) == [1, 2]
    world.flush()
    assert len(values_in(viewer.take())) == 480
    assert world.recorder.lost_batches == 0
    world.clock.now += 1.0  # as long as it was told to wait
    assert send(client, 3, 1) == []  # no duplicate
    world.flush()
    world.commit()
    assert [ack.get("duplicate") for ack in client.take()] == [None]


def test_what_has_no_ack_does_not_fit_a_full_queue_whatever_is_sent_beside_it(tmp_path: Path) -> None:
    world = Kept(tmp_path, durability="committed", queue_bytes=6_000)
    client, viewer = producer(world), watching(world)
    assert send(client, 1, 7) == []
    world.flush()
    duplicates = list[Client]()
    for number in range(20):
        world.publish("b", *[float(number)] * 100)
        again = producer(world)
        assert send(again, 1, 7) == []  # an ack of it may wait, but not for what has no id
        duplicates.append(again)
        world.flush()
    assert world.writer.progress.queued_bytes <= 6_000
    assert world.recorder.lost_batches > 10
    assert len(values_in(viewer.take())) > 1_000  # live all the same
    world.commit()
    assert [(ack["id"], ack.get("duplicate")) for ack in client.take()] == [(1, None)]
    assert [(ack["id"], ack.get("duplicate")) for each in duplicates for ack in each.take()] == [(1, True)] * 20


def test_a_full_queue_takes_nothing_until_half_of_it_is_free(tmp_path: Path) -> None:
    """What is lost in one piece is told as one loss, and nothing is made ready in vain for each flush."""
    world = Kept(tmp_path, queue_bytes=10_000)
    for number in range(10):
        world.publish("a", *[float(number)] * 100)
        world.flush()
    queued, lost = world.writer.queued, world.recorder.lost_batches
    assert queued + lost == 10
    assert queued > 3
    world.commit(1)
    world.publish("a", 11.0)
    world.flush()
    assert (world.writer.queued, world.recorder.lost_batches) == (queued - 1, lost + 1)
    world.commit(queued // 2)
    world.publish("a", 12.0)
    world.flush()
    assert world.recorder.lost_batches == lost + 1


def test_of_series_that_came_and_went_while_the_queue_was_full_nothing_is_kept(tmp_path: Path, again: Path) -> None:
    world = Kept(tmp_path, queue_bytes=4_000, history_age_s=10.0)
    for _ in range(5):
        world.publish("early", *[1.0] * 100)
        world.flush()
    assert world.recorder.lost_batches
    for number in range(50):
        world.publish(f"late.{number}", 1.0)
        world.flush()
        for _ in range(2):
            world.clock.now += 20.0
            world.hub.sweep(world.clock.now)
    assert world.history.records == {}
    world.commit()
    world.publish("last", 2.0)
    world.flush()
    (unit,) = world.writer._queue
    assert [row[1] for row in unit.series] == ["last"]
    assert [key for _, key in unit.gone] == [1]  # which the file knows
    world.commit()
    after = Kept(world.crash(again), history_age_s=10.0)
    names = {record.series.metric for record in after.history.records.values()}
    assert names == {"early", "last"}  # by the time of day the first is young enough to be seen again


def test_a_series_that_goes_while_a_new_file_is_told_of_it_is_marked_there(tmp_path: Path) -> None:
    world = Kept(tmp_path, history_age_s=10.0)
    world.publish("a", 1.0)
    world.flush()
    world.writer.progress.wants_all = True
    world.advance()
    world.clock.now += 20.0
    world.hub.sweep(world.clock.now)
    world.publish("b", 1.0)
    world.flush()
    assert [key for unit in world.writer._queue for _, key in unit.gone] == [1]


def test_a_new_file_is_not_told_of_an_id_before_its_samples(tmp_path: Path, again: Path) -> None:
    world = Kept(tmp_path, durability="committed")
    client = producer(world)
    world.publish("other", 5.0)
    world.flush()
    assert send(client, 2, 7) == []  # not flushed yet
    world.writer.progress.wants_all = True  # as the writer says of a new file
    world.advance()
    world.commit()
    after = Kept(world.crash(again), durability="committed")
    client = producer(after)
    assert send(client, 2, 7) == []
    after.flush()
    after.commit()
    assert [ack.get("duplicate") for ack in client.take()] == [None]
    assert after.values("a") == [7.0]


def test_a_message_in_two_batches_is_stored_as_a_whole(tmp_path: Path, again: Path) -> None:
    """Otherwise its producer sends it again, and half of it comes twice."""
    world = Kept(tmp_path, samples_per_message=0)
    client = producer(world)
    columns = [{"metric": m, "time": [1.0] * 8_000, "value": [1.0] * 8_000} for m in ("a", "b")]
    client.say(type="publish", id=1, samples=columns)  # more than a batch takes: `a` is collected amid the message
    assert world.history.seq == 1
    world.commit()
    after = Kept(world.crash(again), samples_per_message=0)
    assert after.values("a") == []
    client = producer(after)
    client.say(type="publish", id=1, samples=columns)
    after.flush()
    after.commit()
    assert [ack.get("duplicate") for ack in client.take()] == [None]
    assert (len(after.values("a")), len(after.values("b"))) == (8_000, 8_000)
