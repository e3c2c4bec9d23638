import pytest
import trio
import trio.testing

from broadcaster.places import Places

WAIT_S = 1.0


async def take(places: Places, *names: str) -> list[bool]:
    return [await places.take(name) for name in names]


@pytest.mark.parametrize(("most", "each"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
async def test_half_of_them_are_for_one_name(most: int, each: int, autojump_clock: trio.testing.MockClock) -> None:
    places = Places(most, WAIT_S)
    assert await take(places, *["ana"] * each) == [True] * each
    assert trio.current_time() == 0
    assert not await places.take("ana")
    assert (trio.current_time(), places.taken) == (WAIT_S, each)


async def test_who_waits_comes_in_the_order_of_coming(autojump_clock: trio.testing.MockClock) -> None:
    places, came = Places(2, WAIT_S), list[str]()

    async def wait(name: str) -> None:
        assert await places.take(name)
        came.append(name)

    await take(places, "eve", "ben")
    async with trio.open_nursery() as nursery:
        for name in ("eve", "ana", "cem", "eve"):
            nursery.start_soon(wait, name)
            await trio.testing.wait_all_tasks_blocked()
        for name, expected in (("ben", ["ana"]), ("ana", ["ana", "cem"]), ("eve", ["ana", "cem", "eve"])):
            places.give_back(name)
            await trio.testing.wait_all_tasks_blocked()
            assert (came, places.taken) == (expected, 2)
        places.give_back("eve")
    assert (came[3:], trio.current_time()) == (["eve"], 0)


async def test_whoever_has_given_up_gets_none(autojump_clock: trio.testing.MockClock) -> None:
    places = Places(1, WAIT_S)
    await places.take("ana")
    assert not await places.take("ben")
    with trio.move_on_after(WAIT_S / 2) as scope:
        await places.take("cem")
    assert scope.cancelled_caught
    places.give_back("ana")
    assert (places.taken, len(places._waiting), len(places._taken)) == (0, 0, 0)


async def test_a_place_that_comes_as_somebody_leaves_is_for_others(autojump_clock: trio.testing.MockClock) -> None:
    places = Places(1, WAIT_S)
    await places.take("ana")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(places.take, "ben")
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            places.give_back("ana")
    assert places.taken == 0
