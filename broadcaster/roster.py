import logging
from collections.abc import Iterator

import trio

from broadcaster import errors
from broadcaster.relief import too_much
from broadcaster.shared import Shared
from broadcaster.stream import FrameStream
from broadcaster.traffic import Traffic
from broadcaster.transports.handshake import Admission
from broadcaster.transports.websocket import Connection

log = logging.getLogger("streamgauge.broadcaster")


class Roster:
    """Who is connected, at most `most` at once; and the sums of those who were."""

    def __init__(self, shared: Shared, most: int) -> None:
        self._shared = shared
        self._connections: dict[Connection, None] = {}
        self._left = trio.Event()
        self.most = most
        self.closed = False  # to newcomers
        self.over = False  # whoever leaves now was cut off
        self.opened = 0
        self.ended = Traffic()
        self.closes: dict[str, int] = {}  # by close code

    def full(self) -> bool:
        return len(self._connections) >= self.most or self.closed

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        """Makes a connection known, until `leave` is called."""
        connection = Connection(self._shared, stream, admission.grant, address)
        self._connections[connection] = None
        self.opened += 1
        log.info("connection opened", extra={"connection": connection.session.id, "address": address})
        return connection

    def leave(self, connection: Connection) -> None:
        del self._connections[connection]
        self._left.set()
        self.ended.add(connection.traffic())
        code = str(connection.closing.code) if connection.closing else "cut" if self.over else "peer"
        self.closes[code] = self.closes.get(code, 0) + 1
        log.info("connection closed", extra=connection.summary())

    def check(self, now: float) -> None:
        """Asked once a second or so: ends who is silent, of no use, or takes nothing. `now` is on the steady clock."""
        for connection in self:
            connection.check(now)
        for connection in too_much(self._waiting(), self._shared.config.answers_bytes, now):
            connection.session.quota.count("answers_bytes")
            connection.close(errors.TOO_SLOW)

    def _waiting(self) -> list[Connection]:
        return [connection for connection in self._connections if connection.writing]

    @property
    def answers_bytes(self) -> int:
        """Of answers that wait for their clients."""
        return sum(connection.answers_bytes for connection in self._waiting())

    async def emptied(self) -> None:
        """Waits until all have left."""
        while self._connections:
            self._left = trio.Event()
            await self._left.wait()

    def __iter__(self) -> Iterator[Connection]:
        """Over a copy: anybody may come and go meanwhile."""
        return iter(list(self._connections))

    def __len__(self) -> int:
        return len(self._connections)
