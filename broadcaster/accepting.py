import logging
import socket
from collections.abc import Callable

import trio

log = logging.getLogger("streamgauge.broadcaster")

ACCEPT_AT_ONCE = 64
OUT_OF_DESCRIPTORS_S = 0.1


async def accept_all(listener: socket.socket, accepted: Callable[[socket.socket, str, int], None]) -> None:
    """Hands over each connection, non-blocking and without Nagle's delay, with host and port, until cancelled."""
    while True:
        await trio.lowlevel.wait_readable(listener)
        for _ in range(ACCEPT_AT_ONCE):
            try:
                connection, address = listener.accept()
            except BlockingIOError:
                break
            except ConnectionError:  # it was gone before it was accepted
                continue
            except OSError as error:  # out of descriptors or memory: those who wait are served when others go
                log.warning("cannot accept: %s", error)
                await trio.sleep(OUT_OF_DESCRIPTORS_S)
                break
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted(connection, address[0], address[1])
