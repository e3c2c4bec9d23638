"""Bytes as servers send them, and every way to cut them."""

from collections.abc import Iterator

import orjson


def server_frame(payload: bytes, opcode: int = 1) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def cuts(data: bytes, *sizes: int) -> Iterator[list[bytes]]:
    """The data in chunks: all of one size, for each size that is asked for."""
    for size in sizes:
        yield [data[at : at + size] for at in range(0, len(data), size)]


def batch(seq: int, prev: int, samples: int, flag: str = "") -> bytes:
    """A `samples` message of one series with values from `seq` on, as a frame."""
    numbers = list(range(samples))
    series = orjson.dumps([[1, [1e9 + number for number in numbers], [float(number) for number in numbers]]])
    head = f'{{"type":"samples",{flag}"seq":{seq},"prev":{prev},"cursor":"abcd:{seq}","series":'
    return server_frame(head.encode() + series + b"}")


def gap(first: int, last: int, samples: int) -> bytes:
    message = {"type": "gap", "from": first, "to": last, "batches": last - first, "samples": samples}
    return server_frame(orjson.dumps(message))
