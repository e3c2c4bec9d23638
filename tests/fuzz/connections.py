"""Targets behind a socket or a server: the handshake with what follows it, and the HTTP side."""

import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import h11
import trio

from broadcaster.auth import anybody
from broadcaster.config import BroadcasterConfig
from broadcaster.http import build_app
from broadcaster.listener import Listener
from broadcaster.server import Broadcaster
from broadcaster.stream import FrameStream
from broadcaster.transports.handshake import Admission
from broadcaster.transports.websocket import Connection
from tests.broadcaster.world import World

NO_TIME = 5.0


class Handshake:
    """A peer that sends some bytes and hangs up, at the listener of the broadcaster. It has to end on its own."""

    def __init__(self, folder: Path) -> None:
        self._world = World(series_max=100, history_points=50, close_s=0.01, message_bytes=5_000)
        self._world.shared.clock = trio.current_time
        self._listener = Listener(self._world.config, anybody, self)
        self._known: dict[Connection, None] = {}
        self.errors: list[BaseException] = []
        logging.getLogger("streamgauge.broadcaster").addHandler(_Noting(self.errors))

    def full(self) -> bool:
        return False

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        connection = Connection(self._world.shared, stream, admission.grant, address)
        self._known[connection] = None
        return connection

    def leave(self, connection: Connection) -> None:
        del self._known[connection]

    def __call__(self, data: bytes) -> None:
        trio.run(self._serve, data)
        self._world.history.log.clear()
        assert not self._known
        if self.errors:
            raise self.errors.pop()

    async def _serve(self, data: bytes) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        with trio.fail_after(NO_TIME), trio.socket.from_stdlib_socket(theirs) as peer:
            async with trio.open_nursery() as turning:
                turning.start_soon(self._listener.turn)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._listener._serve, ours, "peer")
                    await self._send(peer, data)
                turning.cancel_scope.cancel()

    @staticmethod
    async def _send(peer: trio.socket.SocketType, data: bytes) -> None:
        try:
            while data:
                data = data[await peer.send(data) :]
            peer.shutdown(socket.SHUT_WR)
            while await peer.recv(65_536):
                pass
        except OSError:
            return  # closed on it


class _Noting(logging.Handler):
    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._errors.append(error or AssertionError(record.getMessage()))


class Http:
    """Requests as bytes, read by the server's own parser and handed to the application as the server does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = BroadcasterConfig(
            alerts=folder, alerts_writable=True, telemetry_interval_s=0, series_max=100, history_points=50
        )
        self._app: Any = None
        self._turns: Callable[[], Awaitable[None]]
        self._count = 0

    def __call__(self, data: bytes) -> None:
        parsed = self._parse(data)
        if parsed is not None:
            status = trio.run(self._ask, *parsed)
            assert status < 500 or status == 503, f"status {status}"

    @staticmethod
    def _parse(data: bytes) -> tuple[h11.Request, list[bytes]] | None:
        """None: refused by the server before it comes to us."""
        connection = h11.Connection(h11.SERVER)
        parts: list[bytes] = []
        try:
            connection.receive_data(data)
            connection.receive_data(b"")
            request = connection.next_event()
            if not isinstance(request, h11.Request):
                return None
            while isinstance(event := connection.next_event(), h11.Data):
                parts.append(bytes(event.data))
        except h11.RemoteProtocolError:
            return None
        return request, parts

    async def _ask(self, request: h11.Request, parts: list[bytes]) -> int:
        self._count += 1
        if self._app is None or self._count % 1_000 == 0:
            for file in self._folder.glob("*.toml"):
                file.unlink()
            core = Broadcaster(self._config, anybody)
            self._app, self._turns = build_app(core), core.searcher.run
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "method": request.method.decode("ascii").upper(),
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(bytes(name), bytes(value)) for name, value in request.headers],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8766),
            "extensions": {},
        }
        waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        waiting.append({"type": "http.request", "body": b"", "more_body": False})
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                for name, value in message["headers"]:
                    assert not set(b"\r\n\0") & set(name + value), "a header that ends"

        with trio.fail_after(NO_TIME):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._turns)
                await self._app(scope, receive, send)
                nursery.cancel_scope.cancel()
        return statuses[0]
