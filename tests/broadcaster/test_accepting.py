"""Accepting from a listening socket: a crowd does not make others wait, and none of it is lost."""

import socket

import pytest
import trio
import trio.testing

from broadcaster.accepting import accept_all
from broadcaster.turnstile import AT_ONCE, PAUSE_S

CROWD = 10 * AT_ONCE


async def test_a_crowd_is_accepted_a_few_in_each_turn() -> None:
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=CROWD) as listener:
        listener.setblocking(False)
        crowd = [socket.create_connection(listener.getsockname()) for _ in range(CROWD)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept_all, listener, lambda accepted, host, port: came.append(accepted))
            with trio.fail_after(20):
                while len(came) < CROWD:
                    before = len(came)
                    await trio.lowlevel.checkpoint()
                    assert len(came) - before <= 2 * AT_ONCE  # both may run once more before the other does
            nursery.cancel_scope.cancel()
        assert {each.getpeername() for each in came} == {each.getsockname() for each in crowd}
        assert not any(each.getblocking() for each in came)
        for each in (*crowd, *came):
            each.close()


async def test_one_that_is_gone_already_is_passed_over() -> None:
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        gone = socket.create_connection(listener.getsockname())
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
        with socket.create_connection(listener.getsockname()) as stays:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(accept_all, listener, lambda accepted, host, port: came.append(accepted))
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.cancel_scope.cancel()
            assert came[-1].getpeername() == stays.getsockname()
    for each in came:
        each.close()


async def test_nobody_is_accepted_while_it_is_crowded() -> None:
    came: list[socket.socket] = []
    crowd = 3
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(AT_ONCE)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                accept_all, listener, lambda accepted, host, port: came.append(accepted), lambda: len(came) >= crowd
            )
            for _ in range(20):
                await trio.lowlevel.checkpoint()
            assert len(came) == crowd
            crowd = 10
            with trio.fail_after(20):
                while len(came) < len(clients):
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    for each in (*clients, *came):
        each.close()


async def test_few_are_accepted_while_others_are_served(autojump_clock: trio.testing.MockClock) -> None:
    came: list[tuple[float, socket.socket]] = []

    def accepted(connection: socket.socket, host: str, port: int) -> None:
        came.append((trio.current_time(), connection))

    with socket.create_server(("127.0.0.1", 0), backlog=CROWD) as listener:
        listener.setblocking(False)
        crowd = [socket.create_connection(listener.getsockname()) for _ in range(CROWD)]
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept_all, listener, accepted, lambda: False, lambda: True)
            await trio.sleep(CROWD)
            nursery.cancel_scope.cancel()
        assert [at - began for at, _ in came[AT_ONCE:]] == pytest.approx(
            [PAUSE_S * (1 + number) for number in range(CROWD - AT_ONCE)]
        )
    for each in (*crowd, *(connection for _, connection in came)):
        each.close()
