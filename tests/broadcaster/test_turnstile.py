"""A few in each turn of the event loop, in order."""

import pytest
import trio
import trio.testing

from broadcaster.turnstile import AT_ONCE, CROWD, PAUSE_S, Turnstile


async def test_a_crowd_passes_a_few_at_a_time_in_order() -> None:
    turnstile, passed = Turnstile(), list[int]()

    async def come(number: int) -> None:
        await turnstile.passed()
        passed.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(10 * AT_ONCE):
            nursery.start_soon(come, number)
            await trio.testing.wait_all_tasks_blocked()
        assert passed == list(range(AT_ONCE)), "nobody turns it"
        nursery.start_soon(turnstile.run)
        while len(passed) < 10 * AT_ONCE:
            before = len(passed)
            await trio.lowlevel.checkpoint()
            assert len(passed) - before <= 2 * AT_ONCE  # this one may run last in a turn and first in the next
        for first in range(0, 10 * AT_ONCE, AT_ONCE):
            assert sorted(passed[first : first + AT_ONCE]) == list(range(first, first + AT_ONCE))
        nursery.cancel_scope.cancel()


async def test_while_others_are_served_one_passes_in_a_millisecond(autojump_clock: trio.testing.MockClock) -> None:
    passed: list[float] = []
    busy = True

    async def come() -> None:
        await turnstile.passed()
        passed.append(trio.current_time())

    turnstile = Turnstile(lambda: busy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turnstile.run)
        for _ in range(AT_ONCE):  # what was free before anybody came
            await come()
        began = trio.current_time()
        async with trio.open_nursery() as crowd:
            for _ in range(50):
                crowd.start_soon(come)
        assert passed[AT_ONCE:] == pytest.approx([began + PAUSE_S * (1 + number) for number in range(50)])
        await trio.sleep(2 * PAUSE_S)
        busy = False
        began = trio.current_time()
        async with trio.open_nursery() as crowd:
            for _ in range(50):
                crowd.start_soon(come)
        assert trio.current_time() - began <= PAUSE_S
        nursery.cancel_scope.cancel()


async def test_who_comes_alone_does_not_wait() -> None:
    turnstile = Turnstile()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turnstile.run)
        for _ in range(3 * AT_ONCE):
            with trio.CancelScope() as scope:
                scope.cancel()
                await turnstile.passed()  # waits for nothing, or it would be cancelled
            assert not scope.cancelled_caught
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_who_gives_up_waiting_costs_the_others_nothing() -> None:
    turnstile, passed = Turnstile(), list[int]()

    async def come(number: int) -> None:
        with trio.move_on_after(0 if number % 2 else 60):
            await turnstile.passed()
            passed.append(number)

    with trio.fail_after(20):
        async with trio.open_nursery() as crowd:
            for number in range(10 * AT_ONCE):
                crowd.start_soon(come, number)
            crowd.start_soon(trio.testing.wait_all_tasks_blocked)
            await trio.testing.wait_all_tasks_blocked()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(turnstile.run)
                while crowd.child_tasks:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
    assert set(range(0, 10 * AT_ONCE, 2)) <= set(passed)


async def test_a_crowd_is_told() -> None:
    turnstile = Turnstile()
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE + CROWD - 1):
            nursery.start_soon(turnstile.passed)
        await trio.testing.wait_all_tasks_blocked()
        assert not turnstile.crowded
        nursery.start_soon(turnstile.passed)
        await trio.testing.wait_all_tasks_blocked()
        assert turnstile.crowded
        nursery.start_soon(turnstile.run)
        await trio.testing.wait_all_tasks_blocked()
        assert not turnstile.crowded
        nursery.cancel_scope.cancel()
