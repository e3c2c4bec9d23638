import logging
from collections.abc import Callable, Iterator
from ssl import SSLContext
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.middleware import TrioWSGIMiddleware
from hypercorn.trio import serve as serve_hypercorn

from broadcaster.certificate import Certificate
from dashboard.app import create_app
from dashboard.config import DashboardConfig
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address

BACKLOG = 100
CERTIFICATE_S = 1.0

log = logging.getLogger("streamgauge.dashboard")


async def serve(config: DashboardConfig, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve the page until cancelled. `started()` gives its URL once connections are accepted.

    Raises:
        CommandError: `config.bind` cannot be listened on, or a file that the settings name cannot be used.
    """
    app = to_whom_it_reaches(with_lifespan(plainly_named(Threaded(with_body(create_app(config).server)))))
    certificate = None
    if config.tls_certificate is not None and config.tls_key is not None:
        certificate = Certificate(config.tls_certificate, config.tls_key)
    warn_of_plain_passwords(config)
    listener = listen(config.bind, BACKLOG)
    url = f"{'http' if certificate is None else 'https'}://{Address(config.bind.host, listener.getsockname()[1])}/"
    async with trio.open_nursery() as nursery:
        # Hypercorn makes a socket object of its own from the descriptor, and closes that.
        settings = hypercorn_config(listener.detach(), None if certificate is None else certificate.follower())
        await nursery.start(_serve, app, settings)
        if certificate is not None:
            nursery.start_soon(_follow, certificate)
        task_status.started(url)


def warn_of_plain_passwords(config: DashboardConfig) -> None:
    if config.password_file and not config.is_secure and not config.bind.is_loopback:
        log.warning("passwords come here without TLS: set tls_certificate, or public_url for a proxy that has it")


async def _follow(certificate: Certificate) -> None:
    while True:
        await trio.sleep(CERTIFICATE_S)
        certificate.refresh()


async def _serve(app: Any, settings: Config, *, task_status: trio.TaskStatus[list[str]]) -> None:
    await serve_hypercorn(app, settings, task_status=task_status, mode="asgi")


class Threaded(TrioWSGIMiddleware):
    """A thread makes an answer, and is free again before its client takes any of it.

    Hypercorn's own way is to send from the thread: as many who take nothing as there are threads, and nobody else is
    answered.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def run(app: Callable[[Any, Callable[[Any], None]], None], environ: Any, unused: object) -> None:
            answer = list[Any]()
            await trio.to_thread.run_sync(app, environ, answer.append)
            for message in answer:
                await send(message)

        await self.wsgi_app(scope, receive, send, run, trio.from_thread.run)


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


def with_lifespan(app: Any) -> Any:
    """TrioWSGIMiddleware returns at once when told of the lifespan, which Hypercorn's trio worker does not survive."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return wrapped


def plainly_named(app: Any) -> Any:
    """Leaves out headers with `_` in their names: WSGI takes them for those with `-`, for which a proxy vouches."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        named = [each for each in scope.get("headers", ()) if b"_" not in each[0]]
        await app({**scope, "headers": named}, receive, send)

    return wrapped


class _Settings(Config):
    """With a TLS context that was made elsewhere, instead of files."""

    context: SSLContext | None = None

    def create_ssl_context(self) -> SSLContext | None:
        return self.context

    @property
    def ssl_enabled(self) -> bool:
        return self.context is not None


def hypercorn_config(descriptor: int, context: SSLContext | None = None) -> Config:
    config = _Settings()
    config.context = context
    config.bind = [f"fd://{descriptor}"]
    config.errorlog = logging.getLogger("hypercorn.error")  # or it would have a handler of its own
    config.include_server_header = False
    config.graceful_timeout = 1.0
    return config
