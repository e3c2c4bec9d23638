"""Every delivery of every subscriber, counted from the bytes, cheaply enough for a million a second. Pure.

Three ways, because the servers differ in what a delivery is on the wire:

* `FrameCount`: one frame of known size a sample (Socket.IO, ws, websockets, picows, uWebSockets). The bytes are counted
  and every frame's first byte is held against what it must be, so one byte too many or too few shows.
* `StreamCount`: blocks of known size in frames of any size (NATS).
* `BatchCount`: Streamgauge's `samples`, each with a seq and the seq before it. The head of every message is read and
  the chain checked. How many samples a batch holds is counted by whoever gets it first: many get the same bytes.
"""

import re
from typing import Any, Protocol

import orjson

from benchmarks.load.frames import BINARY, TEXT, Splitter

LIVE = re.compile(rb'\{"type":"samples",("conflated":true,|"backfill":true,)?"seq":(\d+),"prev":(\d+),')
HEAD_BYTES = 96  # the head of a `samples` message fits


class Count(Protocol):
    """One subscriber's deliveries."""

    errors: int

    def feed(self, chunk: bytearray | bytes, size: int) -> int:
        """Takes chunk[:size]; returns how many samples were delivered by it."""

    @property
    def samples(self) -> int: ...


class FrameCount:
    """Samples of one subscriber: frames of `frame_bytes` each, all beginning with `first`."""

    __slots__ = ("_first", "_frame_bytes", "_phase", "errors", "samples")
    samples: int

    def __init__(self, frame_bytes: int, first: int = 0x80 | TEXT) -> None:
        self._frame_bytes = frame_bytes
        self._first = first
        self._phase = 0  # bytes of the frame under way
        self.samples = 0
        self.errors = 0

    def feed(self, chunk: bytearray | bytes, size: int) -> int:
        """Counts chunk[:size]; returns how many samples were completed."""
        heads = chunk[-self._phase % self._frame_bytes : size : self._frame_bytes]
        self.errors += len(heads) - heads.count(self._first)
        whole, self._phase = divmod(self._phase + size, self._frame_bytes)
        self.samples += whole
        return whole


class StreamCount:
    """Samples of one subscriber: blocks of `block_bytes` each in a stream that is cut into frames anywhere."""

    __slots__ = ("_block_bytes", "_rest", "_splitter", "errors", "samples")

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._splitter = Splitter()
        self._rest = 0
        self.samples = 0
        self.errors = 0

    def feed(self, chunk: bytearray | bytes, size: int) -> int:
        for segment in self._splitter.segments(chunk, size):
            if segment.opcode > BINARY:
                self.errors += 1
            else:
                self._rest += segment.end - segment.start
        whole, self._rest = divmod(self._rest, self._block_bytes)
        self.samples += whole
        return whole


Span = tuple[int, int]
"""The seq before a batch and its own: what says which samples it holds."""


class Sizes:
    """How many samples each batch holds, learned once for all subscribers that share its bytes."""

    def __init__(self) -> None:
        self.samples: dict[Span, int] = {}
        self.waiting: dict[Span, int] = {}  # how many got it before its size was known
        self.collecting: set[Span] = set()  # somebody keeps this batch, to learn its size when it is whole

    def learn(self, span: Span, payload: bytes | bytearray) -> int:
        """Returns how many samples were delivered to those who already got it."""
        size = sum(len(column[1]) for column in orjson.loads(payload)["series"])
        self.samples[span] = size
        return size * self.waiting.pop(span, 0)


class BatchCount:
    """Samples of one subscriber of Streamgauge, with its chain and its gaps."""

    __slots__ = (
        "_begun",
        "_held",
        "_keeping",
        "_known",
        "_sizes",
        "_span",
        "_splitter",
        "_unknown",
        "batches",
        "conflated",
        "errors",
        "gaps",
        "last_seq",
    )

    def __init__(self, sizes: Sizes, seq: int) -> None:
        self._sizes = sizes
        self._splitter = Splitter()
        self._held = bytearray()  # of a message that comes in parts: its head, or all of it
        self._begun = False  # enough came to say what it is
        self._keeping = False
        self._span: Span | None = None  # of the live batch that comes in parts
        self._known = 0  # samples
        self._unknown: list[Span] = []  # batches that were got before their size was known
        self.last_seq = seq
        self.batches = self.conflated = self.errors = 0
        self.gaps: list[dict[str, int]] = []

    def feed(self, chunk: bytearray | bytes, size: int) -> int:
        """Returns how many samples of all subscribers of these `Sizes` became certain by this."""
        certain = 0
        for start, end, opcode, first, last in self._splitter.segments(chunk, size):
            if opcode > BINARY:
                continue
            if first and last:
                certain += self._whole(chunk, start, end)
            else:
                certain += self._part(chunk, start, end, last)
        return certain

    def _whole(self, chunk: bytearray | bytes, start: int, end: int) -> int:
        head = LIVE.match(chunk, start, end)
        if head is None or head[1] is not None:
            self._other(bytes(chunk[start:end]))
            return 0
        span = int(head[3]), int(head[2])
        self._follows(span[0])
        return self._took(span, None if span in self._sizes.samples else bytes(chunk[start:end]))

    def _part(self, chunk: bytearray | bytes, start: int, end: int, last: bool) -> int:
        if self._keeping or not self._begun:
            self._held += chunk[start:end]
        if not self._begun and (last or len(self._held) >= HEAD_BYTES):
            self._begin()
        if not last:
            return 0
        held, span, kept = self._held, self._span, self._keeping
        self._held, self._span, self._begun, self._keeping = bytearray(), None, False, False
        if span is None:
            self._other(held)
            return 0
        self._sizes.collecting.discard(span)
        return self._took(span, held if kept else None)

    def _begin(self) -> None:
        self._begun = self._keeping = True
        head = LIVE.match(self._held)
        if head is None or head[1] is not None:
            return
        self._span = span = int(head[3]), int(head[2])
        self._follows(span[0])
        self._keeping = span not in self._sizes.samples and span not in self._sizes.collecting
        if self._keeping:
            self._sizes.collecting.add(span)

    def _follows(self, prev: int) -> None:
        if prev != self.last_seq:
            self.errors += 1

    def _took(self, span: Span, payload: bytes | bytearray | None) -> int:
        self.batches += 1
        self.last_seq = span[1]
        sizes = self._sizes
        size = sizes.samples.get(span)
        if size is not None:
            self._known += size
            return size
        self._unknown.append(span)
        sizes.waiting[span] = sizes.waiting.get(span, 0) + 1
        return 0 if payload is None else sizes.learn(span, payload)

    def _other(self, payload: bytes | bytearray) -> None:
        message: dict[str, Any] = orjson.loads(payload)
        if message["type"] == "gap":
            self._follows(message["from"])
            self.last_seq = message["to"]
            self.gaps.append({name: message[name] for name in ("from", "to", "batches", "samples")})
        elif message["type"] == "samples":
            self.conflated += 1
        elif message["type"] != "series":
            self.errors += 1

    @property
    def samples(self) -> int:
        """Delivered live, in batches that somebody has got as a whole."""
        sizes, unknown = self._sizes.samples, self._unknown
        self._known += sum(sizes[span] for span in unknown if span in sizes)
        self._unknown = [span for span in unknown if span not in sizes]
        return self._known

    @property
    def announced(self) -> int:
        """Samples that gaps named as dropped."""
        return sum(gap["samples"] for gap in self.gaps)
