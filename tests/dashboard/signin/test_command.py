import io
import os
import stat
from pathlib import Path

import pytest

from dashboard.commands import main
from dashboard.signin import passwords
from dashboard.signin.people import accounts_in


def run(monkeypatch: pytest.MonkeyPatch, typed: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["passwd", *arguments])


def test_the_first_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "users"
    assert run(monkeypatch, "correct horse\n", str(file), "ana", "--role", "admin") == 0
    account = accounts_in(file.read_bytes())["ana"]
    assert account.role == "admin"
    assert passwords.verify(account, "correct horse")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    printed = capsys.readouterr()
    assert printed.out == f"ana may sign in as admin: {file}\n"
    assert "horse" not in printed.out + printed.err + file.read_text()
    assert [*tmp_path.iterdir()] == [file]


def test_another_password_leaves_the_role_and_the_others(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = accounts_in(accounts.read_bytes())
    assert run(monkeypatch, "another one\n", str(accounts), "editor") == 0
    after = accounts_in(accounts.read_bytes())
    assert after["editor"].role == "editor"
    assert passwords.verify(after["editor"], "another one")
    assert (after["viewer"], after["admin"]) == (before["viewer"], before["admin"])
    assert accounts.read_text().startswith("# who may\nviewer:")
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600


def test_new_ones_are_viewers_and_can_be_removed(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "correct horse\n", str(accounts), "new") == 0
    assert accounts_in(accounts.read_bytes())["new"].role == "viewer"
    assert run(monkeypatch, "", str(accounts), "new", "--remove") == 0
    assert "new" not in accounts_in(accounts.read_bytes())


@pytest.mark.parametrize(
    ("typed", "arguments", "problem"),
    [
        ("short\n", ("ana",), "password: expected 8 to 1024 characters, got 5"),
        ("", ("ana",), "password: expected 8 to 1024 characters, got 0"),
        ("correct horse\n", ("a:b",), "name: expected 1 to 64 of"),
        ("", ("nobody", "--remove"), "nobody is not in "),
    ],
)
def test_what_is_refused_leaves_the_file_as_it_was(
    accounts: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    before = accounts.read_bytes()
    assert run(monkeypatch, typed, str(accounts), *arguments) == 2
    assert capsys.readouterr().err.startswith(f"streamgauge passwd: {problem}")
    assert accounts.read_bytes() == before


def test_a_file_of_something_else_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter"
    file.write_text("Dear all,\n")
    assert run(monkeypatch, "correct horse\n", str(file), "ana") == 2
    assert capsys.readouterr().err == f"streamgauge passwd: {file}: line 1: expected NAME:ARGON2-HASH:ROLE\n"
    assert file.read_text() == "Dear all,\n"


def test_all_of_it_or_nothing(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = accounts.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert run(monkeypatch, "correct horse\n", str(accounts), "new") == 2
    assert accounts.read_bytes() == before
    assert [*accounts.parent.iterdir()] == [accounts]


def test_on_a_terminal_it_is_asked_twice(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = iter(["correct horse", "correct house", "correct horse", "correct horse"])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert main(["passwd", str(accounts), "ana"]) == 2
    assert main(["passwd", str(accounts), "ana"]) == 0
    assert "ana" in accounts_in(accounts.read_bytes())


def test_nothing_typed_on_a_terminal(
    accounts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def nothing(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", nothing)
    assert main(["passwd", str(accounts), "ana"]) == 2
    assert "password: none was given" in capsys.readouterr().err


def test_a_link_stays_one(accounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(accounts)
    assert run(monkeypatch, "correct horse\n", str(link), "new") == 0
    assert link.is_symlink()
    assert "new" in accounts_in(accounts.read_bytes())
