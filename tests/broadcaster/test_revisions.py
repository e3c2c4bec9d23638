import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import revisions


def test_a_file_is_replaced_all_at_once_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    assert revisions.read(path, 10) is None
    revisions.replace(path, b"one")
    revisions.replace(path, b"longer than that")
    assert revisions.read(path, 100) == b"longer than that"
    assert revisions.read(path, 3) == b"long"
    assert [each.name for each in tmp_path.iterdir()] == ["a.toml"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_is_as_the_umask_says_or_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    shared, private = tmp_path / "a.toml", tmp_path / "b.toml"
    with umask(mask):
        revisions.replace(shared, b"one")
        revisions.replace(private, b"one", revisions.PRIVATE)
    assert (mode_of(shared), mode_of(private)) == (0o666 & ~mask, 0o600)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"one")
    path.chmod(mode)
    with umask(0o022):
        revisions.replace(path, b"two")
    assert (path.read_bytes(), mode_of(path)) == (b"two", mode)


def test_what_a_link_leads_to_says_who_may_read(tmp_path: Path) -> None:
    (secret := tmp_path / "secret").write_bytes(b"one")
    secret.chmod(0o600)
    (path := tmp_path / "a.toml").symlink_to(secret)
    revisions.replace(path, b"two")
    assert mode_of(path) == 0o600


def test_a_file_that_root_replaces_stays_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"one")
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, uid, gid: given.append((uid, gid)))  # only root gives files away
    revisions.replace(path, b"two")
    assert given == [(path.stat().st_uid, -1), (-1, path.stat().st_gid)]


def test_another_group_is_not_given_what_the_first_one_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"one")
    path.chmod(0o664)

    def refuse(descriptor: int, uid: int, gid: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)  # as for anybody but root and the group's members
    revisions.replace(path, b"two")
    assert mode_of(path) == 0o604


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        revisions.replace(path, b"one")
    assert [each.name for each in tmp_path.iterdir()] == ["a.toml"]


def test_two_editors_are_kept_apart() -> None:
    revision = revisions.revision_of(b"one")
    assert revisions.conflict(b"one", revision) is None
    assert revisions.conflict(None, None) is None
    assert revisions.conflict(b"one", None) == "exists already"
    assert revisions.conflict(b"two", revision) == "was changed or deleted meanwhile"
    assert revisions.conflict(None, revision) == "was changed or deleted meanwhile"


def test_comments_at_the_beginning_are_kept() -> None:
    assert revisions.remarks(b"# mine\n\n# too\n[a]\n# not\n") == "# mine\n\n# too\n"
    assert revisions.remarks(b"\n[a]\n") == ""


@given(
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    text=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_text_is_read_as_it_was(key: str, text: str) -> None:
    assert tomllib.loads(f"{revisions.bare(key)} = {revisions.quoted(text)}") == {key: text}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_read_as_it_was(value: float) -> None:
    assert tomllib.loads(f"a = {revisions.number(value)}")["a"] == value
