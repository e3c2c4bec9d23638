"""Connections over loopback, with clients that read or do not."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson
import pytest
import trio

from broadcaster import errors
from broadcaster.certificate import certificate_of
from broadcaster.errors import Close
from broadcaster.listener import Listener
from broadcaster.stream import FrameStream
from broadcaster.transports.handshake import Admission
from broadcaster.transports.websocket import Connection
from ingest.listening import listen
from ingest.samples import Entry, Series
from ingest.settings import Address
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.raw_client import RawClient, client_frame
from tests.broadcaster.sealed import sealed
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.world import World

ALL = [{"metric": "*"}]
pytestmark = pytest.mark.usefixtures("either_way")


@dataclass
class Service:
    """A listener whose hub is flushed by the test."""

    world: World
    port: int = 0
    connections: list[Connection] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)
    nursery: trio.Nursery | None = None

    def full(self) -> bool:
        return False

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        connection = Connection(self.world.shared, stream, admission.grant, address)
        self.connections.append(connection)
        return connection

    def leave(self, connection: Connection) -> None:
        assert connection in self.connections
        self.ended.set()

    async def client(self, **hello: object) -> tuple[RawClient, Connection]:
        client = await RawClient.connect(self.port)
        assert (await client.open()).startswith("HTTP/1.1 101 ")
        assert (await client.receive())["type"] == "welcome"
        await client.say(type="hello", **hello)
        return client, self.connections[-1]

    async def subscriber(self, **hello: object) -> tuple[RawClient, Connection]:
        client, connection = await self.client(**hello)
        await client.say(type="subscribe", id=1, select=ALL)
        assert (await client.receive())["type"] == "subscribed"
        return client, connection

    def publish(self, *values: float) -> None:
        self.world.publish("a", *values)
        self.world.flush()


@asynccontextmanager
async def service(**settings: Any) -> AsyncIterator[Service]:
    world = World(**sealed.settings, **settings)
    world.shared.clock = trio.current_time
    mine = Service(world)
    listener = Listener(
        world.config,
        world.shared.authenticator,
        mine,
        certificate_of(world.config),
        addresses=world.shared.addresses,
        refusals=world.shared.refusals,
    )
    with listen(Address("127.0.0.1", 0), 10) as sock:
        sock.setblocking(False)
        mine.port = sock.getsockname()[1]
        async with trio.open_nursery() as mine.nursery:
            nursery = mine.nursery
            nursery.start_soon(listener.accept, sock, nursery)
            yield mine
            nursery.cancel_scope.cancel()


def count(message: Message) -> int:
    return int(message["samples"]) if message["type"] == "gap" else sum(len(times) for _, times, _ in message["series"])


async def test_a_reader_is_written_to_at_once() -> None:
    async with service() as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            mine.publish(1.0, 2.0)
            assert (await client.receive())["type"] == "series"
            assert count(await client.receive()) == 2
            traffic = connection.traffic()
            assert (traffic.batches, traffic.samples, connection.queued()) == (1, 2, (0, 0))


@pytest.mark.parametrize("overflow", ["conflate", "drop_oldest"])
async def test_who_stops_reading_is_told_what_was_missed(overflow: str) -> None:
    async with service(mailbox_batches=4) as mine:
        client, connection = await mine.subscriber(overflow=overflow)
        with client.sock:
            sent = 0
            while not connection.traffic().dropped_batches.get(overflow):
                mine.publish(*[1.0] * 5_000)
                sent += 5_000
                await trio.lowlevel.checkpoint()
            assert 0 < connection.queued()[0] <= 4
            await client.say(type="ping", time=1)
            found: list[Message] = []
            while sum(count(each) for each in found if "conflated" not in each) < sent:
                if (message := await client.receive())["type"] in ("samples", "gap"):
                    found.append(message)
            chain = [(each.get("prev", each.get("from")), each.get("seq", each.get("to"))) for each in found]
            live = [ends for ends, each in zip(chain, found, strict=True) if "conflated" not in each]
            assert all(after[0] == before[1] for before, after in pairwise(live))
            assert any(each["type"] == "gap" for each in found)
            assert any(each.get("conflated", False) for each in found) == (overflow == "conflate")


async def test_who_stops_reading_and_wants_no_gaps_is_closed() -> None:
    async with service(mailbox_batches=2, close_s=0.1) as mine:
        client, connection = await mine.subscriber(overflow="disconnect")
        with client.sock:
            while connection.closing is None:
                mine.publish(*[1.0] * 5_000)
                await trio.lowlevel.checkpoint()
            assert connection.closing is errors.TOO_SLOW


async def test_one_that_does_not_read_holds_up_nobody() -> None:
    async with service(mailbox_batches=2) as mine:
        stuck, connection = await mine.subscriber()
        client, _ = await mine.subscriber()
        with stuck.sock, client.sock:
            while not connection.traffic().dropped_batches.get("conflate"):
                mine.publish(*[1.0] * 5_000)
                assert count(await client.receive("samples")) == 5_000


async def test_a_backfill_larger_than_any_buffer_arrives_before_what_came_meanwhile() -> None:
    async with service() as mine:
        for _ in range(30):
            mine.publish(*[1.0] * 1_000)
        client, _ = await mine.client()
        with client.sock:
            await client.say(type="subscribe", id=1, select=ALL, history=1e12)
            answer = await client.receive()
            mine.publish(2.0)
            total = 0
            while (message := await client.receive()).get("backfill"):
                total += count(message)
            assert (total, message["prev"], count(message)) == (30_000, answer["seq"], 1)


@pytest.mark.parametrize("close", [Close(4000, "shutting down", (0.0, 5.0)), errors.BAD_MESSAGES])
async def test_a_close_says_bye_first_and_the_first_reason_counts(close: Close) -> None:
    async with service() as mine:
        client, connection = await mine.client()
        with client.sock:
            connection.close(close)
            connection.close(errors.TOO_SLOW)
            bye = (await client.receive_all())[-1]
            expected = {"code": close.code, "reason": close.reason, "reconnect": close.reconnect}
            assert bye == {"type": "bye", "after": list(close.after)} | expected
            assert client.close_code == close.code


async def test_what_waits_reaches_a_client_that_reads_before_it_is_let_go() -> None:
    async with service() as mine:
        client, connection = await mine.subscriber()
        with client.sock:
            for _ in range(100):
                mine.publish(*[1.0] * 1_000)
            assert connection.queued()[0] > 0
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.drained)
                found = [await client.receive("samples") for _ in range(100)]
            assert sum(map(count, found)) == 100_000
            assert connection.queued() == (0, 0)


async def test_too_many_answers_for_a_client_that_does_not_read_close_it() -> None:
    async with service(control_bytes=5_000, close_s=0.1, bad_messages_max=0) as mine:
        client, connection = await mine.client()
        with client.sock, trio.fail_after(30):
            with suppress(OSError):
                while connection.closing is None:
                    await client.send(client_frame(b'{"type":"ping","time":1}') * 1_000)
            assert connection.closing is errors.TOO_SLOW


async def test_who_reads_slowly_is_told_of_each_series_once_as_it_is_then() -> None:
    """What is said of all of them is more than `control_bytes`, again and again."""
    async with service(control_bytes=100_000) as mine:
        client, connection = await mine.subscriber()
        with client.sock, trio.fail_after(30):
            while not connection.queued()[0]:
                mine.publish(*[1.0] * 5_000)
            many = [Series("b", (("host", str(number)),)) for number in range(500)]
            for text in ("first", "second", "third"):
                mine.world.accept(*(Entry(series, [1.0], [1.0], help=f"{text} {'h' * 900}") for series in many))
                mine.world.flush()
            assert connection.closing is None
            described, found = dict[int, str](), list[Message]()
            while len([each for each in found if each["type"] == "samples"]) < 3:
                message = await client.receive()
                if message["type"] == "series":
                    told = {each["key"]: each["help"] for each in message["series"] if each["metric"] == "b"}
                    assert not told.keys() & described.keys()
                    described |= told
                elif message["type"] == "samples" and any(key in described for key, _, _ in message["series"]):
                    assert len(described) == 500
                    found.append(message)
            assert {text[:5] for text in described.values()} == {"third"}


async def test_a_series_of_its_own_is_described_before_its_samples() -> None:
    """Even if they are served before all that came together with them is handled."""
    async with service() as mine:
        client, _ = await mine.subscriber()
        with client.sock:
            column = [1.0] * 6_000
            messages = [
                {"type": "publish", "samples": [{"metric": f"m{n}", "time": column, "value": column}]} for n in (1, 2)
            ]
            await client.send(b"".join(client_frame(orjson.dumps(message)) for message in messages))
            assert [(await client.receive())["type"] for _ in range(2)] == ["series", "samples"]


async def test_nothing_is_handled_behind_what_closed_it() -> None:
    """Of messages that came together."""
    async with service() as mine:
        client, connection = await mine.client()
        with client.sock:
            connection.close(errors.TOO_SLOW)
            connection.session.receive_all([b'{"type":"subscribe","id":1,"select":[{}]}', b'{"type":"ping","time":1}'])
            assert connection.session.subscriptions == {}


async def test_it_pings_and_closes_the_silent() -> None:
    async with service(ping_interval_s=20.0) as mine:
        client, connection = await mine.client()
        with client.sock:
            now = trio.current_time()
            for after in (19.0, 20.5, 39.5):
                connection.check(now + after)
                assert connection.closing is None
            connection.check(now + 60.0)
            assert connection.closing is errors.NO_PONG
            await client.receive_all()
            assert (client.pings, client.close_code) == (1, 4001)


async def test_it_closes_who_has_an_expired_token() -> None:
    async with service() as mine:
        client, connection = await mine.client()
        with client.sock:
            connection.session.grant = Only("a", expires=time.time() + 60)
            connection.check(trio.current_time())
            assert connection.closing is None
            connection.session.grant = Only("a", expires=time.time())
            connection.check(trio.current_time())
            await client.receive_all()
            assert client.close_code == 4501


async def test_who_is_connected_can_be_told() -> None:
    async with service() as mine:
        client, connection = await mine.client(client="a test", overflow="drop_oldest")
        with client.sock:
            assert connection.role == "idle"
            await client.say(type="publish", id=1, samples=[{"metric": "a", "value": 1}])
            await client.receive("ack")
            assert connection.role == "producer"
            await client.say(type="subscribe", id=7, select=[{"metric": "a*"}, {"tags": {"host": "x"}}])
            await client.receive("subscribed")
            told = connection.describe(trio.current_time())
            assert (told["role"], told["client"], told["overflow"]) == ("subscriber", "a test", "drop_oldest")
            assert told["subscriptions"] == {"7": ["*{host=x}", "a*"]}
            assert (told["published_samples"], told["queued_batches"]) == (1, 0)
            assert 0 <= told["last_seen_s"] < 60 and abs(connection.since - time.time()) < 60


async def test_a_client_that_vanishes_leaves_its_audience() -> None:
    async with service() as mine:
        client, connection = await mine.subscriber()
        client.sock.close()
        with trio.fail_after(10):
            await mine.ended.wait()
        assert connection.closing is None
        assert mine.world.hub.audiences == 0
