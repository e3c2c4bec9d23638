"""A version-1 client over a plain socket, written from the protocol's text and RFC 6455 alone.

It shares no code with the product and uses no WebSocket library, so that it can send what a library would refuse to
send, and so that a mistake made on both sides of the product does not cancel out. Every message it receives is held
against the rules of the protocol (`wire_rules`), whatever the test is about.
"""

import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import trio

from tests.e2e.wire_frames import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    WAIT_S,
    Buffered,
    Closed,
    Frame,
    Response,
    encode_frame,
    handshake,
)
from tests.e2e.wire_rules import Rules

VERSION = "streamgauge.v1"

Message = dict[str, Any]


@dataclass
class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    response: Response


@dataclass
class Wire:
    """One connection. `rules` has checked every message received so far and keeps the count of samples."""

    stream: trio.SocketStream
    response: Response
    buffered: Buffered
    rules: Rules = field(default_factory=Rules)
    auto_pong: bool = True
    pings: int = 0
    pongs: list[bytes] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)

    @property
    def welcome(self) -> Message:
        return self.received[0]

    @property
    def cursor(self) -> str:
        """Of the last message that had one."""
        return next(str(message["cursor"]) for message in reversed(self.received) if "cursor" in message)

    # Sending

    async def send_bytes(self, data: bytes) -> None:
        with trio.fail_after(WAIT_S):
            await self.stream.send_all(data)

    async def send_frame(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        await self.send_bytes(encode_frame(opcode, payload, **options))

    async def send_text(self, text: str | bytes) -> None:
        await self.send_frame(TEXT, text.encode() if isinstance(text, str) else text)

    async def send(self, message: object, **fields: Any) -> None:
        """A message as an object, or its type and its fields."""
        await self.send_text(json.dumps({"type": message, **fields} if isinstance(message, str) else message))

    async def send_many(self, messages: Iterable[Message]) -> None:
        """Many messages in one write."""
        await self.send_bytes(b"".join(encode_frame(TEXT, json.dumps(message).encode()) for message in messages))

    # Receiving

    async def receive_frame(self) -> Frame:
        """The next frame, whatever it is."""
        first, second = await self.buffered.exactly(2)
        assert not first & 0x70, "reserved bits set although no extension was agreed"
        assert not second & 0x80, "a server's frame must not be masked"
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.buffered.exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.buffered.exactly(8))
        return Frame(first & 0x0F, await self.buffered.exactly(length), bool(first & 0x80))

    async def receive(self) -> Message:
        """The next message. Pings are answered on the way; a close is answered and raised as Closed."""
        with trio.fail_after(WAIT_S):
            while True:
                frame = await self.receive_frame()
                assert frame.fin, "a message is one frame"
                if frame.opcode == TEXT:
                    return self._take_message(frame.payload)
                await self._control(frame)

    def _take_message(self, payload: bytes) -> Message:
        message: Message = json.loads(payload.decode("utf-8"), parse_constant=_no_constant)
        self.received.append(message)
        self.rules.check(message)
        return message

    async def _control(self, frame: Frame) -> None:
        if frame.opcode == PING:
            self.pings += 1
            if self.auto_pong:
                await self.send_frame(PONG, frame.payload)
        elif frame.opcode == PONG:
            self.pongs.append(frame.payload)
        elif frame.opcode == CLOSE:
            await self._answer_close(frame.payload)
        else:
            raise AssertionError(f"unexpected opcode {frame.opcode}")

    async def _answer_close(self, payload: bytes) -> None:
        code = struct.unpack("!H", payload[:2])[0] if payload else -1
        # The server need not wait for the answer, and a test may be in the middle of a send.
        with suppress(trio.BrokenResourceError, trio.BusyResourceError, trio.TooSlowError):
            await self.send_frame(CLOSE, payload[:2])
        raise Closed(code, payload[2:].decode())

    async def expect(self, type: str, **fields: Any) -> Message:
        """The next message, which must be of this type and have these fields."""
        message = await self.receive()
        assert message["type"] == type, message
        assert {name: message.get(name) for name in fields} == fields, message
        return message

    async def until(self, type: str, matches: Callable[[Message], bool] = lambda message: True) -> Message:
        """Reads on to a message of this type that matches."""
        while True:
            message = await self.receive()
            if message["type"] == type and matches(message):
                return message

    async def until_samples(self, count: int) -> None:
        """Reads on until so many samples were delivered or reported in gaps."""
        while self.rules.accounted < count:
            await self.receive()

    async def until_backfilled(self, count: int) -> None:
        """Reads on until so many samples came as backfill."""
        while self.rules.counts["backfill"] < count:
            await self.receive()

    async def until_closed(self) -> Closed:
        """Reads on to the end of the connection."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed

    # Exchanges

    async def publish(self, id: int, samples: object, **fields: Any) -> Message:
        """Publishes and returns the ack or error of this id. Data that arrives meanwhile is in `received`."""
        await self.send("publish", id=id, samples=samples, **fields)
        return await self.answer(id)

    async def answer(self, id: int) -> Message:
        while True:
            message = await self.receive()
            if message.get("id") == id and message["type"] in ("ack", "error"):
                return message

    async def subscribe(self, id: int = 1, *metrics: str, select: object = None, **fields: Any) -> Message:
        """Subscribes to the metrics and returns `subscribed`."""
        wanted = select if select is not None else [{"metric": metric} for metric in metrics or ("*",)]
        await self.send("subscribe", id=id, select=wanted, **fields)
        return await self.until("subscribed", lambda message: message["id"] == id)

    async def refused(self, message: object, **fields: Any) -> Message:
        """Sends what must be refused and returns the `error`, skipping data."""
        await self.send(message, **fields)
        return await self.until("error")

    async def ping(self) -> None:
        """A round trip: everything sent before is handled, and the connection works."""
        token = len(self.received)
        await self.send("ping", time=token)
        await self.until("pong", lambda message: message["time"] == token)

    async def close(self, code: int = 1000) -> Closed:
        """The closing handshake, started here."""
        await self.send_frame(CLOSE, struct.pack("!H", code))
        return await self.until_closed()

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self.stream)


def _no_constant(name: str) -> object:
    raise AssertionError(f"{name} is not JSON")


async def connect(url: str, *, auto_pong: bool = True, hello: Message | None = None, **options: Any) -> Wire:
    """A connection that has been welcomed. Raises Refused."""
    options.setdefault("subprotocols", (VERSION,))
    buffered, response = await handshake(url, **options)
    if response.status != 101:
        await trio.aclose_forcefully(buffered.stream)
        raise Refused(response)
    wire = Wire(buffered.stream, response, buffered, auto_pong=auto_pong)
    await wire.expect("welcome")
    if hello is not None:
        await wire.send("hello", **hello)
    return wire


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Wire]:
    """`connect`, closed without a handshake at the end."""
    wire = await connect(url, **options)
    try:
        yield wire
    finally:
        await wire.aclose()


def sample(metric: str, value: object, time: object = None, **fields: Any) -> Message:
    """One entry of a `publish`."""
    message: Message = {"metric": metric, "value": value, **fields}
    return message if time is None else {**message, "time": time}


async def eventually(probe: Callable[[], Awaitable[bool]], bound_s: float = WAIT_S) -> None:
    """Asks again and again until it is true, for what no message announces."""
    with trio.fail_after(bound_s):
        while True:
            if await probe():
                return
            await trio.sleep(0.01)
