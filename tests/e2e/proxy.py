"""A TCP proxy that a test can cut, hold and resume, or that cuts after so many bytes: a network gone bad.

Upstream is towards the broadcaster, downstream is what it answers.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

UPSTREAM, DOWNSTREAM = "upstream", "downstream"


class Proxy:
    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._open = {UPSTREAM: trio.Event(), DOWNSTREAM: trio.Event()}
        self.resume()
        self._connections: set[trio.CancelScope] = set()
        self._budgets: dict[str, int] = {}
        self.port = 0
        self.accepted = 0
        self.cuts = 0  # of those that were to come after so many bytes
        self.held = 0  # times that something came and was held

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def cut(self) -> None:
        """Every connection is gone at once, whatever was under way; new ones are accepted."""
        for scope in list(self._connections):
            scope.cancel()

    def cut_after(self, bytes: int, direction: str = UPSTREAM) -> None:
        """The connection is cut after so many more bytes in this direction, mid-frame if need be."""
        self._budgets[direction] = bytes

    def hold(self, *directions: str) -> None:
        """Nothing passes (in these directions), and nobody is told."""
        for direction in directions or (UPSTREAM, DOWNSTREAM):
            self._open[direction] = trio.Event()

    def resume(self) -> None:
        for event in self._open.values():
            event.set()

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
        async with server:
            with trio.CancelScope() as scope:
                self._connections.add(scope)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._carry, client, server, scope, UPSTREAM)
                    nursery.start_soon(self._carry, server, client, scope, DOWNSTREAM)
            self._connections.discard(scope)

    async def _carry(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope, direction: str
    ) -> None:
        try:
            while data := await source.receive_some(2**16):
                self.held += not self._open[direction].is_set()
                await self._open[direction].wait()
                await sink.send_all(data[: self._allowed(len(data), direction)])
                if direction in self._budgets and not self._budgets[direction]:
                    del self._budgets[direction]
                    self.cuts += 1
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    def _allowed(self, count: int, direction: str) -> int:
        if direction not in self._budgets:
            return count
        allowed = min(count, self._budgets[direction])
        self._budgets[direction] -= allowed
        return allowed


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
