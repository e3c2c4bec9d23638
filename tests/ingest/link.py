"""A scripted broadcaster at the other end of in-memory streams, for tests of producers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import trio
from trio.testing import memory_stream_pair
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)

LIMITS = {"message_bytes": 1_000_000, "samples_per_message": 10_000, "samples_per_second": 0, "series": 1000}


class End:
    """The broadcaster's end of one connection."""

    def __init__(self, socket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        self.socket = socket
        self.stream = stream

    async def send(self, **message: object) -> None:
        await self.socket.send_message(json.dumps(message))

    async def bye(self, code: int, reason: str, after: tuple[float, float] = (0.0, 1.0)) -> None:
        await self.send(type="bye", code=code, reason=reason, reconnect=code < 4500, after=after)
        await self.socket.aclose(code, reason)


class Peer(End):
    """What a producer meets."""

    def __init__(self, socket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        super().__init__(socket, stream)
        self.hello: dict[str, Any] = {}

    async def receive(self) -> dict[str, Any]:
        """The next message; pings are answered."""
        while True:
            message: dict[str, Any] = json.loads(await self.socket.get_message())
            if message["type"] != "ping":
                return message
            await self.send(type="pong", time=message["time"], server_time=0.0)

    async def begin(self, ping_interval: float = 20.0, **limits: int) -> None:
        await self.send(type="welcome", version=1, ping_interval=ping_interval, limits={**LIMITS, **limits})
        self.hello = await self.receive()

    async def ack(self, message: dict[str, Any], **fields: object) -> None:
        answer = {"accepted": count(message), "rejected": [], **fields}
        await self.send(type="ack", id=message["id"], **answer)


def count(message: dict[str, Any]) -> int:
    return sum(len(each["value"]) if isinstance(each["value"], list) else 1 for each in message["samples"])


def values(messages: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for message in messages:
        for each in message["samples"]:
            found += each["value"] if isinstance(each["value"], list) else [each["value"]]
    return found


class Store:
    """Applies messages as the protocol says: ids grow, repetitions are told and not applied."""

    def __init__(self) -> None:
        self.last_id = 0
        self.messages: list[dict[str, Any]] = []
        self.repetitions = 0

    async def serve(self, peer: Peer, acks: int | None = None, **welcome: Any) -> None:
        """Apply and acknowledge; after so many acknowledgements go on without any."""
        await peer.begin(**welcome)
        while True:
            message = await peer.receive()
            repeated = message["id"] <= self.last_id
            self.repetitions += repeated
            if not repeated:
                self.last_id = message["id"]
                self.messages.append(message)
            if acks is None:
                await peer.ack(message, **({"duplicate": True} if repeated else {}))
            elif acks > 0:
                acks -= 1
                await peer.ack(message)
            else:
                await trio.aclose_forcefully(peer.stream)
                return


Script = Callable[[Any], Awaitable[None]]


class Scripted:
    """Dials connections to one script after another; None is a broadcaster that is away, a number an HTTP status."""

    def __init__(
        self, *scripts: Script | int | None, end: Callable[[WebSocketConnection, trio.abc.Stream], End] = Peer
    ) -> None:
        self._scripts = iter(scripts)
        self._end = end
        self.dialled_at: list[float] = []

    def __call__(self) -> AbstractAsyncContextManager[WebSocketConnection]:
        return self._dial()

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[WebSocketConnection]:
        self.dialled_at.append(trio.current_time())
        script = next(self._scripts, None)
        if script is None:
            raise ConnectionRefusedError(111, "Connection refused")
        try:
            async with self._connect(script) as socket:
                yield socket
        except* ConnectionRejected as group:  # as the real one raises it
            rejection: BaseException = group
        else:
            return
        while isinstance(rejection, BaseExceptionGroup):
            rejection = rejection.exceptions[0]
        raise rejection

    @asynccontextmanager
    async def _connect(self, script: Script | int) -> AsyncIterator[WebSocketConnection]:
        near, far = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, far, script)
            try:
                socket = await wrap_client_stream(
                    nursery,
                    near,  # type: ignore[arg-type]
                    "test",
                    "/v1/stream",
                    subprotocols=["streamgauge.v1"],
                )
                yield socket
                with trio.move_on_after(1):
                    await socket.aclose()
            finally:
                nursery.cancel_scope.cancel()

    async def _serve(self, stream: trio.abc.Stream, script: Script | int) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            if isinstance(script, int):
                await request.reject(script, extra_headers=[(b"retry-after", b"7")], body=b"no")
                return
            socket = await request.accept(subprotocol="streamgauge.v1")
            try:
                await script(self._end(socket, stream))
            except ConnectionClosed:
                pass
            finally:
                nursery.cancel_scope.cancel()
                await trio.aclose_forcefully(stream)
