"""The client over in-memory streams against a scripted broadcaster; time is the mock clock's."""

import json
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from trio_websocket import (
    ConnectionClosed,
)

from broadcaster.subscriber import Subscriber, open_subscriber
from broadcaster.subscription import (
    GapReported,
    Message,
    Refused,
    Resynchronised,
    Samples,
    StateChanged,
    SubscriptionEnded,
)
from tests.ingest.link import End, Script, Scripted

LOAD = {"key": 1, "metric": "host.load", "tags": {}, "unit": "", "kind": "gauge", "help": None}
T = TypeVar("T")


class Peer(End):
    """What a subscriber meets."""

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.socket.get_message())
        return message

    async def begin(self, seq: int = 0, *, resumed: bool = False, epoch: str = "e") -> dict[str, Any]:
        await self.send(type="welcome", epoch=epoch, ping_interval=20)
        await self.receive()
        asked = await self.receive()
        await self.send(type="subscribed", id=1, seq=seq, cursor=f"c{seq}", resumed=resumed, series=[LOAD])
        return asked

    async def sample(self, seq: int, prev: int, **flags: object) -> None:
        column = [1, [float(seq)], [float(seq)]]
        await self.send(type="samples", seq=seq, prev=prev, cursor=f"c{seq}", series=[column], **flags)

    async def answer(self) -> None:
        """Pongs until the client goes."""
        try:
            while True:
                message = await self.receive()
                if message["type"] == "ping":
                    await self.send(type="pong", time=message["time"], server_time=0.0)
        except ConnectionClosed:
            return


def opened(*scripts: Script | int | None, **options: Any) -> AbstractAsyncContextManager[Subscriber]:
    return open_subscriber("ws://test", [{"metric": "host.*"}], dial=Scripted(*scripts, end=Peer), **options)


async def take(subscriber: Subscriber, kind: type[T]) -> T:
    async for message in subscriber:
        if isinstance(message, kind):
            return message
    raise AssertionError("the subscriber ended")


async def until_state(subscriber: Subscriber, state: str) -> StateChanged:
    while (message := await take(subscriber, StateChanged)).state != state:
        pass
    return message


async def two_samples(peer: Peer) -> None:
    await peer.begin()
    await peer.sample(1, 0)
    await peer.sample(2, 1)
    await peer.answer()


async def resumed_after(peer: Peer, *, cursor: str) -> None:
    asked = await peer.begin(2, resumed=True)
    assert asked["resume"] == cursor
    await peer.sample(3, 2)
    await peer.answer()


async def cut(peer: Peer) -> None:
    await peer.begin()
    await peer.sample(1, 0)
    await peer.sample(2, 1)
    await peer.stream.aclose()


async def test_samples_arrive_with_states(autojump_clock: MockClock) -> None:
    seen: list[Message] = []
    async with opened(two_samples) as subscriber:
        while len(seen) < 5:
            seen.append(await anext(subscriber))
        statistics = subscriber.statistics()
    assert [type(message).__name__ for message in seen] == [
        "StateChanged",
        "StateChanged",
        "SeriesDescribed",
        "Samples",
        "Samples",
    ]
    assert (statistics.connections, statistics.samples, statistics.chain.batches) == (1, 2, 2)


async def test_a_cut_connection_is_resumed(autojump_clock: MockClock) -> None:
    async with opened(cut, partial(resumed_after, cursor="c2")) as subscriber:
        assert (await until_state(subscriber, "reconnecting")).retry_s < 1
        samples = await take(subscriber, Samples)
        statistics = subscriber.statistics()
    assert samples.columns[0].values == [3.0]
    assert (statistics.connections, statistics.samples, statistics.chain.losses) == (2, 3, 0)


async def test_a_broadcaster_that_stays_away_is_tried_at_the_ceiling(autojump_clock: MockClock) -> None:
    dial = Scripted()
    async with open_subscriber("ws://test", dial=dial) as subscriber:
        states = [await until_state(subscriber, "reconnecting") for _ in range(4)]
        fifth = await until_state(subscriber, "cannot_connect")
        later = [await until_state(subscriber, "cannot_connect") for _ in range(20)]
    assert {state.reason for state in [*states, *later]} == {"Connection refused"}
    assert [state.failures for state in states] == [1, 2, 3, 4]
    assert fifth.failures == 5
    assert 10 < max(state.retry_s for state in later) <= 30


async def test_a_person_can_retry_at_once(autojump_clock: MockClock) -> None:
    dial = Scripted()
    async with open_subscriber("ws://test", dial=dial, queue_messages=0) as subscriber:
        await until_state(subscriber, "cannot_connect")
        await wait_all_tasks_blocked()
        now, attempts = trio.current_time(), len(dial.dialled_at)
        subscriber.retry_now()
        await until_state(subscriber, "cannot_connect")
    assert dial.dialled_at[attempts:] == [now]


async def test_a_silent_broadcaster_is_taken_for_dead(autojump_clock: MockClock) -> None:
    async def silent(peer: Peer) -> None:
        await peer.begin()
        await trio.sleep_forever()

    async with opened(silent, partial(resumed_after, cursor="c0")) as subscriber:
        started = trio.current_time()
        lost = await until_state(subscriber, "reconnecting")
        assert lost.reason == "nothing heard for 50 s"
        assert 50 <= trio.current_time() - started < 53
        await take(subscriber, Samples)


