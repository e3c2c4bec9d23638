"""Bodies that are compressed, and those that claim to be."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.decompression import RATIO_FROM, RATIO_MAX, inflater
from ingest.messages import MessageError
from tests.broadcaster.frame_parts import QUICK


def raw(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


Pack = Callable[[bytes], bytes]
FORMATS: dict[str, list[Pack]] = {"gzip": [gzip.compress], "deflate": [zlib.compress, raw]}
KINDS = [(name, pack) for name, packs in FORMATS.items() for pack in packs]


def opened(name: str, sent: bytes, most: int = 1_000_000, piece: int = 100) -> bytes:
    opening = inflater(name, most)
    assert opening is not None
    parts = [opening.feed(sent[at : at + piece]) for at in range(0, len(sent), piece)]
    opening.end()
    return b"".join(parts)


def code(name: str, sent: bytes, **bounds: int) -> str:
    with pytest.raises(MessageError) as caught:
        opened(name, sent, **bounds)
    assert caught.value.message.startswith("body: ")
    return caught.value.code


@QUICK
@given(st.binary(max_size=3_000), st.sampled_from(range(3)), st.integers(1, 700))
def test_what_was_packed_comes_out_however_it_is_cut(data: bytes, kind: int, piece: int) -> None:
    name, pack = KINDS[kind]
    assert opened(name, pack(data), piece=piece) == data


@pytest.mark.parametrize("encoding", ["", "identity", " Identity"])
def test_nothing_to_open(encoding: str) -> None:
    assert inflater(encoding, 10) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x" * 500])
def test_others_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(MessageError, match="expected one of gzip, deflate, got") as caught:
        inflater(encoding, 10)
    assert (caught.value.code, len(caught.value.message) < 120) == ("bad_encoding", True)


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_exactly_as_much_as_is_allowed(name: str, pack: Pack) -> None:
    data = bytes(range(250)) * 4
    assert opened(name, pack(data), most=1_000) == data
    assert code(name, pack(data + b"x"), most=1_000) == "too_large"


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_a_bomb_is_given_up_early(name: str, pack: Pack) -> None:
    bomb = pack(bytes(50_000_000))
    assert code(name, bomb, most=10**9, piece=1_000) == "too_large"
    opening = inflater(name, 10**6)
    assert opening is not None
    tracemalloc.start()
    try:
        with pytest.raises(MessageError, match="at most 1000000 bytes"):
            opening.feed(bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_little_may_be_as_dense_as_it_likes() -> None:
    data = bytes(RATIO_FROM)
    assert len(data) > RATIO_MAX * len(gzip.compress(data))
    assert opened("gzip", gzip.compress(data)) == data


@pytest.mark.parametrize(("name", "pack"), KINDS)
@pytest.mark.parametrize("piece", [1, 10_000])
def test_what_is_damaged(name: str, pack: Pack, piece: int) -> None:
    good = pack(b"some text" * 50)
    assert code(name, good[:-3], piece=piece) == "bad_message"
    assert code(name, good + b"more", piece=piece) == "bad_message"
    assert code(name, b"") == "bad_message"
    assert code("gzip", b"plain text, not gzip", piece=piece) == "bad_message"


@QUICK
@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate"]), st.integers(1, 50))
def test_any_bytes_are_opened_or_refused(data: bytes, name: str, piece: int) -> None:
    try:
        assert len(opened(name, data, most=1_000, piece=piece)) <= 1_000
    except MessageError as problem:
        assert problem.code in ("bad_message", "too_large")
