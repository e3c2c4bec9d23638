"""Accepting connections: plain sockets, each in a stream of our own under trio-websocket."""

import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Protocol

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError

from broadcaster.accepting import accept_all
from broadcaster.addresses import Addresses
from broadcaster.auth import Authenticator
from broadcaster.certificate import Certificate
from broadcaster.config import BroadcasterConfig
from broadcaster.refusals import Refusals
from broadcaster.stream import FrameStream
from broadcaster.transports.handshake import Admission, Refusal, admit, explained, headers_of, host_of, response
from broadcaster.transports.tls import TlsStream
from broadcaster.transports.websocket import Connection
from broadcaster.turnstile import Turnstile

log = logging.getLogger("streamgauge.broadcaster")

BAD_REQUEST = response(Refusal(400, "a header that is not ASCII, or a Host that is no name"))
AGAIN = ((b"Retry-After", b"1"),)


class House(Protocol):
    """Knows all connections."""

    def full(self) -> bool: ...

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        """Makes a connection known, until `leave` is called."""

    def leave(self, connection: Connection) -> None: ...


class Listener:
    """Serves WebSocket clients from one listening socket."""

    def __init__(
        self,
        config: BroadcasterConfig,
        authenticator: Authenticator,
        house: House,
        certificate: Certificate | None = None,
        *,
        addresses: Addresses | None = None,
        refusals: Refusals | None = None,
        handshakes_max: int | None = None,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`handshakes_max`: if fewer than configured are possible; `busy`: others wait for the event loop."""
        self._config = config
        if addresses is None:  # an empty one is falsy
            addresses = Addresses(config.connections_per_address, config.trusted_networks)
        self._addresses = addresses
        self._refusals = refusals or Refusals()
        self._handshakes_max = handshakes_max or config.handshakes_max
        self._authenticator = authenticator
        self._house = house
        self._certificate = certificate
        self._handshakes: dict[trio.CancelScope, None] = {}
        self._busy = busy
        self._coming, self._going = Turnstile(busy), Turnstile(busy)
        self._refusals.used["handshakes_max"] = self._handshakes.__len__

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Accepts until cancelled. Connections live in `nursery`."""
        nursery.start_soon(self.turn)
        await accept_all(listener, partial(self._accepted, nursery), lambda: self._coming.crowded, self._busy)

    async def turn(self) -> None:
        """Lets those through who come and go, until cancelled; `accept` does it, too."""
        async with trio.open_nursery() as nursery:
            for turnstile in (self._coming, self._going):
                nursery.start_soon(turnstile.run)

    def _accepted(self, nursery: trio.Nursery, accepted: socket.socket, host: str, port: int) -> None:
        if self._addresses.enter(host):
            nursery.start_soon(self._serve_one, accepted, host, port)
        else:
            self._refusals.count("connections_per_address")
            accepted.close()

    async def _serve_one(self, accepted: socket.socket, host: str, port: int) -> None:
        try:
            await self._serve(accepted, f"{host}:{port}")
        finally:
            self._addresses.leave(host)

    async def _serve(self, accepted: socket.socket, address: str) -> None:
        """One connection from its handshake to its end; whatever the peer does ends in a closed socket."""
        certificate = self._certificate
        stream = FrameStream(accepted) if certificate is None else TlsStream(accepted, certificate)
        stream.coming, stream.going = self._coming, self._going
        try:
            if await self._heard(stream, address):
                await self._meet(stream, address)
        # LocalProtocolError: a ping amid a fragmented message, which trio-websocket answers after it sent a close.
        except* (ConnectionClosed, LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            log.debug("%s: connection lost", address)
        except* UnicodeError as group:
            if stream.head:  # the handshake is under way, and its parser has no other answer to such bytes
                await self._refuse(stream)
            else:
                log.error("%s: connection ended by an unexpected error", address, exc_info=group)
        except* Exception as group:  # a bug, which shall cost one client its connection and not all of them theirs
            log.error("%s: connection ended by an unexpected error", address, exc_info=group)
        finally:
            await trio.aclose_forcefully(stream)

    async def _meet(self, stream: FrameStream, address: str) -> None:
        """From the request to the end."""
        async with trio.open_nursery() as nursery:
            connection = await self._open(stream, address, nursery)
            if connection is not None:
                try:
                    await connection.run()
                finally:
                    self._house.leave(connection)
                    connection.forget()
            nursery.cancel_scope.cancel()

    async def _refuse(self, stream: FrameStream) -> None:
        try:
            with trio.move_on_after(self._config.close_s):
                await stream.send_all(BAD_REQUEST)
                await stream.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # it did not wait for the answer

    async def _heard(self, stream: FrameStream, address: str) -> bool:
        """Whether a request comes in time, before others need the place; otherwise the client is told."""
        while len(self._handshakes) >= self._handshakes_max:
            oldest = next(iter(self._handshakes))
            del self._handshakes[oldest]
            oldest.cancel()
        pushed_out = False
        with trio.move_on_after(self._config.handshake_s) as scope:
            self._handshakes[scope] = None
            stream.on_end = scope.cancel
            try:
                if isinstance(stream, TlsStream):
                    await stream.shake_hands()
                await stream.hear_head()
            finally:
                pushed_out = scope not in self._handshakes
                self._handshakes.pop(scope, None)
                stream.on_end = None
        if not scope.cancel_called:
            return True
        if pushed_out:
            self._refuse_unheard(stream, address, Refusal(503, "too many handshakes at once", AGAIN, "handshakes"))
        elif scope.deadline <= trio.current_time():
            problem = f"no request within {self._config.handshake_s:g} s"
            self._refuse_unheard(stream, address, Refusal(408, problem, (), "handshake_time"))
            with trio.move_on_after(self._config.close_s):
                await stream.aclose()
        return False

    async def _request(self, stream: FrameStream, nursery: trio.Nursery) -> WebSocketRequest | None:
        """What was heard, or None if it is no handshake: the client was told."""
        with trio.move_on_after(self._config.handshake_s) as scope:
            stream.on_end = scope.cancel
            stream.before_open = explained
            try:
                return await wrap_server_stream(
                    nursery,
                    stream,
                    max_message_size=self._config.message_bytes,
                    receive_buffer_size=65_536,
                )
            finally:
                stream.on_end = None
        return None

    def _refuse_unheard(self, stream: FrameStream, address: str, refusal: Refusal) -> None:
        """Answers without a request, if that can be done at once."""
        self._note(refusal, address)
        stream.try_send(response(refusal))

    def _note(self, refusal: Refusal, address: str) -> None:
        if refusal.reason is not None:
            self._refusals.count(refusal.reason)
        log.info("handshake refused", extra={"address": address, "status": refusal.status, "reason": refusal.message})

    async def _open(self, stream: FrameStream, address: str, nursery: trio.Nursery) -> Connection | None:
        """The handshake and its answer. None: it ended with that."""
        request = await self._request(stream, nursery)
        if request is None:
            return None
        decision = self._decide(request, stream, address.rpartition(":")[0])
        if isinstance(decision, Refusal):
            self._note(decision, address)
            with trio.move_on_after(self._config.close_s):
                body = decision.message.encode()
                await request.reject(decision.status, extra_headers=headers_of(decision), body=body)
                await stream.aclose()
            return None
        connection = self._house.enter(stream, decision, address)
        try:
            connection.open(await request.accept(subprotocol=decision.subprotocol), nursery)
        except BaseException:
            connection.session.leave()
            self._house.leave(connection)
            raise
        return connection

    def _decide(self, request: WebSocketRequest, stream: FrameStream, host: str) -> Admission | Refusal:
        if self._house.full():
            return Refusal(503, "too many connections", AGAIN, "connections")
        if (problem := self._addresses.problem(host)) is not None:
            return Refusal(503, problem, AGAIN, "connections_per_address")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
        if (asked := host_of(stream.head)) is not None:
            headers["host"] = asked
        return admit(
            request.path,
            headers,
            request.proposed_subprotocols,
            authenticator=self._authenticator,
            doorkeeper=self._config.doorkeeper(self._config.bind),
        )
