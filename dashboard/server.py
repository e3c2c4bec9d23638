import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.middleware import TrioWSGIMiddleware
from hypercorn.trio.worker_context import WorkerContext

from broadcaster.addresses import Addresses
from broadcaster.certificate import Certificate
from broadcaster.descriptors import SPARE, available
from broadcaster.http_door import Door
from broadcaster.http_server import handler_of, settings_of_all
from broadcaster.refusals import Refusals
from dashboard.app import create_app
from dashboard.config import DashboardConfig
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address

BACKLOG = 100
CERTIFICATE_S = 1.0
FIRST_S = 10.0  # for TLS and the head of a first request
BODY_S = 30.0
WRITE_S = 30.0  # in which a client has to take something of its answer
PIECE_BYTES = 65_536  # of it at a time
THIS_MACHINE = "127.0.0.0/8", "::1/128"

log = logging.getLogger("streamgauge.dashboard")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the door is told. This machine and the proxies are not bounded by address: behind theirs are many."""

    http_connections_per_address: int
    trusted_networks: Sequence[str]
    handshake_s: float = FIRST_S
    write_s: float = WRITE_S


async def serve(config: DashboardConfig, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve the page until cancelled. `started()` gives its URL once connections are accepted.

    Raises:
        CommandError: `config.bind` cannot be listened on, or a file that the settings name cannot be used.
    """
    app = plainly_named(Threaded(with_body(create_app(config).server)))
    certificate = None
    if config.tls_certificate is not None and config.tls_key is not None:
        certificate = Certificate(config.tls_certificate, config.tls_key)
    warn_of_plain_passwords(config)
    door = door_of(config, sealed=certificate is not None)
    with listen(config.bind, BACKLOG) as listener:
        listener.setblocking(False)
        url = f"{'http' if certificate is None else 'https'}://{Address(config.bind.host, listener.getsockname()[1])}/"
        handler = handler_of(
            to_whom_it_reaches(announced(app, door)), hypercorn_config(), WorkerContext(None), certificate
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.serve, listener, handler, nursery)
            if certificate is not None:
                nursery.start_soon(_follow, certificate)
            task_status.started(url)


def door_of(config: DashboardConfig, *, sealed: bool = False) -> Door:
    """Who gets to the server, and for how long."""
    bounds = Bounds(config.connections_per_address, (*THIS_MACHINE, *config.trusted_proxies))
    most = min(config.connections_max, max(available() - SPARE, 4))
    return Door(bounds, Addresses(0), Refusals(), most, sealed=sealed)


def warn_of_plain_passwords(config: DashboardConfig) -> None:
    if config.password_file and not config.is_secure and not config.bind.is_loopback:
        log.warning("passwords come here without TLS: set tls_certificate, or public_url for a proxy that has it")


async def _follow(certificate: Certificate) -> None:
    while True:
        await trio.sleep(CERTIFICATE_S)
        certificate.refresh()


class UnreadError(Exception):
    """The client takes nothing of its answer."""


class Threaded(TrioWSGIMiddleware):
    """A thread makes an answer, and is free again before its client takes any of it.

    Hypercorn's own way is to send from the thread: as many who take nothing as there are threads, and nobody else is
    answered. And of HTTP/2 it keeps whole what it is given, for as long as nobody takes it.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def answered(message: Any) -> None:
            reading.deadline = math.inf
            for piece in _pieces(message):
                with trio.move_on_after(WRITE_S) as writing:
                    await send(piece)
                if writing.cancelled_caught:
                    raise UnreadError

        async def run(app: Callable[[Any, Callable[[Any], None]], None], environ: Any, unused: object) -> None:
            reading.deadline = math.inf
            answer = list[Any]()
            await trio.to_thread.run_sync(app, environ, answer.append)
            for message in answer:
                await answered(message)

        with trio.move_on_after(BODY_S) as reading, suppress(UnreadError):
            await self.wsgi_app(scope, receive, answered, run, trio.from_thread.run)
        if reading.cancelled_caught:
            await send({"type": "http.response.start", "status": 408, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _pieces(message: Any) -> Iterator[Any]:
    body = message.get("body", b"")
    for at in range(0, len(body) - PIECE_BYTES, PIECE_BYTES):
        yield {**message, "body": body[at : at + PIECE_BYTES], "more_body": True}
    last = max(0, (len(body) - 1) // PIECE_BYTES) * PIECE_BYTES
    yield {**message, "body": body[last:]} if last else message


def with_body(app: Any) -> Any:
    """Hypercorn starts a response with its first piece of body, so one without any (304, HEAD) gets an empty piece."""

    def wrapped(environ: Any, start_response: Any) -> Iterator[bytes]:
        pieces = app(environ, start_response)
        try:
            yield from pieces
            yield b""
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    return wrapped


def announced(app: Any, door: Door) -> Any:
    """Tells the door that a request came."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        door.asked(tuple(scope["client"]))
        await app(scope, receive, send)

    return wrapped


def plainly_named(app: Any) -> Any:
    """Leaves out headers with `_` in their names: WSGI takes them for those with `-`, for which a proxy vouches."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        named = [each for each in scope.get("headers", ()) if b"_" not in each[0]]
        await app({**scope, "headers": named}, receive, send)

    return wrapped


def hypercorn_config() -> Config:
    config = settings_of_all()
    config.ssl_handshake_timeout = FIRST_S
    return config
