"""Finding payloads in a stream that is cut anywhere."""

import pytest

from benchmarks.load.frames import BINARY, PING, TEXT, Splitter, client_frame, server_frame_bytes
from tests.benchmarks.streams import cuts, server_frame

PAYLOADS = [b"", b"a", b"x" * 125, b"y" * 126, b"z" * 70_000, b"end"]


def reassembled(chunks: list[bytes]) -> list[tuple[int, bytes]]:
    splitter, found, held, begun = Splitter(), list[tuple[int, bytes]](), b"", False
    for chunk in chunks:
        for start, end, opcode, first, last in splitter.segments(chunk, len(chunk)):
            assert first == (not begun)
            begun = not last
            held += chunk[start:end]
            if last:
                found.append((opcode, held))
                held = b""
    assert not begun
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 127, 4096, 1_000_000])
def test_payloads_come_out_whole_however_the_stream_is_cut(size: int) -> None:
    data = b"".join(server_frame(payload) for payload in PAYLOADS)
    (chunks,) = cuts(data, size)
    assert reassembled(chunks) == [(TEXT, payload) for payload in PAYLOADS]


def test_only_the_part_that_was_received_is_looked_at() -> None:
    data = bytearray(server_frame(b"abc") + b"rubbish of the read before")
    assert [tuple(part) for part in Splitter().segments(data, 5)] == [(2, 5, TEXT, True, True)]


def test_opcodes_are_told() -> None:
    data = server_frame(b"b", BINARY) + server_frame(b"", PING)
    assert reassembled([data]) == [(BINARY, b"b"), (PING, b"")]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_size_of_frames_is_known(size: int) -> None:
    assert server_frame_bytes(size) == len(server_frame(b"x" * size))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_client_frame_is_masked_with_zeros(size: int) -> None:
    payload, frame = b"x" * size, client_frame(b"x" * size)
    plain = server_frame(payload)
    header = len(plain) - size
    assert frame == plain[:1] + bytes([plain[1] | 0x80]) + plain[2:header] + bytes(4) + payload
