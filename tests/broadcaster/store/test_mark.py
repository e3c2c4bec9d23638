from pathlib import Path

import pytest

from broadcaster.store.mark import Mark


def test_who_comes_next_knows_how_far_the_last_got(tmp_path: Path) -> None:
    first = Mark(tmp_path, tmp_path)
    assert first.reached("") is None
    name = first.begin(3)
    assert first.reached(name) == 3
    first.reach(4)
    second = Mark(tmp_path, tmp_path)  # the first was killed
    assert (second.reached(name), second.reached("other"), second.reached("")) == (4, None, None)
    second.begin(2**33)
    assert second.reached(name) is None
    second.remove()
    second.remove()
    assert Mark(tmp_path, tmp_path).reached(name) is None
    first.close()
    second.close()


def test_directories_have_marks_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    name = Mark(tmp_path, tmp_path).begin(3)
    assert Mark(tmp_path / "other", tmp_path).reached(name) is None


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Mark(tmp_path, tmp_path).begin(3)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Mark(tmp_path, tmp_path)
    monkeypatch.setattr("broadcaster.store.mark.SHARED", tmp_path / "absent")
    assert Mark.of(tmp_path) is None
