"""The frame reader beside wsproto, which is what trio-websocket decodes with."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.utilities import RemoteProtocolError

from broadcaster.frame_reader import FrameReader, unmask

BYTES_MAX = 70_000
MASK = b"\x12\xab\x34\xcd"


def frame(first: int, payload: bytes, *, mask: bytes = MASK, length_bytes: int | None = None) -> bytes:
    """A client's frame; `length_bytes` (0, 2, 8) forces a form of the length that may be longer than needed."""
    size = len(payload)
    form = length_bytes if length_bytes is not None else 0 if size < 126 else 2 if size < 65_536 else 8
    length = bytes([0x80 | (size if form == 0 else 126 if form == 2 else 127)])
    extended = size.to_bytes(form, "big") if form else b""
    return bytes([first]) + length + extended + mask + unmask(mask, payload)


def read(segments: list[bytes], bytes_max: int = BYTES_MAX) -> tuple[list[bytes], list[bytes]]:
    """The messages taken, and what is passed on of each segment."""
    taken: list[bytes] = []
    reader = FrameReader(bytes_max, taken.extend)
    return taken, [reader.feed(segment) for segment in segments]


def by_wsproto(segments: list[bytes]) -> list[bytes]:
    """The messages that wsproto finds, up to a close or an error."""
    connection, found, part = Connection(ConnectionType.SERVER), list[bytes](), b""
    try:
        for segment in segments:
            connection.receive_data(segment)
            for event in connection.events():
                if isinstance(event, TextMessage | BytesMessage):
                    part += event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
                    if event.message_finished:
                        found.append(part)
                        part = b""
                elif isinstance(event, CloseConnection):
                    return found
    except RemoteProtocolError:
        pass
    return found


def test_whole_messages_are_taken() -> None:
    sizes = (0, 1, 125, 126, 127, 255, 256, 1022, 1023, 1024, 1025, 65_535, 65_536, BYTES_MAX)
    payloads = [bytes(range(32, 127)) * (size // 95 + 1) for size in sizes]
    payloads = [payload[:size] for payload, size in zip(payloads, sizes, strict=True)]
    stream = b"".join(frame(kind, payload) for kind in (0x81, 0x82) for payload in payloads)
    assert read([stream]) == (payloads * 2, [b""])


def test_byte_by_byte() -> None:
    payloads = [b"", b"a", b"b" * 300, "é€".encode()]
    stream = b"".join(frame(0x81, payload) for payload in payloads)
    taken, passed = read([bytes([byte]) for byte in stream])
    assert (taken, b"".join(passed)) == (payloads, b"")


def test_pings_and_pongs_are_passed_on_and_taking_goes_on() -> None:
    ping, pong = frame(0x89, b"are you there"), frame(0x8A, b"")
    stream = frame(0x81, b"1") + ping + frame(0x81, b"2") + pong + frame(0x81, b"3")
    assert read([stream]) == ([b"1", b"2", b"3"], [ping + pong])


NOT_OURS = {
    "fragment": frame(0x01, b"half"),
    "continuation": frame(0x80, b"half"),
    "close": frame(0x88, b"\x03\xe8"),
    "reserved bit": frame(0xC1, b"x"),
    "reserved opcode": frame(0x83, b"x"),
    "unmasked": b"\x81\x01x",
    "unmasked ping": b"\x89\x00",
    "long ping": frame(0x89, b"x" * 126),
    "fragmented ping": frame(0x09, b"x"),
    "needlessly long length of 2 bytes": frame(0x81, b"x", length_bytes=2),
    "needlessly long length of 2 bytes at its edge": frame(0x81, b"x" * 125, length_bytes=2),
    "needlessly long length of 8 bytes": frame(0x81, b"x" * 200, length_bytes=8),
    "too large": frame(0x81, b"x" * (BYTES_MAX + 1)),
    "a length of 2^63": b"\x81\xff\x80\0\0\0\0\0\0\0" + MASK,
    "text that is no UTF-8": frame(0x81, b"\xff"),
}


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_what_is_not_ours_is_passed_on_with_all_that_follows(other: bytes) -> None:
    before, after = frame(0x81, b"before"), frame(0x81, b"after")
    assert read([before + other + after, after]) == ([b"before"], [other + after, after])
    taken, passed = read([bytes([byte]) for byte in before + other + after])
    assert (taken, b"".join(passed)) == ([b"before"], other + after)


def test_a_frame_too_large_is_passed_on_as_soon_as_its_length_is_known() -> None:
    assert read([b"\x81\xff" + (10**8).to_bytes(8, "big")]) == ([], [b"\x81\xff" + (10**8).to_bytes(8, "big")])
    head = b"\x81\xfe\x01\x00"
    assert read([head], bytes_max=100) == ([], [head])


def test_binary_need_not_be_utf8() -> None:
    assert read([frame(0x82, b"\xff\0")]) == ([b"\xff\0"], [b""])


PAYLOADS = st.one_of(
    st.binary(max_size=5),
    st.text(max_size=5).map(str.encode),
    st.sampled_from([b"x" * 126, b"y" * 65_536]),
    st.integers(120, 1100).map(bytes),
)
FIRSTS = st.sampled_from([0x81] * 6 + [0x82] * 3 + [0x89, 0x8A, 0x88, 0x01, 0x02, 0x80, 0x00, 0x83, 0xC1])
FRAMES = st.builds(frame, FIRSTS, PAYLOADS, mask=st.binary(min_size=4, max_size=4))


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 70_000), max_size=6))
def test_reader_and_wsproto_together_find_what_wsproto_finds_alone(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frames)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    segments = [stream[start:stop] for start, stop in pairwise(places)]
    taken, passed = read(segments, 10**6)
    assert taken + by_wsproto(passed) == by_wsproto([stream])


def test_pings_and_pongs_are_taken_by_whoever_takes_them() -> None:
    said: list[object] = []
    reader = FrameReader(BYTES_MAX, said.append, lambda pings, pongs: said.append((pings, pongs)))
    stream = frame(0x81, b"one") + frame(0x89, b"a") + frame(0x8A, b"") + frame(0x81, b"two") + frame(0x89, b"x" * 125)
    assert reader.feed(stream + frame(0x89, b"half")[:4]) == b""
    assert said == [[b"one", b"two"], ([b"a", b"x" * 125], [b""])]
    assert reader.feed(frame(0x89, b"half")[4:]) == b""
    assert said[2:] == [([b"half"], [])]
    fragment = frame(0x01, b"a fragment") + frame(0x89, b"amid")
    assert reader.feed(fragment) == fragment, "from a fragment on all is passed on"
    assert len(said) == 3
