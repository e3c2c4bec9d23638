import logging
import socket
from collections.abc import Callable

import trio

from broadcaster.turnstile import AT_ONCE

log = logging.getLogger("streamgauge.broadcaster")

OUT_OF_DESCRIPTORS_S = 0.1


async def accept_all(
    listener: socket.socket,
    accepted: Callable[[socket.socket, str, int], None],
    crowded: Callable[[], bool] = lambda: False,
) -> None:
    """Hands over each connection, non-blocking and without Nagle's delay, with host and port, until cancelled.

    While it is `crowded` none is accepted: the system keeps those who come.
    """
    in_turn = 0
    await trio.lowlevel.wait_readable(listener)
    while True:
        try:
            connection, address = listener.accept()
        except BlockingIOError:
            in_turn = 0
            await trio.lowlevel.wait_readable(listener)
            continue
        except ConnectionError:  # it was gone before it was accepted
            continue
        except OSError as error:  # out of descriptors or memory: those who wait are served when others go
            log.warning("cannot accept: %s", error)
            await trio.sleep(OUT_OF_DESCRIPTORS_S)
            continue
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted(connection, address[0], address[1])
        in_turn += 1
        while in_turn >= AT_ONCE or crowded():
            in_turn = 0
            await trio.lowlevel.checkpoint()
