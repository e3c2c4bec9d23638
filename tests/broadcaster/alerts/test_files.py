import os
from pathlib import Path

import pytest

from broadcaster.alerts.files import FILE_BYTES, Lines, RuleFiles, read_rules

GOOD = '[hot]\nmetric = "a"\nabove = 1\n'
BROKEN = '[cold]\nmetric = "b"\nbelow = "1"\n'


def names(files: RuleFiles) -> list[str]:
    return [rule.name for rule in files.all]


def problems(files: RuleFiles, root: Path) -> list[str]:
    return [str(problem).replace(f"{root}/", "") for problem in files.problems]


def write(path: Path, text: str, at: int = 0) -> None:
    """`at`: the time of its change, so that changes differ without waiting."""
    path.write_text(text)
    os.utime(path, (at, at))


def test_a_file(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", GOOD)
    files = read_rules(tmp_path / "a.toml")
    assert (names(files), files.problems) == (["hot"], ())


def test_of_a_directory_what_is_broken_is_left_out_by_name_and_line(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", GOOD)
    write(tmp_path / "b.toml", BROKEN + '["c d"]\nmetric = "c"\n')
    write(tmp_path / "c.toml", "[x\n")
    write(tmp_path / "d.toml", "\n[hot]\nmetric = 'a'\nbelow = 0")
    write(tmp_path / "readme.txt", "no rules")
    files = read_rules(tmp_path)
    assert names(files) == ["hot"]
    assert problems(files, tmp_path) == [
        'b.toml:3: cold.below: expected a finite number, got "1"',
        "b.toml:4: c d: expected above, below or silent_for",
        "c.toml:1: expected TOML: Expected ']' at the end of a table declaration",
        "d.toml:2: hot: the name is taken by a.toml",
    ]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"[a]\n\xff", "x.toml:2: expected UTF-8"),
        (b"[a]\nb = 1\n[a]\n", "x.toml:3: expected TOML: Cannot declare ('a',) twice"),
        (b"[a]\nb = [1,\n\n", "x.toml:4: expected TOML: Invalid value"),
        (b"# only\nwebhook = 'http://x/'\n", "x.toml:2: webhook: expected a table [webhook]"),
        (
            b"[a]\nmetric = 'a'\nabove = 1\nwebhook = 'http://a..b/x'",
            'x.toml:4: a.webhook: expected a host with 1 to 63 characters between its dots, got "a..b"',
        ),
        (b"[a]\nb = " + b"[" * 10_000, "x.toml:1: expected TOML: nested too deep"),
        (
            b"[a]\nmetric = 'a'\nabove = 1" + b"0" * 400,
            "x.toml:3: a.above: expected a finite number, got 1" + "0" * 56 + "...",
        ),
        (b"#" * (FILE_BYTES + 1), f"x.toml:1: at most {FILE_BYTES} bytes"),
    ],
)
def test_problems_of_a_file_as_a_whole(tmp_path: Path, raw: bytes, problem: str) -> None:
    (tmp_path / "x.toml").write_bytes(raw)
    assert problems(read_rules(tmp_path), tmp_path) == [problem]


def test_what_is_not_there(tmp_path: Path) -> None:
    assert problems(read_rules(tmp_path / "no.toml"), tmp_path) == [
        "no.toml:1: cannot be read: No such file or directory"
    ]
    assert read_rules(tmp_path).all == []


def test_a_link_to_nothing_hides_no_other_file(tmp_path: Path) -> None:
    """As Emacs makes while somebody edits; whatever begins with a dot is none of ours."""
    write(tmp_path / "a.toml", GOOD)
    (tmp_path / "b.toml").symlink_to("nothing")
    (tmp_path / ".#a.toml").symlink_to("me@here.4711:1")
    files = read_rules(tmp_path)
    assert names(files) == ["hot"]
    assert problems(files, tmp_path) == ["b.toml:1: cannot be read: No such file or directory"]
    assert read_rules(tmp_path, files) is files
    (tmp_path / "b.toml").unlink()
    assert read_rules(tmp_path, files).problems == ()


def test_nothing_is_read_again_until_something_changes(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", GOOD, at=1)
    first = read_rules(tmp_path)
    assert read_rules(tmp_path, first) is first
    write(tmp_path / "b.toml", GOOD.replace("hot", "warm"), at=1)
    second = read_rules(tmp_path, first)
    assert names(second) == ["hot", "warm"]
    (tmp_path / "a.toml").unlink()
    assert names(read_rules(tmp_path, second)) == ["warm"]


def test_a_slip_of_the_pen_switches_nothing_off(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    write(path, GOOD, at=1)
    first = read_rules(tmp_path)
    write(path, GOOD + "[x", at=2)
    second = read_rules(tmp_path, first)
    assert (names(second), len(second.problems)) == (["hot"], 1)
    write(path, GOOD + '[x]\nmetric = "a"\nabove = 2', at=3)
    third = read_rules(tmp_path, second)
    assert (names(third), third.problems) == (["hot", "x"], ())
    path.unlink()
    tmp_path.rmdir()
    assert names(gone := read_rules(tmp_path, third)) == ["hot", "x"]
    assert len(gone.problems) == 1
    assert read_rules(tmp_path, gone) is gone
    tmp_path.mkdir()
    assert names(read_rules(tmp_path, gone)) == []


@pytest.mark.parametrize(
    ("text", "table", "key", "line"),
    [
        ("[a]\n\nfor='1'\n", "a", "for", 3),
        ("[a]\nfor=1\n[b]\n  for = 2", "b", "for", 4),
        ('x = """\n[b]\nfor=1\n"""\n["b"]\n"for"=2', "b", "for", 6),
        ("[a]\n[a.tags]\nx=1", "a", "tags.x", 2),
        ("[a]\ntags.x=1", "a", "tags.x", 2),
        ("[a]\ntags = {x=1}", "a", "tags.x", 2),
        ("[b]\nfor=1\n[a]\nabove=1", "b", "above", 1),
        ("a = 1", "a", "", 1),
        ("[a . b]", "a", "", 1),
        ("# x\u2028y\r\n[a]\r\nabove=1", "a", "above", 3),
        ('[a]\n[a . "tags"]\nx=1', "a", "tags.x", 2),
        ("x=1\n'a' . for = 1", "a", "for", 2),
        ("x=1\n[ 'a b' ]\n\"c d\"=1", "a b", "c d", 3),
    ],
)
def test_where_a_key_is(text: str, table: str, key: str, line: int) -> None:
    assert Lines(text).of(table, key) == line


def test_a_problem_in_each_of_many_tables(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("".join(f"[t{number}]\nno=1\n" for number in range(20_000)))
    problems = read_rules(tmp_path, RuleFiles()).problems
    assert [problem.line for problem in problems] == list(range(2, 40_001, 2))


def test_a_name_as_long_as_the_file_is_found_and_cut_short(tmp_path: Path) -> None:
    """Of fuzzing: such a name took seconds as a pattern."""
    long = "m" * (FILE_BYTES - 100)
    (tmp_path / "a.toml").write_text(f"[a]\n{long} = 1\n")
    (tmp_path / "b.toml").write_text(f"[{long}]\nabove = 1\n")
    first, second = read_rules(tmp_path, RuleFiles()).problems
    assert first.line == 2 and first.message.startswith("a.mmm")
    assert second.line == 1 and second.message.startswith("mmm")
    assert len(first.message) < 300 > len(second.message)
