from ssl import SSLContext
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_hypercorn

from broadcaster.certificate import Certificate
from broadcaster.http import Core, build_app
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address

KEEP_ALIVE_S = 30.0
GRACE_S = 1.0
REQUEST_S = 30
BACKLOG = 1000


async def serve_http(
    core: Core,
    certificate: Certificate | None = None,
    *,
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve HTTP on `core.config.http_bind` until `stop` is set: requests under way then have a second to end.

    `started()` gives the URL, without a slash at its end, once connections are accepted.

    Raises:
        CommandError: the address cannot be listened on.
    """
    bind = core.config.http_bind
    listener = listen(bind, BACKLOG)
    address = Address(bind.host, listener.getsockname()[1])
    app = cast(Any, to_whom_it_reaches(build_app(core)))
    trigger = None if stop is None else stop.wait

    async def serve(task_status: trio.TaskStatus[list[str]]) -> None:
        # Hypercorn makes a socket object of its own from the descriptor, and closes that.
        settings = _settings(listener.detach(), None if certificate is None else certificate.follower())
        settings.ssl_handshake_timeout = core.config.handshake_s
        await serve_hypercorn(app, settings, shutdown_trigger=trigger, task_status=task_status, mode="asgi")

    async with trio.open_nursery() as nursery:
        await nursery.start(serve)
        task_status.started(f"{'http' if certificate is None else 'https'}://{address}")


class _Settings(Config):
    """With a TLS context that was made elsewhere, instead of files."""

    context: SSLContext | None = None

    def create_ssl_context(self) -> SSLContext | None:
        return self.context

    @property
    def ssl_enabled(self) -> bool:
        return self.context is not None


def _settings(descriptor: int, context: SSLContext | None) -> Config:
    config = _Settings()
    config.context = context
    config.bind = [f"fd://{descriptor}"]
    config.loglevel = "WARNING"  # and no access log unless one is configured
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.read_timeout = REQUEST_S
    config.graceful_timeout = GRACE_S
    return config
