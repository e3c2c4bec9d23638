import shutil
import sqlite3
import time
import uuid
from pathlib import Path

import pytest

from broadcaster.ring import NUMBER_BYTES
from broadcaster.store.restore import KEY_LEAP, SEQ_LEAP
from broadcaster.store.units import Batch, Unit
from ingest.samples import Entry, Series
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.store.keeping import Kept
from tests.broadcaster.store.test_recorder import producer, send, values_in
from tests.broadcaster.world import Client

OTHER = str(uuid.UUID(int=8))


@pytest.fixture
def again(tmp_path: Path) -> Path:
    path = tmp_path / "again"
    path.mkdir()
    return path


def fill(world: Kept, *values: float, metric: str = "a") -> None:
    for value in values:
        world.publish(metric, value)
        world.flush()
    world.commit()


def resume(world: Kept, cursor: str) -> tuple[Message, list[float]]:
    client: Client = world.client()
    client.take()
    subscribed, *rest = client.ask(type="subscribe", id=1, select=[{"metric": "*"}], resume=cursor)
    client.pump()
    return subscribed, values_in(rest + client.take())


def test_after_a_clean_end_it_goes_on_as_it_was(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    first.accept(Entry(Series("a", (("x", "y"),)), [1.0], [None], "counter", "s", "help"))
    first.accept(Entry(Series("b"), [1.0], ["deployed"], "event"))
    first.flush()
    first.accept(Entry(Series("a", (("x", "y"),)), [], [], None, "ms"))
    first.publish("c", 3)
    first.flush()
    first.stop()
    second = Kept(tmp_path)
    assert second.history.epoch == first.history.epoch and second.history.seq > SEQ_LEAP
    assert [r.descriptor() for r in second.history.records.values()] == [
        r.descriptor() for r in first.history.records.values()
    ]
    assert second.values("b") == ["deployed"]
    assert resume(second, f"{first.history.epoch}:1") == (resume(second, f"{first.history.epoch}:1")[0], [3.0])
    second.publish("d", 4)
    assert 4 + KEY_LEAP <= second.records("d")[0].key < 4 + 2 * KEY_LEAP


def test_an_older_copy_that_is_put_back_resumes_nobody_over_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    first = Kept(tmp_path / "data")
    fill(first, 1, 2)
    first.stop()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    second = Kept(tmp_path / "data")
    fill(second, 3, 4)
    lost = f"{second.history.epoch}:{second.history.seq}"
    second.stop()
    third = Kept(tmp_path / "copy")
    fill(third, *range(10, 20))
    assert not resume(third, lost)[0]["resumed"]
    subscribed, values = resume(third, f"{first.history.epoch}:2")
    assert (subscribed["resumed"], values) == (True, list(map(float, range(10, 20))))


def test_after_a_crash_what_was_served_and_lost_is_not_resumed_from(tmp_path: Path, again: Path) -> None:
    first = Kept(tmp_path)
    fill(first, 1, 2, 3)
    for value in (4, 5):  # served, and not stored
        first.publish("a", value)
        first.flush()
    first.publish("n", 1)
    epoch, lost_key = first.history.epoch, first.records("n")[0].key
    second = Kept(first.crash(again))
    assert (second.history.epoch, second.values("a")) == (epoch, [1.0, 2.0, 3.0])
    for value in range(10, 15):
        second.publish("a", value)
        second.flush()
    new = [10.0, 11.0, 12.0, 13.0, 14.0]
    for seq in (2, 3, 5):  # 4 and 5 were acknowledged: nobody may take what is left for the whole
        subscribed, values = resume(second, f"{epoch}:{seq}")
        assert (subscribed["resumed"], values) == (False, [1.0, 2.0, 3.0, *new])
    subscribed, values = resume(second, subscribed["cursor"])
    assert (subscribed["resumed"], values) == (True, [])
    second.publish("m", 1)
    assert second.records("m")[0].key > lost_key


@pytest.mark.parametrize(
    ("lost", "remembers", "resumed"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_after_a_crash_all_are_resumed_if_nothing_acknowledged_is_lost(
    tmp_path: Path, again: Path, *, lost: bool, remembers: bool, resumed: bool
) -> None:
    first = Kept(tmp_path)
    fill(first, 1, 2, 3)
    if lost:
        first.publish("a", 4)  # not even in a batch yet
    second = Kept(first.crash(again, remembers=remembers))
    fill(second, 5)
    subscribed, values = resume(second, f"{first.history.epoch}:2")
    assert (subscribed["resumed"], values) == (resumed, [3.0, 5.0] if resumed else [1.0, 2.0, 3.0, 5.0])


def test_breaks_are_remembered_over_lives(tmp_path: Path) -> None:
    world = Kept(tmp_path)
    fill(world, 1)
    epoch = world.history.epoch
    for life in range(3):
        place = tmp_path / str(life)
        place.mkdir()
        world = Kept(world.crash(place))
        fill(world, life)
    assert len(world.history.breaks) == 3
    assert [resume(world, f"{epoch}:{last + 1}")[0]["resumed"] for last, _ in world.history.breaks] == [False] * 3
    assert [resume(world, f"{epoch}:{last}")[0]["resumed"] for last, _ in world.history.breaks] == [True] * 3
    world.stop()


def test_ids_are_known_after_a_crash(tmp_path: Path, again: Path) -> None:
    first = Kept(tmp_path, durability="committed")
    client = producer(first)
    send(client, 1, 5)
    first.flush()
    first.commit()
    first.writer.broken = True
    first.commit()
    send(client, 2, 6)  # acknowledged by nobody
    first.flush()
    second = Kept(first.crash(again), durability="committed")
    client = producer(second)
    assert [ack.get("duplicate") for ack in send(client, 1, 5)] == [True]
    assert send(client, 2, 6) == []
    second.flush()
    second.commit()
    assert [ack.get("duplicate") for ack in client.take()] == [None]
    assert second.values("a") == [5.0, 6.0]


def test_an_id_that_was_refused_may_come_again(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    client = producer(first)
    send(client, 1, 5)
    assert client.ask(type="publish", id=2, samples="none")[0]["type"] == "error"
    send(client, 3, 7)
    first.stop()
    second = Kept(tmp_path)
    client = producer(second)
    assert [ack.get("duplicate") for id in (1, 2, 3) for ack in send(client, id, 0)] == [True, None, True]


def test_refused_ids_of_an_earlier_broadcaster_are_read(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    client = producer(first)
    send(client, 3, 7)
    first.stop()
    with sqlite3.connect(tmp_path / "history.sqlite") as sql:
        sql.execute("UPDATE producers SET refused = '[1, [2, 2]]'")
    sql.close()
    second = Kept(tmp_path)
    client = producer(second)
    assert [ack.get("duplicate") for id in (1, 2, 3) for ack in send(client, id, 0)] == [None, None, True]


def test_only_what_the_history_may_hold_comes_back(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    fill(first, *range(10))
    first.stop()
    small = Kept(tmp_path, history_bytes=3 * NUMBER_BYTES)
    assert (small.values("a"), small.history.lost_seq) == ([7.0, 8.0, 9.0], 7)
    small.stop()
    few = Kept(tmp_path, history_points=2)
    assert few.values("a") == [8.0, 9.0]
    assert not few.history.holds_after(few.records("a"), 7)
    few.stop()
    time.sleep(0.02)
    late = Kept(tmp_path, history_age_s=0.01)
    assert (late.values("a"), late.history.lost_seq, len(late.records("a"))) == ([], 10, 1)


def test_a_damaged_batch_is_left_out_and_nobody_is_resumed_over_it(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    fill(first, 1, 2, 3)
    first.file._sql.execute("UPDATE batches SET data = x'00' WHERE seq = 2")
    first.stop()
    second = Kept(tmp_path)
    assert (second.restored.damaged_batches, second.values("a")) == (1, [1.0, 3.0])
    assert not resume(second, f"{first.history.epoch}:1")[0]["resumed"]
    assert resume(second, f"{first.history.epoch}:2")[0]["resumed"]


def test_samples_of_unknown_series_are_left_out(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    fill(first, 1)
    first.file._sql.execute("DELETE FROM series")
    first.stop()
    assert not Kept(tmp_path).history.records


def test_a_series_that_was_forgotten_comes_back_with_its_samples_only(tmp_path: Path) -> None:
    first = Kept(tmp_path, history_age_s=10)
    fill(first, 1, metric="old")
    for _ in range(2):
        first.clock.now += 11
        first.hub.sweep(first.clock.now)
    fill(first, 2, metric="new")
    first.stop()
    second = Kept(tmp_path)  # whose history is longer
    assert second.values("old") == [1.0]
    assert [record.series.metric for record in second.restored.returned] == ["old"]
    second.stop()
    blank = Kept(tmp_path, history_points=0, history_bytes=1)
    assert [record.series.metric for record in blank.history.records.values()] == ["new"]


def test_units_with_only_descriptions_are_written(tmp_path: Path) -> None:
    world = Kept(tmp_path)
    world.file.write([Unit(1, [], [(5, "x", "{}", "gauge", None, None)]), Unit(2, [Batch(1, 1.0, 0, b"")])])
    assert world.file.next_key == 6
