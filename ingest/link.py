"""How a client reaches a broadcaster, and why it could not: foreign errors end here."""

import encodings.idna  # noqa: F401 - getaddrinfo would import it in whichever thread, and a fork meanwhile lose it
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, cast
from urllib.parse import urlsplit, urlunsplit

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream
from wsproto.utilities import LocalProtocolError

from ingest.credentials import Credentials
from ingest.hosts import check_host
from ingest.messages import encode
from ingest.trust import Authorities, trust

SUBPROTOCOL = "streamgauge.v1"
CONNECT_S = 10.0
CLOSE_S = 2.0
RETRY_AFTER_MAX_S = 60.0
HOPELESS_STATUS = frozenset({400, 401, 403, 404, 405, 426})  # asking again does not change these
SHUTTING_DOWN = 4000
FINAL = range(4500, 5000)
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})  # as OpenSSL calls an answer in clear

Dial = Callable[[], AbstractAsyncContextManager[WebSocketConnection]]


@dataclass(frozen=True, slots=True)
class Lost:
    """Why there is no connection, and what that means for the next attempt."""

    reason: str
    final: bool = False  # no retry will help
    retry_s: float | None = None  # as the broadcaster wants it, instead of the schedule
    at_least_s: float = 0.0


def stream_url(url: str) -> str:
    """The WebSocket endpoint of a broadcaster; a URL without a path gets the protocol's. Raises ValueError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse_url(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or port == 0 or any(map(str.isspace, url)):
        _refuse_url(url)
    if parts.query or parts.username is not None:
        raise ValueError("expected a URL without credentials or query: tokens in a URL end up in logs")
    try:
        check_host(parts.hostname)
    except ValueError as error:
        raise ValueError(f'{error}, got "{url}"') from None
    return urlunsplit(parts._replace(path="/v1/stream" if parts.path in ("", "/") else parts.path, fragment=""))


def _refuse_url(url: str) -> NoReturn:
    raise ValueError(f'expected a URL such as ws://HOST:PORT, got "{url}"')


def websocket_dial(url: str, credentials: Credentials, message_bytes_max: int, ca: Authorities = None) -> Dial:
    """Opens connections to the endpoint `url`, and renews the token on them. `ca`: see `trust`, also for its errors."""
    context = trust(ca) if urlsplit(url).scheme == "wss" else None
    return partial(_open, url, credentials, message_bytes_max, context)


@asynccontextmanager
async def _open(
    url: str, credentials: Credentials, message_bytes_max: int, context: ssl.SSLContext | None
) -> AsyncIterator[WebSocketConnection]:
    """One connection, whose socket is closed at the end even if the broadcaster vanished.

    trio-websocket's own way of opening leaves the socket of a broken connection to the garbage collector.
    """
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(CONNECT_S):
                token = await credentials.fetch()
                stream = await _connect(url, context)
            try:
                with trio.fail_after(CONNECT_S):
                    websocket = await _handshake(nursery, stream, url, token, message_bytes_max)
                nursery.start_soon(_renew, credentials, websocket)
                yield websocket
                with trio.move_on_after(CLOSE_S):
                    await websocket.aclose()
            finally:
                await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = _foremost(group)
        raise error from error.__cause__


async def _renew(credentials: Credentials, websocket: WebSocketConnection) -> None:
    async def authenticate(token: str) -> None:
        await websocket.send_message(encode({"type": "authenticate", "token": token}).decode())

    with suppress(ConnectionClosed):  # whoever reads tells why
        await credentials.renew(authenticate)


class _Watched(trio.abc.Stream):
    """A stream that tells when it has ended or is broken."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.ended = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except BaseException:  # a cancellation, too: what is half written ends the conversation
            self.ended.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data: bytes | bytearray = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            if not data:
                self.ended.set()
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _handshake(
    nursery: trio.Nursery, stream: trio.abc.Stream, url: str, token: str | None, message_bytes_max: int
) -> WebSocketConnection:
    """Left alone, trio-websocket would go on waiting for the answer of somebody who has hung up."""
    watched, websocket = _Watched(stream), None

    async def cancel_at_end(scope: trio.CancelScope) -> None:
        await watched.ended.wait()
        scope.cancel()

    async with trio.open_nursery() as attempt:
        attempt.start_soon(cancel_at_end, attempt.cancel_scope)
        websocket = await wrap_client_stream(
            nursery,
            cast(trio.SocketStream, watched),  # any stream will do
            urlsplit(url).netloc,
            urlsplit(url).path,
            subprotocols=[SUBPROTOCOL],
            extra_headers=[] if token is None else [(b"authorization", b"Bearer " + token.encode())],
            max_message_size=message_bytes_max,
            receive_buffer_size=2**16,
        )
        attempt.cancel_scope.cancel()
    if websocket is None:
        raise HandshakeError("the connection was closed in the handshake: is this a broadcaster?")
    return websocket


async def _connect(url: str, context: ssl.SSLContext | None) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    try:
        if context is None:
            return await trio.open_tcp_stream(parts.hostname, parts.port or 80)
        stream = await trio.open_ssl_over_tcp_stream(
            parts.hostname, parts.port or 443, ssl_context=context, https_compatible=True
        )
    except UnicodeError:  # of letters beyond ASCII some cannot be encoded
        raise HandshakeError(f"{parts.hostname}: no name of a host") from None
    try:
        await stream.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error, trio.BrokenResourceError):
            raise HandshakeError(_why_no_tls(error.__cause__)) from None
        raise
    return stream


def _why_no_tls(error: BaseException | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError) and error.reason not in NO_TLS:
        return f"no agreement on TLS: {error.reason}"
    return "it does not speak TLS: is it ws:// rather than wss://?"


def _foremost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error behind a group: what happened rather than what was cancelled because of it."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = next((each for each in found.exceptions if not isinstance(each, trio.Cancelled)), found.exceptions[0])
    if isinstance(found, LocalProtocolError):  # trio-websocket answers pings even after it has begun to close
        return HandshakeError("pinged amid the close")
    return HandshakeError() if isinstance(found, trio.TooSlowError) else found


def rejected(error: ConnectionRejected) -> Lost:
    """An HTTP answer instead of a WebSocket."""
    body = (error.body or b"").decode(errors="replace").strip()[:200]
    reason = body or f"refused with HTTP status {error.status_code}"
    headers = {name.lower(): value for name, value in error.headers}
    after = headers.get(b"retry-after", b"")
    wait_s = min(float(after), RETRY_AFTER_MAX_S) if after.isdigit() else 0.0
    return Lost(reason, final=error.status_code in HOPELESS_STATUS, at_least_s=wait_s)


def why(error: BaseException) -> str:
    """One line for a person: the operating system's own words where there are some."""
    cause = error
    while isinstance(cause, BaseExceptionGroup) or cause.__cause__ is not None:
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__ or cause
    if isinstance(cause, OSError) and cause.errno:
        # trio puts the address into the text, which a person sees beside it anyway.
        return os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or str(cause)
    return str(cause) or "the handshake took too long"
