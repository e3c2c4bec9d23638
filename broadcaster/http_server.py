import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.events import Event, Updated
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from broadcaster.addresses import Addresses
from broadcaster.certificate import Certificate
from broadcaster.config import BroadcasterConfig
from broadcaster.http import build_app
from broadcaster.http_core import Core
from broadcaster.http_door import Door, PatientStream
from broadcaster.http_headers import Protected
from broadcaster.http_limits import Requests
from broadcaster.refusals import Refusals
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address

GRACE_S = 1.0
BACKLOG = 1000
HTTP2_STREAMS = 32


async def serve_http(
    core: Core,
    certificate: Certificate | None = None,
    *,
    addresses: Addresses | None = None,
    refusals: Refusals | None = None,
    connections_max: int | None = None,
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve HTTP on `core.config.http_bind` until `stop` is set: requests under way then have a second to end.

    `started()` gives the URL, without a slash at its end, once connections are accepted.

    Raises:
        CommandError: the address cannot be listened on.
    """
    config = core.config
    if addresses is None:
        addresses = Addresses(config.connections_per_address, config.trusted_networks)
    refusals, stopping = refusals or Refusals(), trio.Event() if stop is None else stop
    door = Door(
        config, addresses, refusals, connections_max or config.http_connections_max, sealed=certificate is not None
    )
    app = Requests(build_app(core), config, addresses, refusals, door.asked)
    refusals.used |= {
        "http_connections_max": door.__len__,
        "http_connections_per_address": lambda: door.fullest,
        "http_requests_max": lambda: app.under_way,
        "http_requests_per_address": lambda: app.fullest,
    }
    context = WorkerContext(None)
    handler = handler_of(to_whom_it_reaches(Protected(app)), _settings(config), context, certificate)
    with listen(config.http_bind, BACKLOG) as listener:
        listener.setblocking(False)
        address = Address(config.http_bind.host, listener.getsockname()[1])
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(door.serve, listener, handler, connections)
                task_status.started(f"{'http' if certificate is None else 'https'}://{address}")
                await stopping.wait()
                accepting.cancel_scope.cancel()
            listener.close()
            await context.terminated.set()  # those without a request under way end
            connections.cancel_scope.deadline = trio.current_time() + GRACE_S


def handler_of(
    app: Any, settings: Config, context: WorkerContext, certificate: Certificate | None
) -> Callable[[PatientStream], Awaitable[None]]:
    """Serves one connection with Hypercorn's protocols."""
    wrapped = wrap_app(app, 0, "asgi")

    async def serve(stream: PatientStream) -> None:
        over: Any = stream
        if certificate is not None:
            over = trio.SSLStream(stream, certificate.context, server_side=True, https_compatible=True)
        await Served(wrapped, settings, context, ConnectionState({}), over)

    return serve


class Served(TCPServer):
    """A connection that ends when its client has gone.

    Hypercorn may begin to wait for its next request even then, for `keep_alive_timeout`, if it ended right after an
    answer.
    """

    _gone = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._gone = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if not (self._gone and isinstance(event, Updated)):
            await super().protocol_send(event)


def settings_of_all() -> Config:
    """What holds for each server of ours."""
    settings = Config()
    settings.errorlog = logging.getLogger("hypercorn.error")  # or it would have a handler of its own; no access log
    settings.include_server_header = False
    settings.h2_max_concurrent_streams = HTTP2_STREAMS
    return settings


def _settings(config: BroadcasterConfig) -> Config:
    settings = settings_of_all()
    settings.keep_alive_timeout = config.http_idle_s
    settings.read_timeout = math.ceil(max(config.http_idle_s, config.body_s)) + 1
    settings.ssl_handshake_timeout = config.handshake_s
    return settings
