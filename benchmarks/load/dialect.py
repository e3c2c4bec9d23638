"""What a load generator must know of a server: how to greet it, what to publish, what a delivery looks like. Pure."""

from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.load.counting import FrameCount, StreamCount
from benchmarks.load.frames import BINARY, TEXT, client_frame, server_frame_bytes

SAMPLE_BYTES = 100  # of JSON; a message of Streamgauge's is as long including its own envelope
FIRST_VALUE = 1_000_000_000  # values have one width, so that samples have
INDEX = b"@index@"


@dataclass(frozen=True, slots=True)
class Step:
    """When a message with `wait` in it has come (b"": at once), send `send` (b"": nothing)."""

    wait: bytes
    send: bytes = b""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`before` and `after` stand around a sample in a published message, `around` bytes around it in a delivery."""

    counting: Literal["frames", "stream", "batches"] = "frames"
    before: bytes = b""
    after: bytes = b""
    around: int = 0
    sample_bytes: int = SAMPLE_BYTES
    binary: bool = False
    subscribe_path: str = "/"
    publish_path: str = "/publish"
    protocol: str = ""
    subscribe: tuple[Step, ...] = ()
    publish: tuple[Step, ...] = ()
    window: int = 0  # the most samples under way at which it is fastest; 0: no limit of its own

    def sample(self, number: int, time: float) -> bytes:
        """About 100 bytes of JSON, always as many.

        The last digit of the microseconds is odd: no formatter of numbers can leave it away.
        """
        micros = round(time * 1e6) | 1
        text = b'{"metric":"load.test","time":%d.%06d,"value":%d' % (*divmod(micros, 1_000_000), FIRST_VALUE + number)
        room = self.sample_bytes - len(text) - len(b',"help":""}')
        return text + (b',"help":"%b"}' % (b"x" * room) if room > 0 else b"}")

    def message(self, number: int, time: float) -> bytes:
        """One published sample as a frame."""
        return self.frame(self.before + self.sample(number, time) + self.after)

    def frame(self, payload: bytes) -> bytes:
        return client_frame(payload, BINARY if self.binary else TEXT)

    @property
    def delivered_bytes(self) -> int:
        """Of one sample, on the wire; not for batches."""
        size = len(self.sample(0, 1e9)) + self.around
        return size if self.counting == "stream" else server_frame_bytes(size)

    def count(self) -> FrameCount | StreamCount:
        first = 0x80 | (BINARY if self.binary else TEXT)
        return (
            StreamCount(self.delivered_bytes) if self.counting == "stream" else FrameCount(self.delivered_bytes, first)
        )

    def steps_of(self, index: int) -> tuple[Step, ...]:
        """The greeting of one subscriber; `@index@` in it stands for the number of its selection."""
        number = b"%d" % index
        return tuple(replace(step, send=step.send.replace(INDEX, number)) for step in self.subscribe)


def handshake(path: str, protocol: str) -> bytes:
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offered}\r\n"
    ).encode()
