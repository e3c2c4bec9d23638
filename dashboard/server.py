import logging
from collections.abc import Iterator
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.middleware import TrioWSGIMiddleware
from hypercorn.trio import serve as serve_hypercorn

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address

BACKLOG = 100


async def serve(config: DashboardConfig, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve the page until cancelled. `started()` gives its URL once connections are accepted.

    Raises:
        CommandError: `config.bind` cannot be listened on.
    """
    app = to_whom_it_reaches(with_lifespan(TrioWSGIMiddleware(with_body(create_app(config).server))))
    listener = listen(config.bind, BACKLOG)
    url = f"http://{Address(config.bind.host, listener.getsockname()[1])}/"
    async with trio.open_nursery() as nursery:
        # Hypercorn makes a socket object of its own from the descriptor, and closes that.
        settings = hypercorn_config(listener.detach())
        await nursery.start(_serve, app, settings)
        task_status.started(url)


async def _serve(app: Any, settings: Config, *, task_status: trio.TaskStatus[list[str]]) -> None:
    await serve_hypercorn(app, settings, task_status=task_status, mode="asgi")


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


def hypercorn_config(descriptor: int) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.errorlog = logging.getLogger("hypercorn.error")  # or it would have a handler of its own
    config.include_server_header = False
    config.graceful_timeout = 1.0
    return config
