"""A TCP proxy that a test can cut, hold and resume, or that cuts after so many bytes: a network gone bad."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


class Proxy:
    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._open = trio.Event()
        self._open.set()
        self._connections: set[trio.CancelScope] = set()
        self._upstream_budget: int | None = None
        self.port = 0
        self.accepted = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def cut(self) -> None:
        """Every connection is gone at once, whatever was under way; new ones are accepted."""
        for scope in list(self._connections):
            scope.cancel()

    def cut_after(self, upstream_bytes: int) -> None:
        """The connection is cut after so many more bytes towards the broadcaster, mid-frame if need be."""
        self._upstream_budget = upstream_bytes

    def hold(self) -> None:
        """Nothing passes, and nobody is told."""
        self._open = trio.Event()

    def resume(self) -> None:
        self._open.set()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        await trio.serve_listeners(self._serve, listeners, task_status=_Started(task_status))

    async def _serve(self, client: trio.SocketStream) -> None:
        self.accepted += 1
        try:
            server = await trio.open_tcp_stream(*self._to)
        except OSError:
            await trio.aclose_forcefully(client)
            return
        with trio.CancelScope() as scope:
            self._connections.add(scope)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._carry, client, server, scope, True)
                nursery.start_soon(self._carry, server, client, scope, False)
        self._connections.discard(scope)
        await trio.aclose_forcefully(client)
        await trio.aclose_forcefully(server)

    async def _carry(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope, upstream: bool
    ) -> None:
        try:
            while data := await source.receive_some(2**16):
                await self._open.wait()
                if upstream and self._upstream_budget is not None:
                    budget, self._upstream_budget = self._upstream_budget, self._upstream_budget - len(data)
                    if len(data) >= budget:
                        self._upstream_budget = None
                        await sink.send_all(data[:budget])
                        break
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()


class _Started(trio.TaskStatus[object]):
    """serve_listeners reports its listeners; whoever starts the proxy wants none."""

    def __init__(self, inner: trio.TaskStatus[None]) -> None:
        self._inner = inner

    def started(self, value: object = None) -> None:
        self._inner.started()


@asynccontextmanager
async def open_proxy(to: tuple[str, int]) -> AsyncIterator[Proxy]:
    proxy = Proxy(to)
    async with trio.open_nursery() as nursery:
        await nursery.start(proxy.run)
        yield proxy
        nursery.cancel_scope.cancel()
