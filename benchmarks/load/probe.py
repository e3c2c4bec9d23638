"""A sample of the subscribers looks into every delivery: is it the one that follows, and how old is it? Pure."""

import re
from array import array
from typing import Any

import orjson

from benchmarks.load.dialect import FIRST_VALUE
from benchmarks.load.frames import BINARY, Splitter

SAMPLE = re.compile(rb'"time":(\d+\.\d+),"value":(\d+)')


class Probe:
    """`numbers` is how many different numbers samples have; after the last comes the first again."""

    def __init__(self, numbers: int, *, batches: bool) -> None:
        self._splitter = Splitter()
        self._numbers = numbers
        self._take = self._take_batches if batches else self._take_samples
        self._held = bytearray()
        self._next: int | None = None
        self.ages: array[float] = array("d")
        self.errors = 0
        self.samples = 0

    def feed(self, chunk: bytearray | bytes, size: int, now: float) -> None:
        for start, end, opcode, _, last in self._splitter.segments(chunk, size):
            if opcode <= BINARY:
                self._held += chunk[start:end]
                if last:
                    self._take(now)

    def _take_samples(self, now: float) -> None:
        end = 0
        for found in SAMPLE.finditer(self._held):
            self._sample(float(found[1]), int(found[2]), now)
            end = found.end()
        del self._held[: max(end, len(self._held) - 4096)]

    def _take_batches(self, now: float) -> None:
        message: dict[str, Any] = orjson.loads(self._held)
        self._held.clear()
        if message["type"] == "gap" and self._next is not None:
            self._next = (self._next + message["samples"]) % self._numbers
        if message["type"] == "samples" and "prev" in message and not message.get("conflated"):
            for _, times, values in message["series"]:
                for time, value in zip(times, values, strict=True):
                    self._sample(time, int(value), now)

    def _sample(self, time: float, value: int, now: float) -> None:
        number = value - FIRST_VALUE
        if self._next is not None and number != self._next:
            self.errors += 1
        self._next = (number + 1) % self._numbers
        self.samples += 1
        self.ages.append(now - time)
