import tomllib
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
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["a.toml"]


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
