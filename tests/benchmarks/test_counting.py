"""Every delivery is counted once, wherever the chunks end, and what is wrong shows."""

import random

import pytest

from benchmarks.load.counting import BatchCount, FrameCount, Sizes, StreamCount
from tests.benchmarks.streams import batch, cuts, gap, server_frame

SIZES = (1, 2, 3, 50, 101, 102, 103, 1_000, 100_000)


@pytest.mark.parametrize("size", SIZES)
def test_frames_of_one_size(size: int) -> None:
    data = b"".join(server_frame(b"%0100d" % number) for number in range(500))
    (chunks,) = cuts(data, size)
    count = FrameCount(102)
    assert sum(count.feed(chunk, len(chunk)) for chunk in chunks) == 500
    assert (count.samples, count.errors) == (500, 0)


def test_a_frame_that_is_not_whole_does_not_count() -> None:
    count = FrameCount(102)
    data = server_frame(b"x" * 100)
    assert count.feed(data, 101) == 0
    assert count.feed(data[101:], 1) == 1


def test_a_byte_too_many_shows() -> None:
    count = FrameCount(102)
    data = server_frame(b"x" * 100) + b"x" + server_frame(b"x" * 100) * 2
    count.feed(data, len(data))
    assert count.errors


def test_what_the_buffer_held_before_does_not_count() -> None:
    count = FrameCount(102)
    data = bytearray(server_frame(b"x" * 100) * 10)
    assert count.feed(data, 102 * 3) == 3


@pytest.mark.parametrize("size", SIZES)
def test_blocks_in_frames_of_any_size(size: int) -> None:
    rng = random.Random(7)
    stream = b"MSG load 1 3\r\nabc\r\n" * 400
    data, at = b"", 0
    while at < len(stream):
        length = rng.choice((1, 18, 19, 300))
        data += server_frame(stream[at : at + length], 2)
        at += length
    (chunks,) = cuts(data, size)
    count = StreamCount(19)
    assert sum(count.feed(chunk, len(chunk)) for chunk in chunks) == 400
    assert (count.samples, count.errors) == (400, 0)


def test_a_control_frame_in_a_stream_is_an_error() -> None:
    count = StreamCount(19)
    data = server_frame(b"", 8)
    count.feed(data, len(data))
    assert count.errors == 1


BATCHES = batch(5, 4, 1) + batch(7, 5, 3000) + batch(8, 7, 2)


@pytest.mark.parametrize("size", SIZES)
def test_batches_of_several_subscribers(size: int) -> None:
    sizes = Sizes()
    counts = [BatchCount(sizes, 4) for _ in range(3)]
    (chunks,) = cuts(BATCHES, size)
    certain = sum(count.feed(chunk, len(chunk)) for chunk in chunks for count in counts)
    assert certain == 3 * 3003
    assert [(count.samples, count.batches, count.errors) for count in counts] == [(3003, 3, 0)] * 3


def test_a_subscriber_far_ahead_of_the_one_that_keeps_a_batch() -> None:
    sizes = Sizes()
    slow, fast = BatchCount(sizes, 4), BatchCount(sizes, 4)
    half = len(BATCHES) // 2
    assert slow.feed(BATCHES[:half], half) == 1
    pieces = [BATCHES[at : at + 1000] for at in range(0, len(BATCHES), 1000)]
    assert sum(fast.feed(piece, len(piece)) for piece in pieces) == 1 + 2
    assert slow.feed(BATCHES[half:], len(BATCHES) - half) == 2 * 3000 + 2
    assert slow.samples == fast.samples == 3003


def test_a_hole_in_the_chain_is_an_error() -> None:
    count = BatchCount(Sizes(), 4)
    data = batch(5, 4, 1) + batch(7, 6, 1)
    count.feed(data, len(data))
    assert count.errors == 1


def test_a_gap_takes_the_place_of_what_it_names() -> None:
    sizes = Sizes()
    everything, gapped = BatchCount(sizes, 4), BatchCount(sizes, 4)
    data = batch(5, 4, 10) + batch(6, 5, 20) + batch(7, 6, 30)
    everything.feed(data, len(data))
    conflated = batch(6, 5, 1, '"conflated":true,')
    data = batch(5, 4, 10) + gap(5, 6, 20) + conflated + batch(7, 6, 30)
    gapped.feed(data, len(data))
    assert (gapped.samples, gapped.announced, gapped.conflated, gapped.errors) == (40, 20, 1, 0)
    assert everything.samples == 60


def test_what_is_not_data_does_not_count() -> None:
    count = BatchCount(Sizes(), 4)
    data = server_frame(b'{"type":"series","series":[]}') + server_frame(b"", 9) + batch(5, 4, 2)
    assert count.feed(data, len(data)) == 2
    assert count.errors == 0
    said = server_frame(b'{"type":"error","code":"bad_json","message":""}')
    count.feed(said, len(said))
    assert count.errors == 1
