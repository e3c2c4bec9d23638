"""`streamgauge token` as functions; `tests/e2e/test_token_command.py` has it as a person uses it."""

import base64
from pathlib import Path

import pytest

from broadcaster.credentials.command import inspect, mint_token
from ingest.errors import CommandError
from tests.broadcaster.credentials import material as m


def unsigned(tmp_path: Path, payload: bytes) -> str:
    file = tmp_path / "token"
    file.write_bytes(b"e30." + base64.urlsafe_b64encode(payload) + b".x")
    return str(file)


def test_a_token_writes_no_lines_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = b'{"x\\ngood: for 8 h\\u001b[2K": "y\\ngood: for 8 h", "\\ud800": 1}'
    assert inspect(unsigned(tmp_path, claims), None) == 1
    said = capsys.readouterr().out
    assert said.isascii() is False
    assert len(said.splitlines()) == 3
    assert "\x1b" not in said
    assert not any(line.startswith("good") for line in said.splitlines())


def test_claims_that_are_nested_without_end_are_no_token(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="expected a JWT"):
        inspect(unsigned(tmp_path, b"[" * 100_000), None)


@pytest.mark.parametrize("id", ["two words", "sub:ann", "SUB:ann", "#5", "x" * 257, "\x7f", ""])
def test_an_id_is_one_that_can_be_revoked(tmp_path: Path, id: str) -> None:
    key = tmp_path / "key"
    key.write_bytes(m.SECRET)
    with pytest.raises(CommandError, match=r"--id: expected a printable text of 1 to 256 characters without a space"):
        mint_token(str(key), "ann", ["admin"], "1h", id=id, kid=None)


def test_no_token_is_made_that_is_too_long_to_be_taken(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(m.SECRET)
    scope = [f"publish:{'a' * 200}{number}" for number in range(60)]
    with pytest.raises(CommandError, match=r"--scope: expected a token of at most 8192 characters, got 1\d{4}"):
        mint_token(str(key), "ann", scope, "1h", id=None, kid=None)
