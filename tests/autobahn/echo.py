"""An echo server of the broadcaster's own framing, for conformance suites that want every message back.

Listener, FrameStream, FrameReader, Connection and trio-websocket are the product's, unchanged. Only the session is
another: it says back what it hears, and none of the messages of Streamgauge's own protocol.
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio

from broadcaster.auth import Grant
from broadcaster.listener import Listener
from broadcaster.session import Session
from broadcaster.shared import Shared
from broadcaster.stream import FrameStream
from broadcaster.transports.handshake import PATH, Admission
from broadcaster.transports.websocket import Connection
from ingest.listening import listen
from ingest.settings import Address
from tests.broadcaster.world import World

MIB = 1_048_576
TEXT, BINARY = 0x1, 0x2


class Opcodes:
    """The opcodes of the messages in what a client sends, in order: the frame reader does not tell text from binary.

    It knows nothing of framing but where a frame ends. What is no frame ends the connection, and nobody asks any more.
    """

    def __init__(self) -> None:
        self.seen: deque[int] = deque()
        self._head = bytearray()
        self._skip = 0  # bytes of a payload still to come

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self._skip:
                skipped = min(self._skip, len(data) - at)
                self._skip -= skipped
                at += skipped
                continue
            self._head.append(data[at])
            at += 1
            if len(self._head) == self._head_size():
                self._frame()

    def _head_size(self) -> int:
        """With its mask."""
        if len(self._head) < 2:
            return 2
        return {126: 8, 127: 14}.get(self._head[1] & 0x7F, 6)

    def _frame(self) -> None:
        opcode, length = self._head[0] & 0xF, self._head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(self._head[2:-4], "big")
        if opcode in (TEXT, BINARY):
            self.seen.append(opcode)
        self._skip = length
        self._head.clear()


class Echo(Session):
    """Stands in the place of a connection's session."""

    __slots__ = ("_connection", "_opcodes", "_stream")

    def __init__(self, shared: Shared, connection: Connection, stream: FrameStream, grant: Grant) -> None:
        super().__init__(shared, connection, grant)
        self._connection = connection
        self._stream = stream
        self._opcodes = Opcodes()

    def start(self) -> None:
        reader = self._stream.reader

        def watched(data: bytes) -> bytes:
            self._opcodes.feed(data)
            return reader(data)

        self._stream.reader = watched

    def receive(self, data: str | bytes) -> None:
        self._answer(data.encode() if isinstance(data, str) else data)

    def receive_all(self, messages: Sequence[str | bytes], size: int | None = None) -> None:
        for data in messages:
            self.receive(data)

    def _answer(self, payload: bytes) -> None:
        if self._opcodes.seen.popleft() == TEXT:
            self._connection.send(payload)
        else:
            self._connection._send_frame(_binary(payload))


def _binary(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 65_536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


class EchoHouse:
    """Knows no connection for longer than it takes to make it one that echoes."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def full(self) -> bool:
        return False

    def enter(self, stream: FrameStream, admission: Admission, address: str) -> Connection:
        connection = Connection(self._shared, stream, admission.grant, address)
        connection.session = Echo(self._shared, connection, stream, admission.grant)
        connection._bye_said = True  # `bye` is a message of Streamgauge's own; close frames are what they are
        return connection

    def leave(self, connection: Connection) -> None:
        """Nothing was noted."""


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """Its URL. The limits are as the suite's largest cases need them: messages of 16 MiB."""
    world = World(message_bytes=16 * MIB, control_bytes=256 * MIB)
    world.shared.clock = trio.current_time
    listener = Listener(world.config, world.shared.authenticator, EchoHouse(world.shared))
    with listen(Address("127.0.0.1", 0), 10) as sock:
        sock.setblocking(False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.accept, sock, nursery)
            yield f"ws://127.0.0.1:{sock.getsockname()[1]}{PATH}"
            nursery.cancel_scope.cancel()
