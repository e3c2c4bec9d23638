from pathlib import Path
from threading import Thread

import pytest

from dashboard.boards import SIZE_MAX, Board, PanelSpec, parse, write
from dashboard.shelf import Listed, Saved, Shelf, ShelfError
from ingest.errors import CommandError

BOARD = Board("Shop", panels=(PanelSpec("shop.*"),))


def refused(code: str) -> "pytest.RaisesExc[ShelfError]":
    return pytest.raises(ShelfError, check=lambda error: error.code == code)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf.at(str(tmp_path / "made" / "here"))


def test_what_is_put_is_got(shelf: Shelf) -> None:
    saved = shelf.put("shop", BOARD, None)
    assert shelf.get("shop") == saved
    assert shelf.everything() == ([Listed("shop", "Shop", 1, saved.revision)], [])
    assert shelf.directory is not None
    assert [path.name for path in shelf.directory.iterdir()] == ["shop.toml"]
    assert (shelf.directory / "shop.toml").read_text() == write(BOARD)


def test_a_text_is_parsed_once_for_all_lists(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 of 64 KiB took 9 s, each time that somebody asked for the list."""
    parsed = list[bytes]()

    def counted(source: bytes) -> Board:
        parsed.append(source)
        return parse(source)

    monkeypatch.setattr("dashboard.shelf.parse", counted)
    first = shelf.put("shop", BOARD, None)
    assert shelf.directory is not None
    (shelf.directory / "broken.toml").write_text("title = ")
    listed = [shelf.everything() for _ in range(5)]
    assert len(parsed) == 2
    assert listed == [listed[0]] * 5
    second = shelf.put("shop", Board("Other"), first.revision)
    assert shelf.everything() == ([Listed("shop", "Other", 0, second.revision)], listed[0][1])
    assert len(parsed) == 3
    shelf.delete("shop", second.revision)
    assert shelf.everything() == ([], listed[0][1])
    assert len(parsed) == 3


def test_two_editors_do_not_overwrite_each_other(shelf: Shelf) -> None:
    first = shelf.put("shop", BOARD, None)
    with refused("changed"):
        shelf.put("shop", Board("Other"), None)
    second = shelf.put("shop", Board("Second"), first.revision)
    with refused("changed"):
        shelf.put("shop", Board("Third"), first.revision)
    with refused("changed"):
        shelf.delete("shop", first.revision)
    assert shelf.get("shop") == second
    shelf.delete("shop", second.revision)
    with refused("changed"):
        shelf.put("shop", BOARD, second.revision)
    with refused("not_found"):
        shelf.delete("shop", second.revision)
    with refused("not_found"):
        shelf.get("shop")


def test_of_editors_at_once_one_wins(shelf: Shelf) -> None:
    first, won = shelf.put("shop", BOARD, None), list[Saved]()

    def edit(number: int) -> None:
        try:
            won.append(shelf.put("shop", Board(f"Editor {number}"), first.revision))
        except ShelfError as error:
            assert error.code == "changed"

    editors = [Thread(target=edit, args=(number,)) for number in range(8)]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join()
    assert won == [shelf.get("shop")]


@pytest.mark.parametrize("name", ["", "..", "../etc", "a/b", "a\\b", "A", ".hidden", "a.toml", "a" * 65, "a\0b", "ä"])
def test_a_name_leads_nowhere_else(shelf: Shelf, name: str) -> None:
    for act in (lambda: shelf.get(name), lambda: shelf.put(name, BOARD, None), lambda: shelf.delete(name, "x")):
        with refused("bad_name"):
            act()


def test_a_broken_file_is_told_by_name_and_line_and_the_rest_load(shelf: Shelf) -> None:
    saved = shelf.put("good", BOARD, None)
    assert shelf.directory is not None
    (shelf.directory / "broken.toml").write_text('title = "a"\n[[panels]]\nmetric = 3\n')
    (shelf.directory / "empty.toml").write_text("")
    (shelf.directory / "Bad Name.toml").write_text("")
    (shelf.directory / "large.toml").write_text("#" * (SIZE_MAX + 1))
    (shelf.directory / "folder.toml").mkdir()
    (shelf.directory / "notes.txt").write_text("no dashboard")
    (shelf.directory / ".draft.toml").write_text("x")
    boards, problems = shelf.everything()
    assert [each.name for each in boards] == ["empty", "good"]
    assert boards[1] == Listed("good", "Shop", 1, saved.revision)
    told = [str(problem) for problem in problems]
    assert [each.split(":")[0] for each in told] == ["Bad Name.toml", "broken.toml", "folder.toml", "large.toml"]
    assert told[1].startswith("broken.toml:3: panels[0].metric: expected a metric")
    assert told[2] == "folder.toml: Is a directory"
    with refused("bad_board"):
        shelf.get("broken")


def test_remarks_at_the_head_of_a_file_are_kept(shelf: Shelf) -> None:
    assert shelf.directory is not None
    file = shelf.directory / "shop.toml"
    file.write_text('# By hand.\n# For the night shift.\n\ntitle = "Old"  # lost\n')
    shelf.put("shop", BOARD, shelf.get("shop").revision)
    assert file.read_text() == "# By hand.\n# For the night shift.\n\n" + write(BOARD)
    shelf.put("shop", BOARD, shelf.get("shop").revision)
    assert file.read_text() == "# By hand.\n# For the night shift.\n\n" + write(BOARD)


def test_what_cannot_be_written_leaves_what_was(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = shelf.put("shop", BOARD, None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with refused("cannot_write"):
        shelf.put("shop", Board("New"), saved.revision)
    assert shelf.directory is not None
    assert shelf.get("shop") == saved
    assert [path.name for path in shelf.directory.iterdir()] == ["shop.toml"]


def test_what_is_too_much_is_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused("too_large"):
        shelf.put(
            "shop", Board(panels=tuple(PanelSpec("a", tags={"b": "c" * 256, "d": "e" * 250}) for _ in range(200))), None
        )
    monkeypatch.setattr("dashboard.shelf.BOARDS_MAX", 1)
    shelf.put("one", BOARD, None)
    with refused("too_many"):
        shelf.put("two", BOARD, None)


def test_without_a_directory_nothing_is_saved() -> None:
    shelf = Shelf.at("")
    assert shelf.everything() == ([], [])
    with refused("not_found"):
        shelf.get("shop")
    with refused("read_only"):
        shelf.put("shop", BOARD, None)
    with refused("read_only"):
        shelf.delete("shop", "x")


def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match=r"--dashboards: .*file: expected a directory"):
        Shelf.at(str(tmp_path / "file"))
