import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.credentials.keys import secret
from broadcaster.credentials.revocations import parse_revocations
from broadcaster.credentials.tokens import mint
from tests.broadcaster.credentials import material as m


def test_by_id_and_by_subject() -> None:
    revoked = parse_revocations(b"# lost on a train\n\n abc  # a laptop\nsub:ann smith\r\nid#5\n")
    assert [revoked.covers(id, "bob") for id in ("abc", "id#5", "ABC", None)] == [True, True, False, False]
    assert [revoked.covers(None, who) for who in ("ann smith", "ann")] == [True, False]


@pytest.mark.parametrize("line", ["two words", "sub:", "sub: "])
def test_a_line_that_is_neither_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"line 2: expected a token's id"):
        parse_revocations(f"good\n{line}\n".encode())


@pytest.mark.parametrize("line", ["sub: ana", "sub:\u00a0ana", "SUB:ana", "Sub:ana  # left", " SUB:"])
def test_what_would_revoke_nobody_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"line 2: expected sub:NAME, in small letters and without a space"):
        parse_revocations(f"good\n{line}\n".encode())


def test_a_whole_token_would_revoke_nobody() -> None:
    token = mint(secret(m.SECRET), subject="ann", scope="admin", expires_s=60.0, now=0.0)
    with pytest.raises(ValueError, match=r"line 2: got a whole token, expected its id: .* shows it as jti") as caught:
        parse_revocations(f"good\n{token}\n".encode())
    assert "eyJ" not in str(caught.value)


def test_the_mark_that_editors_begin_a_file_with_is_not_of_the_first_entry() -> None:
    assert parse_revocations(b"\xef\xbb\xbfsub:ana\n").covers(None, "ana")


def test_an_empty_file_revokes_nothing() -> None:
    assert not parse_revocations(b"").covers("", "")


@given(st.binary(max_size=200))
def test_any_file_is_a_list_or_is_refused(data: bytes) -> None:
    try:
        parse_revocations(data)
    except ValueError as error:
        assert str(error)
