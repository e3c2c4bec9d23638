"""What tests of the core share: reading the server's frames, and hypothesis settings that keep the suite short."""

from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import settings

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MACHINE = settings(max_examples=150, stateful_step_count=50, deadline=None, derandomize=True)

Message = dict[str, Any]


def payloads(frames: bytes) -> Iterator[bytes]:
    """The payloads of whole, unmasked text frames that follow each other."""
    while frames:
        assert frames[0] == 0x81
        size, head = frames[1], 2
        if size == 126:
            size, head = int.from_bytes(frames[2:4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(frames[2:10], "big"), 10
        assert size < 128 or head > 2
        yield frames[head : head + size]
        assert len(frames) >= head + size
        frames = frames[head + size :]


def messages_of(frames: bytes) -> list[Message]:
    return [orjson.loads(payload) for payload in payloads(frames)]