async def test_pongs_keep_a_quiet_connection(autojump_clock: MockClock) -> None:
    async def quiet(peer: Peer) -> None:
        await peer.begin()
        await peer.answer()

    async with opened(quiet) as subscriber:
        await until_state(subscriber, "live")
        with trio.move_on_after(600) as scope:
            await take(subscriber, StateChanged)
        assert scope.cancelled_caught
        assert subscriber.statistics().round_trip_s is not None


async def test_a_slow_consumer_is_not_mistaken_for_a_dead_broadcaster(autojump_clock: MockClock) -> None:
    pings = 0

    async def flood(peer: Peer) -> None:
        nonlocal pings
        await peer.begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_many, peer)
            while True:
                pings += (await peer.receive())["type"] == "ping"

    async def send_many(peer: Peer) -> None:
        for seq in range(1, 101):
            await peer.sample(seq, seq - 1)

    async with opened(flood, queue_messages=4) as subscriber:
        await trio.sleep(300)
        assert subscriber.statistics().waiting == 4
        assert subscriber.statistics().messages < 10
        assert pings >= 28
        received = [(await take(subscriber, Samples)).columns[0].values[0] for _ in range(100)]
    assert received == [float(seq) for seq in range(1, 101)]


async def test_after_a_drain_the_client_comes_back_within_the_spread(autojump_clock: MockClock) -> None:
    async def drained(peer: Peer) -> None:
        await peer.begin()
        await peer.bye(4000, "shutting down", (10.0, 11.0))

    async with opened(drained, partial(resumed_after, cursor="c0")) as subscriber:
        state = await until_state(subscriber, "reconnecting")
        assert state.reason == "shutting down"
        assert 10 <= state.retry_s <= 11
        await take(subscriber, Samples)


@pytest.mark.parametrize(("code", "reason"), [(4500, "too many bad messages"), (4501, "token expired or revoked")])
async def test_final_closes_end_the_iteration(autojump_clock: MockClock, code: int, reason: str) -> None:
    async def ended(peer: Peer) -> None:
        await peer.begin()
        await peer.bye(code, reason)

    async with opened(ended) as subscriber:
        with pytest.raises(SubscriptionEnded, match=reason) as raised:
            await take(subscriber, Samples)
    assert raised.value.code == str(code)


async def test_a_close_without_bye_counts_by_its_code(autojump_clock: MockClock) -> None:
    async def forbidden(peer: Peer) -> None:
        await peer.socket.aclose(4503, "forbidden")

    async with opened(forbidden) as subscriber:
        with pytest.raises(SubscriptionEnded, match="forbidden"):
            await take(subscriber, Samples)


async def test_no_credentials_end_the_iteration(autojump_clock: MockClock) -> None:
    async with opened(401) as subscriber:
        with pytest.raises(SubscriptionEnded, match=r"no \(401\)"):
            await take(subscriber, Samples)


async def test_a_full_broadcaster_says_when_to_come_back(autojump_clock: MockClock) -> None:
    async with opened(503, two_samples) as subscriber:
        assert (await until_state(subscriber, "reconnecting")).retry_s >= 7
        await take(subscriber, Samples)


async def test_nonsense_from_the_broadcaster_is_a_lost_connection(autojump_clock: MockClock) -> None:
    async def nonsense(peer: Peer) -> None:
        await peer.begin()
        await peer.socket.send_message("nonsense")
        await peer.answer()

    async with opened(nonsense, partial(resumed_after, cursor="c0")) as subscriber:
        assert "bad message from the broadcaster" in (await until_state(subscriber, "reconnecting")).reason
        await take(subscriber, Samples)


async def test_losses_and_refusals_are_told(autojump_clock: MockClock) -> None:
    async def lossy(peer: Peer) -> None:
        await peer.begin()
        await peer.sample(5, 3)
        await peer.send(type="error", code="rate_limited", message="slower")
        await peer.answer()

    async with opened(lossy) as subscriber:
        assert await take(subscriber, GapReported) == GapReported(0, 3, announced=False)
        assert await take(subscriber, Refused) == Refused("rate_limited", "slower")
        assert subscriber.statistics().chain.losses == 1


async def test_a_lost_epoch_is_told_before_what_follows(autojump_clock: MockClock) -> None:
    async def reborn(peer: Peer) -> None:
        await peer.begin(7, epoch="other")
        await peer.sample(7, 0, backfill=True)
        await peer.answer()

    async with opened(cut, reborn) as subscriber:
        assert await take(subscriber, Resynchronised) == Resynchronised("other", epoch_changed=True)
        assert (await take(subscriber, Samples)).backfill


async def test_errors_of_the_body_come_out_as_they_are(autojump_clock: MockClock) -> None:
    with pytest.raises(KeyError):
        async with opened(two_samples):
            raise KeyError("mine")


async def test_a_url_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a URL such as ws://HOST:PORT"):
        async with open_subscriber("http://127.0.0.1:1"):
            raise AssertionError("opened")
