import pytest

from broadcaster.frames import PING, close_code, close_frame, pong_frame, text_frame
from tests.broadcaster.frame_parts import payloads


@pytest.mark.parametrize(
    ("size", "head"),
    [
        *((0, b"\x81\x00"), (125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"), (65_535, b"\x81\x7e\xff\xff")),
        (65_536, b"\x81\x7f" + (65_536).to_bytes(8, "big")),
    ],
)
def test_the_shortest_form_of_the_length(size: int, head: bytes) -> None:
    payload = b"x" * size
    assert text_frame(payload) == head + payload
    assert list(payloads(text_frame(payload) * 2)) == [payload] * 2


def test_a_close_frame_says_its_code_and_its_reason() -> None:
    assert close_frame(4000, "shutting down") == b"\x88\x0f\x0f\xa0shutting down"
    assert close_code(close_frame(4000, "")) == 4000


@pytest.mark.parametrize("reason", ["x" * 200, "ä" * 100, "x" + "€" * 50], ids=["one byte", "two", "three"])
def test_a_long_reason_is_cut_between_characters(reason: str) -> None:
    frame = close_frame(1000, reason)
    assert frame[1] == len(frame) - 2 <= 125
    assert reason.startswith(frame[4:].decode())


@pytest.mark.parametrize("frame", [b"", b"\x88", b"\x88\x00", PING, text_frame(b"\x0f\xa0"), b"\x88\x01\x0f"])
def test_other_frames_have_no_close_code(frame: bytes) -> None:
    assert close_code(frame) is None


def test_a_pong_says_what_the_ping_said() -> None:
    assert [pong_frame(payload) for payload in (b"", b"again")] == [b"\x8a\x00", b"\x8a\x05again"]
