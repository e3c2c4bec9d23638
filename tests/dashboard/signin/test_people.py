import os
from pathlib import Path

import argon2
import pytest

from dashboard.signin import passwords
from dashboard.signin.passwords import Account, Cost
from dashboard.signin.people import People
from ingest.errors import CommandError
from tests.dashboard.signin.conftest import PASSWORD
from tests.starving import without_descriptors


def touch(file: Path, text: str) -> None:
    """Written at another time, however quick this is."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before, before + 1_000_000))


def test_who_is_there(accounts: Path) -> None:
    people = People(str(accounts))
    found = people.verify("editor", PASSWORD)
    assert found is not None and found.role == "editor"
    assert people.verify("editor", "wrong") is None
    assert people.verify("nobody", PASSWORD) is None


def test_nobody_is_verified_as_slowly_as_somebody(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = People(str(accounts))
    asked: list[str] = []

    def verify(account: Account, password: str) -> bool:
        asked.append(account.hash)
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    people.verify("nobody", PASSWORD)
    people.verify("editor", "wrong")
    assert len(asked) == 2
    assert len({each.rpartition("$")[0].rpartition("$")[0] for each in asked}) == 1  # the same parameters


def test_all_are_verified_at_each_cost_that_the_file_has(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or accounts with hashes from elsewhere would be told by the time it takes, as names that nobody has."""
    people = People(str(accounts))
    touch(accounts, f"{accounts.read_text()}old:{argon2.PasswordHasher(2, 16, 1).hash(PASSWORD)}:viewer\n")
    spent, verify = list[Cost](), passwords.verify

    def counted(account: Account, password: str) -> bool:
        spent.append(passwords.cost(account.hash))
        return verify(account, password)

    monkeypatch.setattr(passwords, "verify", counted)
    for name in ("editor", "old", "nobody"):
        for password in (PASSWORD, "wrong"):
            found = people.verify(name, password)
            assert (found is not None and found.name == name) is (name != "nobody" and password == PASSWORD)
            assert spent == [(8, 1, 1), (16, 2, 1)]
            spent.clear()


def test_a_changed_file_is_read_again(accounts: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = People(str(accounts))
    touch(accounts, f"new:{passwords.hasher.hash(PASSWORD)}:viewer\n")
    assert people.get("admin") is None
    assert people.verify("new", PASSWORD) is not None
    assert "the changed file is in use" in caplog.text


def test_a_broken_file_is_told_once_and_not_used(accounts: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = People(str(accounts))
    touch(accounts, "nonsense\n")
    for _ in range(3):
        assert people.get("admin") is not None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    accounts.unlink()
    assert [people.get("admin") is not None for _ in range(3)] == [True] * 3


def test_a_file_that_could_not_be_opened_is_read_when_it_can_be(
    accounts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who was taken out meanwhile is out, although the file does not change any more."""
    people = People(str(accounts))
    touch(accounts, f"editor:{passwords.hasher.hash(PASSWORD)}:viewer\n")
    with without_descriptors():
        assert [people.get("admin") is not None for _ in range(3)] == [True] * 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert people.get("admin") is None
    assert people.get("editor") is not None


@pytest.mark.parametrize(
    ("content", "problem"), [(b"nonsense", "line 1: expected"), (b"\xff", "UTF-8"), (b"x" * 5_000_000, "at most")]
)
def test_a_file_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "users"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=problem):
        People(str(file))


def test_a_file_that_is_away_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"password_file: .*: No such file"):
        People(str(tmp_path / "nothing"))
