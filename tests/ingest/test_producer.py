"""The producer over in-memory streams against a scripted broadcaster; time is the mock clock's."""

import logging
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ingest import CannotConnect, Producer, ProducerClosed, SampleError, open_producer
from tests.ingest.link import Peer, Script, Scripted, Store, values


def opened(*scripts: Script | int | None, **options: Any) -> AbstractAsyncContextManager[Producer]:
    return open_producer(dial=Scripted(*scripts), **options)


async def silent(peer: Peer) -> None:
    await peer.begin()
    while True:
        await peer.receive()


async def until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for is the state of someone else
        await trio.sleep(0.05)


async def test_samples_arrive_in_order_with_the_time_of_the_call(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(store.serve, client="me") as producer:
        await producer.send("a", 1, time=5.0, unit="s", run="x", core=0)
        await producer.send_many("a", [6.0, 7.0], [2.0, None], unit="s", run="x", core=0)
        await producer.event("deploy", "1.2", time=8.0)
        await producer.flush()
        assert producer.statistics().acknowledged == 4
    assert store.messages[0]["samples"] == [
        {"metric": "a", "tags": {"core": "0", "run": "x"}, "time": [5.0, 6.0, 7.0], "value": [1, 2, None], "unit": "s"},
        {"metric": "deploy", "time": 8.0, "value": "1.2", "kind": "event"},
    ]
    assert producer.statistics().state == "closed"


async def test_the_hello_names_the_producer(autojump_clock: MockClock) -> None:
    hellos: list[dict[str, Any]] = []

    async def note(peer: Peer) -> None:
        await peer.begin()
        hellos.append(peer.hello)

    id = uuid4()
    async with opened(note, note, producer_id=id, client="me"):
        await until(lambda: len(hellos) == 2)
    assert hellos == [{"type": "hello", "producer": str(id), "client": "me"}] * 2


async def test_a_batch_goes_when_it_is_full_or_after_its_time(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(store.serve, batch_samples=3, flush_interval_s=0.5) as producer:
        await producer.connected()
        begun = trio.current_time()
        for n in range(4):
            await producer.send("a", n)
        await until(lambda: len(store.messages) == 1)
        assert trio.current_time() - begun < 0.1
        await until(lambda: len(store.messages) == 2)
        assert 0.4 < trio.current_time() - begun < 0.6
    assert values(store.messages) == [0, 1, 2, 3]


async def test_a_full_buffer_goes_at_once_though_it_is_less_than_a_batch(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(store.serve, buffer_samples=10, on_full="block", flush_interval_s=5) as producer:
        await producer.connected()
        begun = trio.current_time()
        await producer.send_many("a", range(100), range(100))
        assert trio.current_time() - begun < 1
    assert values(store.messages) == list(range(100))


async def test_lost_acknowledgements_lose_and_double_nothing(autojump_clock: MockClock) -> None:
    store = Store()
    scripts = [partial(store.serve, acks=acks) for acks in (0, 1, 3, 0, 2)]
    async with opened(*scripts, store.serve, batch_samples=5, window=4) as producer:
        for n in range(100):
            await producer.send("a", n)
        await producer.flush()
        now = producer.statistics()
    assert values(store.messages) == list(range(100))
    assert (now.acknowledged, now.unsent, now.rejected, now.dropped) == (100, 0, 0, 0)
    assert 0 < now.duplicate_messages <= store.repetitions  # some of those acknowledgements were lost, too


async def test_the_window_bounds_what_is_unacknowledged(autojump_clock: MockClock) -> None:
    async with opened(silent, batch_samples=2, window=3, flush_s=0) as producer:
        await producer.send_many("a", range(20), range(20))
        await trio.sleep(5)
        now = producer.statistics()
    assert (now.unacknowledged, now.buffered) == (6, 14)


async def test_a_full_buffer_drops_the_oldest(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    async with opened(None, store.serve, buffer_samples=10) as producer:
        for n in range(25):
            await producer.send("a", n)
        await producer.flush()
        assert producer.statistics().dropped == 15
    assert values(store.messages) == list(range(15, 25))
    assert "the buffer is full" in caplog.text


async def test_a_flush_waits_for_what_was_sent_before_it_whatever_is_dropped_meanwhile(
    autojump_clock: MockClock,
) -> None:
    leave = trio.Event()

    async def leaving(peer: Peer) -> None:
        await peer.begin()
        await leave.wait()

    async with opened(leaving, silent, buffer_samples=10, window=1, flush_s=0) as producer:
        await producer.send_many("a", range(10), range(10))
        await until(lambda: producer.statistics().unacknowledged == 10)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(producer.flush)
            await wait_all_tasks_blocked()
            await producer.send_many("b", range(100), range(100))
            leave.set()
            await until(lambda: producer.statistics().connections == 2)
            await wait_all_tasks_blocked()
            assert nursery.child_tasks, "it waits: nothing of it was acknowledged"
            nursery.cancel_scope.cancel()


async def test_a_full_buffer_blocks(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(*[None] * 6, store.serve, buffer_samples=10, on_full="block", flush_s=100) as producer:
        with trio.move_on_after(1) as waiting:
            for n in range(11):
                await producer.send("a", n)
        assert waiting.cancelled_caught
        await producer.send_many("a", range(10, 60), range(10, 60))
        await producer.flush()
        assert producer.statistics().dropped == 0
    assert values(store.messages) == list(range(60))


async def test_messages_keep_within_the_welcomed_limits(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(partial(store.serve, samples_per_message=7, message_bytes=500)) as producer:
        await producer.send_many("a", range(50), range(50))
        await producer.flush()
    assert values(store.messages) == list(range(50))
    assert max(len(values([message])) for message in store.messages) <= 7


async def test_bad_samples_are_refused_at_the_call(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(store.serve) as producer:
        for call in (
            partial(producer.send, "bad name", 1),
            partial(producer.send, "a", float("nan")),
            partial(producer.send, "a", True),
            partial(producer.send, "a", 1, host=""),
            partial(producer.send, "a", 1, time=1e15),
            partial(producer.send_many, "a", [1, 2], [1]),
            partial(producer.send_many, "a", [1, 2], [1, "x"]),  # type: ignore[list-item]
            partial(producer.event, "e", ""),
        ):
            with pytest.raises(SampleError):
                await call()
        await producer.send("a", 1)
        await producer.flush()
    assert values(store.messages) == [1]


async def test_rejections_are_counted_and_logged(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async def picky(peer: Peer) -> None:
        await peer.begin()
        message = await peer.receive()
        await peer.ack(message, accepted=3, rejected=[{"index": 0, "code": "too_many_series", "message": "no more"}])
        message = await peer.receive()
        await peer.send(type="error", id=message["id"], code="forbidden", message="not yours")
        await peer.ack(await peer.receive())
        await peer.receive()

    async with opened(picky, batch_samples=5) as producer:
        await producer.send_many("a", range(15), range(15))
        await producer.flush()
        now = producer.statistics()
    assert (now.acknowledged, now.rejected) == (8, 7)
    assert caplog.text.count("rejected") == 1  # the second report came too soon after the first


async def test_rate_limited_messages_come_again_later(autojump_clock: MockClock) -> None:
    store, times, refused = Store(), [], list[int]()

    async def strict(peer: Peer) -> None:
        await peer.begin()
        for _ in range(2):
            message = await peer.receive()
            refused.append(message["id"])
            times.append(trio.current_time())
            await peer.send(type="error", id=message["id"], code="rate_limited", message="slow down")
        while True:
            message = await peer.receive()
            times.append(trio.current_time())
            store.messages.append(message)
            await peer.ack(message)

    async with opened(strict, batch_samples=5) as producer:
        await producer.send_many("a", range(10), range(10))
        await producer.flush()
    assert values(store.messages) == list(range(10)), "in their order"
    assert [message["id"] for message in store.messages] == refused, "under their ids, which the broadcaster remembers"
    assert times[-1] - times[0] >= 1.0


@pytest.mark.parametrize(
    ("told", "rest_s"), [(0.3, 0.3), (7, 7.0), (1e9, 60.0), (None, 1.0), ("soon", 1.0), (-1, 1.0), (0, 1.0)]
)
async def test_a_rest_is_as_long_as_told(autojump_clock: MockClock, told: object, rest_s: float) -> None:
    times: list[float] = []

    async def strict(peer: Peer) -> None:
        await peer.begin()
        message = await peer.receive()
        times.append(trio.current_time())
        await peer.send(type="error", id=message["id"], code="rate_limited", message="slow down", retry_after=told)
        message = await peer.receive()
        times.append(trio.current_time())
        await peer.ack(message)
        await peer.receive()

    async with opened(strict) as producer:
        await producer.send("a", 1)
        await until(lambda: producer.statistics().acknowledged == 1)
    assert rest_s <= times[1] - times[0] < rest_s + 0.25


async def test_the_schedule_of_retries(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    dial = Scripted()
    async with open_producer(dial=dial, flush_s=0) as producer:
        await until(lambda: producer.statistics().state == "cannot_connect")
        now = producer.statistics()
        assert (now.failures, now.reason) == (5, "Connection refused")
        await trio.sleep(300)
    waits = [after - before for before, after in zip(dial.dialled_at, dial.dialled_at[1:], strict=False)]
    assert all(wait < ceiling for wait, ceiling in zip(waits, (1, 2, 4, 8, *[30] * 100), strict=False))
    assert caplog.text.count("cannot connect") == 1


async def test_a_person_can_retry_at_once(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    async with opened(*[None] * 6, store.serve) as producer:
        await until(lambda: producer.statistics().failures == 6)
        before = trio.current_time()
        producer.retry_now()
        await producer.flush()
        await until(lambda: producer.statistics().state == "connected")
        assert trio.current_time() - before < 0.1
    assert caplog.text.count("connected again") == 1, "who read that it cannot connect reads that it can"


@pytest.mark.parametrize(("code", "reason"), [(4500, "too many bad messages"), (4503, "forbidden")])
async def test_a_final_code_ends_the_retries(autojump_clock: MockClock, code: int, reason: str) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.begin()
        await peer.bye(code, reason)

    dial = Scripted(refuse, silent)
    async with open_producer(dial=dial, on_full="block", buffer_samples=1) as producer:
        assert await producer.refused() == f"{reason} ({code})"
        await trio.sleep(100)
        with pytest.raises(ProducerClosed, match=reason):
            await producer.send("a", 1)
    assert len(dial.dialled_at) == 1


async def test_a_final_code_without_a_bye_counts_as_well(autojump_clock: MockClock) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.begin()
        await peer.socket.aclose(4501, "token expired")

    async with opened(refuse) as producer:
        assert await producer.refused() == "token expired (4501)"


async def test_bye_says_when_to_come_back(autojump_clock: MockClock) -> None:
    async def drain(peer: Peer) -> None:
        await peer.begin()
        await peer.bye(4000, "shutting down", after=(40.0, 50.0))

    store = Store()
    dial = Scripted(drain, store.serve)
    async with open_producer(dial=dial) as producer:
        await until(lambda: len(dial.dialled_at) == 2)
        assert 40 <= dial.dialled_at[1] - dial.dialled_at[0] <= 51
        await producer.connected()


async def test_a_status_that_asks_for_patience_is_obeyed(autojump_clock: MockClock) -> None:
    store = Store()
    dial = Scripted(503, store.serve)
    async with open_producer(dial=dial):
        await until(lambda: len(dial.dialled_at) == 2)
    assert dial.dialled_at[1] - dial.dialled_at[0] >= 7


async def test_no_credentials_is_final(autojump_clock: MockClock) -> None:
    async with opened(401, silent) as producer:
        assert await producer.refused() == "no"
        with pytest.raises(CannotConnect):
            await producer.connected()


async def test_a_dead_broadcaster_is_noticed(autojump_clock: MockClock) -> None:
    async def dead(peer: Peer) -> None:
        await peer.begin(ping_interval=4.0)
        await trio.sleep_forever()

    store = Store()
    dial = Scripted(dead, store.serve)
    async with open_producer(dial=dial) as producer:
        await producer.send("a", 1)
        await producer.flush()
    assert 10 <= dial.dialled_at[1] - dial.dialled_at[0] <= 13
    assert values(store.messages) == [1]


async def test_it_hears_how_long_a_round_trip_takes(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(store.serve) as producer:
        await until(lambda: producer.statistics().round_trip_s is not None)


async def test_exit_flushes(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(None, store.serve, flush_interval_s=3.0) as producer:
        await producer.send("a", 1)
    assert values(store.messages) == [1]
    with pytest.raises(ProducerClosed):
        await producer.send("a", 2)


async def test_exit_does_not_wait_for_the_next_attempt(autojump_clock: MockClock) -> None:
    store = Store()
    async with opened(*[None] * 8, store.serve, flush_s=0.5) as producer:
        await producer.send("a", 1)
        await until(lambda: producer.statistics().failures == 8)
    assert values(store.messages) == [1]


async def test_a_cancelled_block_flushes_too(autojump_clock: MockClock) -> None:
    store = Store()
    with trio.CancelScope() as scope:
        async with opened(store.serve) as producer:
            await producer.send("a", 1)
            scope.cancel()
            await trio.sleep_forever()
    assert values(store.messages) == [1]


@pytest.mark.parametrize("script", [None, silent])
async def test_exit_gives_up_after_its_deadline(
    autojump_clock: MockClock, script: Script | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with opened(script, flush_s=4.0) as producer:
        await producer.send_many("a", range(9), range(9))
        before = trio.current_time()
    assert 4 <= trio.current_time() - before < 7.5
    assert producer.statistics().unsent == 9
    assert "closed with 9 samples" in caplog.text


async def test_what_is_raised_in_the_block_is_raised_as_it_is(autojump_clock: MockClock) -> None:
    with pytest.raises(KeyError):
        async with opened(Store().serve):
            raise KeyError("mine")


@pytest.mark.parametrize("url", ["http://x", "ws://", "nonsense", "ws://u:p@x", "ws://x?token=1", "ws://x:99999"])
async def test_a_bad_url_is_refused(autojump_clock: MockClock, url: str) -> None:
    with pytest.raises(ValueError, match="expected a URL"):
        async with open_producer(url):
            raise AssertionError


async def test_someone_else_at_the_other_end(autojump_clock: MockClock) -> None:
    async def chatter(peer: Peer) -> None:
        await peer.socket.send_message("hello there")

    async with opened(chatter) as producer:
        with pytest.raises(CannotConnect, match="not JSON"):
            await producer.connected()
