import pytest

from broadcaster import errors
from broadcaster.errors import Close

CLOSES = [value for value in vars(errors).values() if isinstance(value, Close)]


def test_every_close_has_a_code_and_a_reason_of_its_own() -> None:
    assert len({close.code for close in CLOSES}) == len({close.reason for close in CLOSES}) == len(CLOSES)


@pytest.mark.parametrize("close", CLOSES, ids=lambda close: str(close.code))
def test_the_range_of_the_code_tells_whether_to_come_back(close: Close) -> None:
    assert close.reconnect == (close.code < 4500)
    assert 0 <= close.after[0] <= close.after[1]
    assert len(close.reason.encode()) <= 123


def test_the_codes_of_the_protocol() -> None:
    assert {close.code for close in CLOSES} >= {1009, 4000, 4001, 4008, 4029, 4500, 4501, 4503}
