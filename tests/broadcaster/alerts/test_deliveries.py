import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from broadcaster.alerts import deliveries as module
from broadcaster.alerts.deliveries import GIVE_UP_S, Deliveries, Delivery
from broadcaster.alerts.webhook import WebhookError
from ingest.backoff import Backoff
from tests.broadcaster.alerts.receiver import receiving

URL, OTHER = "http://a/secret", "http://b/secret"


def latest(low: float, high: float) -> float:
    return high


class Post:
    """In place of the network: `problems` by URL are raised, each once, or for ever if it is one error."""

    def __init__(self, **problems: list[WebhookError] | WebhookError) -> None:
        self.sent: list[tuple[str, bytes, float]] = []
        self._problems = {f"http://{host}/secret": problem for host, problem in problems.items()}

    async def __call__(self, url: str, body: bytes, timeout_s: float) -> int:
        await trio.sleep(0.1)
        self.sent.append((url, body, round(trio.current_time(), 3)))
        problem = self._problems.get(url)
        if isinstance(problem, list):
            problem = problem.pop(0) if problem else None
        if problem is not None:
            raise problem
        return 200

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body, _ in self.sent]


def delivery(body: bytes = b"1") -> Delivery:
    return Delivery("hot firing", body, trio.current_time())


async def deliver(post: Post, work: Callable[[Deliveries], Awaitable[object]]) -> Deliveries:
    async with trio.open_nursery() as nursery:
        deliveries = Deliveries(nursery, post, lambda: Backoff(latest))
        await work(deliveries)
    assert deliveries.waiting == 0
    return deliveries


async def test_they_arrive_in_order_and_the_task_ends(autojump_clock: MockClock) -> None:
    post = Post()

    async def work(deliveries: Deliveries) -> None:
        for body in (b"1", b"2", b"3"):
            deliveries.put(URL, delivery(body))
        await trio.sleep(5)
        deliveries.put(URL, delivery(b"4"))

    done = await deliver(post, work)
    assert post.bodies == [b"1", b"2", b"3", b"4"]
    assert done.counts.outcomes == {"delivered": 4, "failed": 0, "dropped": 0}


async def test_a_failure_is_tried_again_ever_later(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    post = Post(a=[WebhookError("answered 503")] * 3)

    async def work(deliveries: Deliveries) -> None:
        deliveries.put(URL, delivery())

    done = await deliver(post, work)
    assert [at for *_, at in post.sent] == [0.1, 1.2, 3.3, 7.4]
    assert (done.counts.retries, done.counts.outcomes["delivered"]) == (3, 1)
    assert caplog.messages == [
        "webhook http://a: hot firing: answered 503; trying again",
        "webhook http://a: hot firing: delivered at try 4",
    ]


async def test_one_that_is_down_delays_no_other(autojump_clock: MockClock) -> None:
    post = Post(a=[WebhookError("refused")] * 5)

    async def work(deliveries: Deliveries) -> None:
        deliveries.put(URL, delivery())
        deliveries.put(OTHER, delivery(b"other"))

    await deliver(post, work)
    assert (OTHER, b"other", 0.1) in post.sent


async def test_what_is_too_old_is_given_up(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    post = Post(a=WebhookError("refused"))

    async def work(deliveries: Deliveries) -> None:
        deliveries.put(URL, delivery(b"1"))
        await trio.sleep(1)
        deliveries.put(URL, delivery(b"2"))

    done = await deliver(post, work)
    assert GIVE_UP_S - 31 < post.sent[-1][2] <= GIVE_UP_S + 1
    assert post.bodies[-1] == b"2"
    assert done.counts.outcomes == {"delivered": 0, "failed": 2, "dropped": 0}
    assert caplog.messages == [
        "webhook http://a: hot firing: refused; trying again",
        "webhook http://a: hot firing: given up: refused (try 34)",
        "webhook http://a: 1 more given up",
    ]


async def test_what_no_retry_can_help_is_given_up_at_once(autojump_clock: MockClock) -> None:
    post = Post(a=[WebhookError("answered 404", lasting=True)])

    async def work(deliveries: Deliveries) -> None:
        deliveries.put(URL, delivery(b"1"))
        deliveries.put(URL, delivery(b"2"))

    done = await deliver(post, work)
    assert post.bodies == [b"1", b"2"]
    assert done.counts.outcomes == {"delivered": 1, "failed": 1, "dropped": 0}


@pytest.mark.parametrize(("after_s", "at"), [(20.0, 20.2), (1e6, 60.2)])
async def test_a_receiver_may_ask_for_patience_within_bounds(
    autojump_clock: MockClock, after_s: float, at: float
) -> None:
    post = Post(a=[WebhookError("answered 429", after_s=after_s)])

    async def work(deliveries: Deliveries) -> None:
        deliveries.put(URL, delivery())

    await deliver(post, work)
    assert [round(when, 1) for *_, when in post.sent] == [0.1, at]


async def test_a_full_queue_drops_its_oldest(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 3)
    post = Post()

    async def work(deliveries: Deliveries) -> None:
        for number in range(6):
            deliveries.put(URL, delivery(b"%d" % number))
            await trio.lowlevel.checkpoint()
        assert deliveries.waiting == 3

    done = await deliver(post, work)
    assert post.bodies == [b"0", b"4", b"5"]
    assert done.counts.outcomes == {"delivered": 3, "failed": 0, "dropped": 3}
    assert caplog.messages == [
        "webhook http://a: hot firing: given up: 3 wait already",
        "webhook http://a: 2 more given up",
    ]


async def test_over_a_real_socket(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with receiving(503) as receiver, trio.open_nursery() as nursery:
        deliveries = Deliveries(nursery, backoff=lambda: Backoff(lambda low, high: 0.01))
        deliveries.put(receiver.url, delivery(b'{"n":1}'))
        deliveries.put(receiver.url, delivery(b'{"n":2}'))
        assert await receiver.wait_for(3) == [{"n": 1}, {"n": 1}, {"n": 2}]
    assert deliveries.counts.outcomes["delivered"] == 2


async def test_a_drain_waits_for_those_that_answer_and_not_for_those_that_fail(autojump_clock: MockClock) -> None:
    post = Post(b=WebhookError("refused"))
    async with trio.open_nursery() as nursery:
        deliveries = Deliveries(nursery, post, lambda: Backoff(latest))
        for body in (b"1", b"2"):
            deliveries.put(URL, delivery(body))
            deliveries.put(OTHER, delivery(body))
        before = trio.current_time()
        await deliveries.drained()
        assert trio.current_time() - before == pytest.approx(0.2)
        assert [body for url, body, _ in post.sent if url == URL] == [b"1", b"2"]
        assert deliveries.waiting == 2
        nursery.cancel_scope.cancel()


async def test_a_drain_with_nothing_to_do_is_over_at_once(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        await Deliveries(nursery, Post()).drained()
