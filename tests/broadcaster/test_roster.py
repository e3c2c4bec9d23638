import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from broadcaster import errors
from broadcaster.auth import EVERYTHING
from broadcaster.errors import Close
from broadcaster.roster import Roster
from broadcaster.transports.handshake import Admission
from ingest.samples import Entry, Series
from tests.broadcaster.test_server import broadcaster, connect, subscribe


async def test_who_comes_and_goes_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streamgauge")
    async with broadcaster() as (running, _):
        client = await connect(running)
        with client.sock:
            await client.say(type="hello", client="a test")
            await client.say(type="publish", id=1, samples=[{"metric": "a", "value": 1}])
            await client.receive("ack")
    events = {record.getMessage(): vars(record) for record in caplog.records}
    opened, closed = events["connection opened"], events["connection closed"]
    assert opened["connection"] == closed["connection"]
    assert opened["address"].startswith("127.0.0.1:")
    told = {name: closed[name] for name in ("role", "client", "code", "published_samples")}
    assert told == {"role": "producer", "client": "a test", "code": 1006, "published_samples": 1}
    assert closed["by"] == "client"


def entered(roster: Roster) -> Any:
    stream = SimpleNamespace(before_close=None, last_words=None, received_at=0.0)
    return roster.enter(cast(Any, stream), Admission(None, EVERYTHING), "127.0.0.1:5000")


async def test_there_is_room_for_so_many_and_for_nobody_when_it_is_closed() -> None:
    async with broadcaster() as (running, _):
        roster = Roster(running._shared, 2)
        first, _second = entered(roster), entered(roster)
        assert roster.full()
        roster.leave(first)
        assert not roster.full()
        roster.closed = True
        assert roster.full()
        assert (len(roster), roster.opened, roster.closes) == (1, 2, {"peer": 1})


async def test_it_says_when_all_have_left() -> None:
    async with broadcaster() as (running, _):
        roster = Roster(running._shared, 9)
        connections = [entered(roster) for _ in range(3)]
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(roster.emptied)
                for connection in connections:
                    await trio.lowlevel.checkpoint()
                    connection.closing = Close(4000, "")
                    roster.leave(connection)
        assert roster.closes == {"4000": 3}


async def test_large_answers_for_those_who_take_nothing() -> None:
    """Of two one has to go, and it is enough; who has little waiting stays."""
    async with broadcaster(answers_bytes=1_000_000, close_s=0.1) as (running, _):
        entries = [Entry(Series("many", (("n", f"{n:070}"),)), [1.0], [1.0]) for n in range(5_000)]
        running.hub.publish([*entries, Entry(Series("one"), [1.0], [1.0])], trio.current_time())
        running.hub.flush(trio.current_time())
        clients = [await connect(running) for _ in range(3)]
        with clients[0].sock, clients[1].sock, clients[2].sock:
            await subscribe(clients[0], "one")
            for client in clients[1:]:
                await client.say(type="subscribe", id=1, select=[{"metric": "*"}])
            with trio.fail_after(10):
                while sum(each.writing for each in running._roster) < 2:
                    await trio.lowlevel.checkpoint()
            kept = running._roster.answers_bytes
            assert kept > 1_000_000
            now = trio.current_time()
            for late_s in (0.0, 1.9):
                running._roster.check(now + late_s)
            assert running.refusals.counts == {}
            running._roster.check(now + 2.1)
            assert running.refusals.counts == {"answers_bytes": 1}
            closed = [each.closing for each in running._roster]
            assert sorted(closed, key=bool) == [None, None, errors.TOO_SLOW]
            assert 0 < running._roster.answers_bytes < kept * 0.6
            stays = clients[2] if closed[1] else clients[1]
            assert len((await stays.receive("subscribed"))["series"]) == 5_001
