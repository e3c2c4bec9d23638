"""A producer that is cancelled at each checkpoint of its program, or of any task: nothing is lost, doubled or half."""

from functools import partial

import pytest
import trio
from trio.testing import MockClock

from ingest import open_producer
from ingest.statistics import ProducerStatistics
from tests.cancelling import CancelAfter, any_task, this_task
from tests.ingest.link import Scripted, Store, values

SAMPLES = 24
EVERY = 7  # of the steps of all tasks, of which there are many


async def cancelled_at(steps: int, *, all_tasks: bool, flush_s: float) -> tuple[Store, ProducerStatistics, int, bool]:
    """What arrived, what the producer knows, how many `send` returned, and whether there were so many steps."""
    store, returned = Store(), 0
    dial = Scripted(partial(store.serve, acks=2), None, partial(store.serve, acks=1), *[store.serve] * 3)
    with trio.CancelScope() as scope:
        cancelling = CancelAfter(scope, steps, any_task if all_tasks else this_task())
        trio.lowlevel.add_instrument(cancelling)
        try:
            async with open_producer(
                dial=dial, batch_samples=3, buffer_samples=5, on_full="block", flush_s=flush_s
            ) as producer:
                for n in range(SAMPLES):
                    await producer.send("a", n)
                    returned += 1
                await producer.flush()
        finally:
            trio.lowlevel.remove_instrument(cancelling)
    return store, producer.statistics(), returned, cancelling.over


@pytest.mark.parametrize("flush_s", [60.0, 0.0])
@pytest.mark.parametrize("all_tasks", [False, True])
async def test_at_every_checkpoint(flush_s: float, all_tasks: bool, autojump_clock: MockClock) -> None:
    steps, over = 0, True
    while over:
        store, now, returned, over = await cancelled_at(steps, all_tasks=all_tasks, flush_s=flush_s)
        arrived = values(store.messages)
        assert arrived == list(range(len(arrived))), "in order, once"
        assert now.sent == returned, "a send that was cancelled took nothing"
        assert now.sent == now.acknowledged + now.unsent
        assert now.acknowledged <= len(arrived) <= now.sent, "what was acknowledged is there"
        if flush_s:
            assert len(arrived) == now.sent, "there was time to flush"
        steps += EVERY if all_tasks else 1
    assert returned == SAMPLES
    assert steps > 20


async def test_a_column_that_is_cancelled_has_taken_a_part_that_is_counted(autojump_clock: MockClock) -> None:
    store = Store()
    async with open_producer(dial=Scripted(None, None, store.serve), buffer_samples=5, on_full="block") as producer:
        with trio.move_on_after(0.01):
            await producer.send_many("a", range(20), range(20))
        taken = producer.statistics().sent
        assert 0 < taken < 20
        await producer.flush()
    assert values(store.messages) == list(range(taken))
