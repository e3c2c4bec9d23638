"""Who gets to the HTTP server, and for how long: what Hypercorn has no bounds for.

It bounds the size of a head (431 beyond 16 KiB), the time between requests and the streams of HTTP/2. It does not bound
how many connections there are, nor how slowly a first request may come, nor how long a client may take nothing of
its answer: it writes behind a shield, without a deadline.
"""

import logging
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import trio

from broadcaster.accepting import accept_all
from broadcaster.addresses import Addresses
from broadcaster.refusals import Refusals
from broadcaster.stream import held_back
from broadcaster.transports.handshake import Refusal, response

log = logging.getLogger("streamgauge.broadcaster")

PIECE_BYTES = 65_536
AGAIN = ((b"Retry-After", b"1"),)

Handler = Callable[["PatientStream"], Awaitable[None]]


class Bounds(Protocol):
    """What a door is told of connections, as it is in the broadcaster's settings."""

    @property
    def handshake_s(self) -> float: ...
    @property
    def write_s(self) -> float: ...
    @property
    def http_connections_per_address(self) -> int: ...
    @property
    def trusted_networks(self) -> Sequence[str]: ...


class PatientStream(trio.abc.HalfCloseableStream):
    """A socket whose peer has to take something within `write_s`, or else it is broken, and `stuck` is called."""

    def __init__(self, connection: socket.socket, write_s: float, stuck: Callable[[], None]) -> None:
        self._connection = connection
        self.socket = trio.socket.from_stdlib_socket(connection)
        self._stream = trio.SocketStream(self.socket)
        self._write_s = write_s
        self._stuck = stuck

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        left = memoryview(data)
        while left:
            left = left[await self._send(left[:PIECE_BYTES]) :]

    async def _send(self, data: memoryview) -> int:
        held = held_back(self._connection)
        with trio.move_on_after(self._write_s):
            try:
                return await self.socket.send(data)
            except OSError as error:
                raise trio.BrokenResourceError(f"cannot be written to: {error}") from error
        if held_back(self._connection) == held:
            self._stuck()
            raise trio.BrokenResourceError(f"nothing taken for {self._write_s:g} s")
        return 0

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Door:
    """Lets `most` connections in, so many of one address, each with a first request within `handshake_s`.

    `sealed`: they speak TLS.
    """

    def __init__(
        self, bounds: Bounds, addresses: Addresses, refusals: Refusals, most: int, *, sealed: bool = False
    ) -> None:
        self._first_s = bounds.handshake_s
        self._write_s = bounds.write_s or math.inf
        of_this_port = Addresses(bounds.http_connections_per_address, bounds.trusted_networks)
        self._addresses = {"connections_per_address": addresses, "http_connections_per_address": of_this_port}
        self._refusals = refusals
        self._most = most
        self._sealed = sealed
        self._connections: dict[trio.CancelScope, None] = {}
        self._newest: dict[tuple[str, int], trio.CancelScope] = {}  # a port may come again before its last one is gone

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def fullest(self) -> int:
        """Connections of the address that has most."""
        return self._addresses["http_connections_per_address"].fullest

    async def serve(self, listener: socket.socket, handler: Handler, nursery: trio.Nursery) -> None:
        """Accepts until cancelled. Each connection is handled in `nursery`."""
        await accept_all(listener, partial(self._accepted, handler, nursery))

    def _accepted(
        self, handler: Handler, nursery: trio.Nursery, connection: socket.socket, host: str, port: int
    ) -> None:
        if len(self._connections) >= self._most:
            self._refuse(connection, host, Refusal(503, "too many connections", AGAIN, "http_connections"))
            connection.close()
        elif not self._enter(connection, host):
            connection.close()
        else:
            scope = trio.CancelScope(deadline=trio.current_time() + self._first_s)
            self._connections[scope] = None
            self._newest[host, port] = scope
            nursery.start_soon(self._handle, handler, connection, (host, port), scope)

    def _enter(self, connection: socket.socket, host: str) -> bool:
        """Counts one more of its address, or refuses it."""
        entered = list[Addresses]()
        for reason, addresses in self._addresses.items():
            if not addresses.enter(host):
                self._refusals.count(reason)
                break
            entered.append(addresses)
            if (problem := addresses.problem(host)) is not None:
                self._refuse(connection, host, Refusal(503, problem, AGAIN, reason))
                break
        else:
            return True
        for addresses in entered:
            addresses.leave(host)
        return False

    def _refuse(self, connection: socket.socket, host: str, refusal: Refusal) -> None:
        """Says so as far as it can be said without waiting, and without TLS; then it may be closed."""
        assert refusal.reason is not None
        self._refusals.count(refusal.reason)
        why = {"address": host, "status": refusal.status, "reason": refusal.message}
        log.info("HTTP connection refused", extra=why)
        if self._sealed:
            return
        with suppress(OSError):
            connection.send(response(refusal))
            connection.recv(PIECE_BYTES)  # what is unread when it is closed would destroy the answer on its way

    async def _handle(
        self, handler: Handler, connection: socket.socket, client: tuple[str, int], scope: trio.CancelScope
    ) -> None:
        stream = PatientStream(connection, self._write_s, partial(self._refusals.count, "write_time"))
        try:
            with scope:
                await handler(stream)
            if scope.cancelled_caught:
                problem = f"no request within {self._first_s:g} s"
                self._refuse(connection, client[0], Refusal(408, problem, (), "handshake_time"))
        except Exception:  # a bug, which shall cost one client its connection and not all of them theirs
            log.exception("%s:%d: HTTP connection ended by an unexpected error", *client)
        finally:
            del self._connections[scope]
            if self._newest.get(client) is scope:
                del self._newest[client]
            for addresses in self._addresses.values():
                addresses.leave(client[0])
            await trio.aclose_forcefully(stream)

    def asked(self, client: tuple[str, int]) -> None:
        """A whole head of a request came on that connection."""
        if (scope := self._newest.get(client)) is not None:
            scope.deadline = math.inf
