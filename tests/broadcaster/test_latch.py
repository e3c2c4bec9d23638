import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from broadcaster.latch import Latch


async def test_all_who_wait_go_on_when_it_is_set() -> None:
    latch, through = Latch(), list[int]()

    async def wait(number: int) -> None:
        await latch.wait()
        through.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(wait, number)
        await wait_all_tasks_blocked()
        assert (through, latch.is_set()) == ([], False)
        latch.set()
    assert (sorted(through), latch.is_set()) == ([0, 1, 2], True)


async def test_nobody_waits_for_one_that_is_set() -> None:
    latch = Latch()
    latch.set()
    with trio.fail_after(1), assert_checkpoints():
        await latch.wait()
    with assert_checkpoints():
        await latch.wait()
