"""`streamgauge token`, as a person uses it."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import COMMAND, environment, refusal, run


def made(*arguments: str) -> str:
    ran = run("token", *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def inspected(token: str, *arguments: str) -> tuple[int, str]:
    command = [COMMAND, "token", "inspect", *arguments]
    ran = subprocess.run(command, input=token, capture_output=True, text=True, timeout=30, env=environment())
    return ran.returncode, ran.stdout + ran.stderr


def test_a_secret_that_begins_with_a_dash_is_a_secret(tmp_path: Path) -> None:
    """One in 64 that `keygen` makes."""
    key = tmp_path / "key"
    key.write_text("-" * 4 + "a" * 60 + "\n")
    token = made("mint", "--key", str(key), "--subject", "ann", "--scope", "admin", "--expires", "2h")
    status, said = inspected(token, "--key", str(key))
    assert (status, said.splitlines()[-1]) == (0, "good: for 2 h")


@pytest.mark.parametrize("pair", [False, True])
def test_from_a_key_to_a_good_token(tmp_path: Path, pair: bool) -> None:
    key, checking = str(tmp_path / "key"), str(tmp_path / ("key.pub" if pair else "key"))
    made("keygen", key, *(["--pair"] if pair else []))
    assert stat.S_IMODE(Path(key).stat().st_mode) == 0o600
    token = made(
        "mint", "--key", key, "--subject", "ann", "--scope", "publish:a.*", "admin", "--expires", "2h", "--id", "7"
    )
    status, said = inspected(token, "--key", checking)
    assert (status, said.splitlines()[:2], said.splitlines()[-1]) == (
        0,
        ["sub: ann", "scope: publish:a.* admin"],
        "good: for 2 h",
    )
    other = str(tmp_path / "other")
    made("keygen", other)
    assert inspected(token, "--key", other)[0] == 1
    assert "signature: not checked" in inspected(token)[1]
    assert str(key) in refusal("token", "keygen", key)


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    made("keygen", key)
    mint = ("token", "mint", "--key", key, "--subject", "ann")
    assert "--scope: expected publish:GLOB" in refusal(*mint, "--scope", "publish:")
    assert "--expires: expected a time such as 90s" in refusal(*mint, "--scope", "admin", "--expires", "soon")
    assert "--subject: expected a printable text" in refusal(
        "token", "mint", "--key", key, "--subject", "", "--scope", "x"
    )
    assert "No such file" in refusal("token", "mint", "--key", key + "x", "--subject", "a", "--scope", "x")
    (tmp_path / "short").write_text("short")
    short = str(tmp_path / "short")
    assert "a secret of at least 32 bytes" in refusal("token", "mint", "--key", short, "--subject", "a", "--scope", "x")
    status, said = inspected("no token")
    assert (status, said) == (2, "streamgauge token: expected a JWT\n")


def test_keys_are_put_together_for_a_rotation(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    made("keygen", old, "--pair")
    made("keygen", new, "--pair")
    both, later = tmp_path / "both.json", tmp_path / "later.json"
    both.write_text(made("jwks", f"{old}.pub", f"{new}.pub"))
    later.write_text(made("jwks", f"{new}.pub"))
    assert [key["kid"] for key in json.loads(both.read_text())["keys"]] == ["old", "new"]
    mint = ("mint", "--subject", "ann", "--scope", "admin", "--key")
    before, after = made(*mint, old, "--kid", "old"), made(*mint, new, "--kid", "new")
    assert [inspected(token, "--key", str(both))[0] for token in (before, after)] == [0, 0]
    assert [inspected(token, "--key", str(later))[0] for token in (before, after)] == [1, 0]
    assert "got a private key" in refusal("token", "jwks", old)
    assert "a name of its own" in refusal("token", "jwks", f"{old}.pub", f"{old}.pub")


def test_a_scope_that_allows_nothing_is_told(tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    made("keygen", key)
    ran = run("token", "mint", "--key", key, "--subject", "ann", "--scope", "subscrib:*", "admin", "publish:a.*")
    assert (ran.returncode, ran.stderr) == (0, "streamgauge token: --scope: 'subscrib:*' allows nothing here\n")
