"""What a server needs to accept connections, whichever it is."""

import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from ingest.errors import CommandError
from ingest.settings import Address


def listen(bind: Address, backlog: int) -> socket.socket:
    """A listening TCP socket. Raises CommandError, with the reason in the system's own words."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        bind.host.encode("idna")
    except UnicodeError:
        raise CommandError(f"cannot listen on {bind}: no name of a host") from None
    try:
        return socket.create_server((bind.host, bind.port), family=family, backlog=backlog)
    except OSError as error:
        # Python adds the address to the system's text, which a person sees beside it anyway.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
        raise CommandError(f"cannot listen on {bind}: {reason.partition(' (while ')[0]}") from None


ASGI = Callable[[Any, Any, Any], Awaitable[None]]


def to_whom_it_reaches(app: ASGI) -> ASGI:
    """Lets an ASGI application answer somebody who hangs up.

    Hypercorn closes such a connection while the application may be sending, and the two collide in the socket
    (BusyResourceError): a traceback in the log for an answer that nobody reads.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def send_if_open(message: Any) -> None:
            try:
                await send(message)
            except trio.BusyResourceError:
                await trio.lowlevel.checkpoint()

        await app(scope, receive, send_if_open)

    return wrapped
