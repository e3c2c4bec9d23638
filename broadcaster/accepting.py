"""Accepting from a listening socket, for WebSockets and for HTTP (which does not say whether it is `busy`)."""

import logging
import socket
from collections.abc import Callable

import trio

from broadcaster.turnstile import Turnstile

log = logging.getLogger("streamgauge.broadcaster")

OUT_OF_DESCRIPTORS_S = 0.1


async def accept_all(
    listener: socket.socket,
    accepted: Callable[[socket.socket, str, int], None],
    crowded: Callable[[], bool] = lambda: False,
    busy: Callable[[], bool] = lambda: False,
) -> None:
    """Hands over each connection, non-blocking and without Nagle's delay, with host and port, until cancelled.

    While it is `crowded` none is accepted, while the event loop is `busy` with others few: the system keeps those who
    come.
    """
    turnstile = Turnstile(busy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turnstile.run)
        await trio.lowlevel.wait_readable(listener)
        while True:
            await turnstile.passed()
            if not crowded() and (came := await _next(listener)) is not None:
                accepted(*came)


async def _next(listener: socket.socket) -> tuple[socket.socket, str, int] | None:
    """None: there is none yet, after a wait for one."""
    try:
        connection, address = listener.accept()
    except BlockingIOError:
        await trio.lowlevel.wait_readable(listener)
        return None
    except ConnectionError:  # it was gone before it was accepted
        return None
    except OSError as error:  # out of descriptors or memory: those who wait are served when others go
        log.warning("cannot accept: %s", error)
        await trio.sleep(OUT_OF_DESCRIPTORS_S)
        return None
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, address[0], address[1]
