"""The whole broadcaster in this process, over loopback."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from broadcaster import server as server_module
from broadcaster.audience import SECTION_MEMBERS
from broadcaster.config import BroadcasterConfig
from broadcaster.history import Record
from broadcaster.server import Broadcaster, serve
from ingest.errors import CommandError
from ingest.listening import listen
from ingest.samples import Entry, Series
from ingest.settings import Address
from tests.broadcaster.raw_client import RawClient

ANY = Address("127.0.0.1", 0)
QUIET: dict[str, Any] = {"bind": ANY, "http_bind": ANY, "telemetry_interval_s": 0}


@asynccontextmanager
async def broadcaster(**settings: Any) -> AsyncIterator[tuple[Broadcaster, trio.Nursery]]:
    """Cancelling the nursery's scope drains it."""
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, BroadcasterConfig(**{**QUIET, **settings})), nursery
        nursery.cancel_scope.cancel()


def port(url: str) -> int:
    return int(url.removesuffix("/v1/stream").rpartition(":")[2])


async def connect(running: Broadcaster) -> RawClient:
    client = await RawClient.connect(port(running.url))
    assert (await client.open()).startswith("HTTP/1.1 101 ")
    assert (await client.receive())["type"] == "welcome"
    return client


async def subscribe(client: RawClient, metric: str = "*") -> None:
    await client.say(type="subscribe", id=1, select=[{"metric": metric}])
    await client.receive("subscribed")


async def test_a_sample_goes_from_a_producer_to_a_subscriber() -> None:
    async with broadcaster() as (running, _):
        producer, subscriber = await connect(running), await connect(running)
        with producer.sock, subscriber.sock:
            await subscribe(subscriber)
            await producer.say(type="publish", id=1, samples=[{"metric": "a", "time": 5, "value": 7}])
            assert (await producer.receive("ack"))["accepted"] == 1
            assert (await subscriber.receive("samples"))["series"] == [[1, [5.0], [7.0]]]
            figures = running.figures()
            assert figures.connections == {"producer": 1, "subscriber": 1, "idle": 0}
            assert (figures.accepted_samples, figures.delivered_samples, figures.subscriptions) == (1, 1, 1)
            assert {each["role"] for each in running.connections(10)} == {"producer", "subscriber"}


async def test_a_lone_sample_reaches_every_section_of_a_large_audience() -> None:
    """Nothing follows that could push on what was left behind."""
    async with broadcaster() as (running, _):
        with ExitStack() as sockets, trio.fail_after(20):
            producer, *subscribers = [await connect(running) for _ in range(3 * SECTION_MEMBERS)]
            for client in (producer, *subscribers):
                sockets.enter_context(client.sock)
            for subscriber in subscribers:
                await subscribe(subscriber)
            for value in (1, 2):
                await producer.say(type="publish", samples=[{"metric": "a", "time": 5, "value": value}])
                for subscriber in subscribers:
                    assert (await subscriber.receive("samples"))["series"] == [[1, [5.0], [value]]]


async def test_a_drain_delivers_what_waits_says_bye_and_accepts_nobody() -> None:
    async with broadcaster(reconnect_spread_s=7.0) as (running, nursery):
        client = await connect(running)
        with client.sock:
            await subscribe(client)
            running.publish({"samples": [{"metric": "a", "value": 1}]}, running.authorise(None), "test", 5.0)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                *found, bye = await client.receive_all()
                assert [message["type"] for message in found] == ["series", "samples"]
                after = {"reconnect": True, "after": [0.0, 7.0]}
                assert bye == {"type": "bye", "code": 4000, "reason": "shutting down"} | after
                assert client.close_code == 4000
                with pytest.raises(OSError):
                    await RawClient.connect(port(running.url))
    assert running.figures().closes == {"4000": 1}


async def test_balancers_get_a_moment_to_notice_in_which_it_serves_as_ever() -> None:
    with trio.fail_after(20):
        async with broadcaster(drain_ready_s=0.5) as (running, nursery):
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                while running.ready:
                    await trio.lowlevel.checkpoint()
                client = await connect(running)
                with client.sock:
                    assert not running.draining
                    assert [message["type"] for message in await client.receive_all()] == ["bye"]
                    assert running.draining


async def test_a_client_that_does_not_read_cannot_hold_up_the_drain() -> None:
    large = {"samples": [{"metric": "a", "time": [1.0] * 5_000, "value": [1.0] * 5_000}]}
    with ExitStack() as sockets, trio.fail_after(20):
        async with broadcaster(drain_s=0.4, close_s=0.2, samples_per_second=0) as (running, _):
            client = await connect(running)
            sockets.enter_context(client.sock)
            await subscribe(client)
            for _ in range(200):
                running.publish(large, running.authorise(None), "test", 5.0)
            assert running.figures().mailbox_batches > 0
        assert running.figures().connections["subscriber"] == 0


async def test_too_many_connections_are_refused() -> None:
    async with broadcaster(connections_max=1) as (running, _):
        client = await connect(running)
        other = await RawClient.connect(port(running.url))
        with client.sock, other.sock:
            head = await other.open()
            assert head.startswith("HTTP/1.1 503 ")
            assert "retry-after: 1" in head.lower()


@pytest.mark.parametrize("which", ["bind", "http_bind"])
async def test_a_port_that_is_taken_is_named(which: str) -> None:
    with listen(ANY, 1) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        expected = pytest.RaisesExc(CommandError, match=f"cannot listen on {address}")
        with pytest.RaisesGroup(expected, flatten_subgroups=True):
            async with broadcaster(**{which: address}):
                raise AssertionError("it started")


async def test_its_own_figures_are_samples() -> None:
    async with broadcaster(telemetry_interval_s=0.05) as (running, _):
        client = await connect(running)
        with client.sock:
            await subscribe(client, "broadcaster.*")
            described = await client.receive("series")
            assert "broadcaster.connections" in {each["metric"] for each in described["series"]}
            assert (await client.receive("samples"))["series"]


async def test_the_urls_say_where_it_is() -> None:
    async with broadcaster() as (running, _):
        assert running.url.startswith("ws://127.0.0.1:") and running.url.endswith("/v1/stream")
        assert running.http_url.startswith("http://127.0.0.1:") and not running.http_url.endswith("/")


async def test_what_is_too_old_goes_in_turns(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SWEEP_LOOKS", 5)
    async with broadcaster(history_age_s=10.0) as (running, _):
        history, sweep, turns = running.hub.history, running.hub.history.sweep, list[int]()

        def counted(*args: Any) -> list[Record]:
            held = history.statistics().samples
            forgotten = sweep(*args)
            turns.append(held - history.statistics().samples)
            return forgotten

        monkeypatch.setattr(history, "sweep", counted)
        running.hub.publish([Entry(Series(f"m{n}"), [1.0], [1.0]) for n in range(100)], trio.current_time())
        await trio.sleep(5.0)
        assert history.statistics().samples == 100
        await trio.sleep(30.0)
        assert (history.statistics().samples, history.statistics().series, sum(turns), max(turns)) == (0, 0, 100, 5)
