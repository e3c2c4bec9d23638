import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.boards import (
    PANEL_FIELDS,
    PANELS_MAX,
    SIZE_MAX,
    Board,
    BoardError,
    PanelSpec,
    as_json,
    from_json,
    line_of,
    parse,
    write,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "dashboards"

TEXT = """\
# Kept by hand.
title = "Shop"
window_s = 300

[[panels]]
metric = "shop.*"
tags = { route = "/checkout" }
width = 2

[[panels]]
title = "Load"
metric = "host.load"
  [panels.tags]
  host = "web-*"
"""

printable = st.text(st.characters(blacklist_categories=("C", "Z")), max_size=20)
numbers = st.floats(-1e300, 1e300)
thresholds = st.builds(
    lambda side, edge, level: {side: edge, "level": level},
    st.sampled_from(["above", "below"]),
    numbers,
    st.sampled_from(["warn", "bad"]),
)
TAG = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
derived: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {
        "aggregate": st.sampled_from(["sum", "mean", "min", "max", "count", "p50", "p90", "p95", "p99"]),
        "group_by": st.lists(TAG, max_size=3, unique=True).map(tuple),
    }
)
plain_panels = st.builds(
    PanelSpec,
    metric=printable.filter(bool),
    title=printable,
    tags=st.dictionaries(st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True), printable.filter(bool), max_size=3),
    width=st.integers(1, 4),
    height=st.integers(1, 4),
    kind=st.sampled_from(["lines", "stat", "bars", "heat", "table"]),
    unit=printable,
    top=st.none() | st.integers(1, 200),
    min=st.none() | numbers,
    thresholds=st.lists(thresholds, max_size=3).map(tuple),
    rate=st.none() | st.booleans(),
)
panels = st.builds(lambda panel, more: replace(panel, **more), plain_panels, derived)
boards = st.builds(
    Board,
    title=printable,
    window_s=st.none() | st.floats(0, 1e9) | st.integers(0, 10**9).map(float),
    panels=st.lists(panels, max_size=5).map(tuple),
)


@given(boards)
def test_what_is_written_is_read_as_the_same(board: Board) -> None:
    assert parse(write(board)) == board
    assert from_json(as_json(board)) == board


def test_a_text_is_read() -> None:
    assert parse(TEXT) == Board(
        "Shop",
        300.0,
        (
            PanelSpec("shop.*", tags={"route": "/checkout"}, width=2),
            PanelSpec("host.load", "Load", {"host": "web-*"}),
        ),
    )


def test_how_a_panel_is_drawn_is_written_as_a_person_would() -> None:
    limit: dict[str, float | str] = {"above": 90.0, "level": "bad"}
    panel = PanelSpec("a", kind="stat", unit="%", top=3, min=-0.5, max=1e20, thresholds=(limit, limit))
    assert write(Board(panels=(panel,))) == (
        '[[panels]]\nmetric = "a"\nkind = "stat"\nunit = "%"\ntop = 3\nmin = -0.5\nmax = 1e+20\n'
        'thresholds = [{ above = 90, level = "bad" }, { above = 90, level = "bad" }]\n'
    )


def test_what_is_derived_is_written_as_a_person_would() -> None:
    panel = PanelSpec("a", aggregate="p99", group_by=("route", "host"), rate=False)
    text = '[[panels]]\nmetric = "a"\naggregate = "p99"\ngroup_by = ["route", "host"]\nrate = false\n'
    assert write(Board(panels=(panel,))) == text
    assert parse(text.replace("false", "true")).panels[0].rate is True
    assert as_json(Board(panels=(panel,)))["panels"][0]["group_by"] == ["route", "host"]


def test_what_is_written_leaves_out_what_is_as_by_default() -> None:
    board = Board("Shop", 60.0, (PanelSpec("a.*"), PanelSpec("b", "B", {"host": "x", "a.b": 'q"'}, height=2)))
    assert write(board) == (
        'title = "Shop"\nwindow_s = 60\n\n[[panels]]\nmetric = "a.*"\n\n'
        '[[panels]]\ntitle = "B"\nmetric = "b"\ntags = { host = "x", "a.b" = "q\\"" }\nheight = 2\n'
    )


@pytest.mark.parametrize(
    ("replaced", "by", "line", "message"),
    [
        ("window_s = 300", "window_s = -1", 3, "window_s: expected seconds from 0 to 1000000000, got -1"),
        ("window_s = 300", "window = 300", 3, "window: unknown; did you mean window_s?"),
        ("width = 2", "width = 9", 8, "panels[0].width: expected a whole number from 1 to 4, got 9"),
        ("width = 2", "width = true", 8, "panels[0].width: expected a whole number from 1 to 4, got true"),
        ("width = 2", 'kind = "pie"', 8, 'panels[0].kind: expected one of lines, stat, bars, heat, table, got "pie"'),
        ("width = 2", 'aggregate = "avg"', 8, "panels[0].aggregate: expected one of sum, mean, min, max, count, p50,"),
        ("width = 2", 'rate = "yes"', 8, 'panels[0].rate: expected true or false, got "yes"'),
        ("width = 2", 'group_by = "route"', 8, "panels[0].group_by: expected at most 16 tags such as"),
        ("width = 2", 'aggregate = "sum"\ngroup_by = ["a b"]', 9, "panels[0].group_by: expected at most 16 tags"),
        ("width = 2", 'aggregate = "sum"\ngroup_by = ["a", "a"]', 9, "panels[0].group_by: expected each tag once"),
        ("width = 2", 'group_by = ["route"]', 8, "panels[0].group_by: expected aggregate beside it, one of sum,"),
        ("width = 2", "groupby = []", 8, "panels[0].groupby: unknown; did you mean group_by?"),
        ("width = 2", "top = 0", 8, "panels[0].top: expected a whole number from 1 to 200, got 0"),
        ("width = 2", "max = nan", 8, "panels[0].max: expected a number, got NaN"),
        ("width = 2", "min = 1\nmax = 1", 9, "panels[0].max: expected more than min, 1"),
        ("width = 2", 'thresholds = [{ above = 90, level = "red" }]', 8, "panels[0].thresholds: expected at most 10"),
        ("width = 2", 'thresholds = [{ level = "bad" }]', 8, "panels[0].thresholds: expected at most 10 thresholds"),
        ("width = 2", 'thresholds = { above = 9, level = "bad" }', 8, "panels[0].thresholds: expected at most 10"),
        ('metric = "shop.*"', "", 5, "panels[0].metric: missing, expected a metric or a glob such as host.*"),
        ('metric = "host.load"', 'metric = ""', 12, "panels[1].metric: expected a metric, or a glob such as host.*, "),
        ('host = "web-*"', "host = 3", 13, "panels[1].tags: expected tags such as"),
        ("[[panels]]\nmetric", "[[panel]]\nmetric", 5, "panel: unknown; did you mean panels?"),
        ('title = "Load"', 'titel = "Load"', 11, "panels[1].titel: unknown; did you mean title?"),
        ("width = 2", "width = ", 8, "Invalid value"),
        ('title = "Shop"', 'title = "Shop', 2, "Illegal character '\\n'"),
        ('host = "web-*"', 'host = "web-*', 14, "Illegal character '\\n'"),
        ('title = "Shop"', 'title = "a\\nb"', 2, "title: expected text of at most 120 characters in one line"),
    ],
)
def test_what_is_wrong_is_told_by_line(replaced: str, by: str, line: int, message: str) -> None:
    assert replaced in TEXT
    with pytest.raises(BoardError) as caught:
        parse(TEXT.replace(replaced, by, 1))
    assert caught.value.message.startswith(message)
    assert caught.value.line == line


def test_texts_over_many_lines_do_not_mislead_the_line() -> None:
    assert line_of('title = """\n[[panels]]\nwidth = 1\n"""\n[[panels]]\nwidth = 9\n', ("panels", 0, "width")) == 6


def test_a_line_ends_where_toml_ends_it() -> None:
    """Of fuzzing: what Unicode calls the end of a line is none in a comment."""
    assert line_of("# a\u2028b\x0bc\r\n[[panels]]\r\nwidth = 9\r\n", ("panels", 0, "width")) == 3


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b'title = "\xff"\n', 1),
        (b'\ntitle = "a"\n# \xe4\n', 3),
        (b"panels = 3\n", 1),
        (b"panels = [3]\n", 1),
        (b"a = " + b"[" * 5000, None),
        (b"#" * (SIZE_MAX + 1), 0),
        (b'[[panels]]\nmetric = "a"\n' * (PANELS_MAX + 1), None),
        (b"window_s = nan", 1),
        (b"window_s = 1" + b"0" * 400, 1),
    ],
)
def test_whatever_a_file_holds_is_refused_and_not_a_crash(source: bytes, line: int | None) -> None:
    with pytest.raises(BoardError) as caught:
        parse(source)
    assert line is None or caught.value.line == line


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_anything_at_all_is_a_board_or_refused(source: bytes | str) -> None:
    try:
        parse(source)
    except BoardError as error:
        assert error.message


def test_null_in_json_is_left_out() -> None:
    assert from_json({"title": "a", "window_s": None, "panels": []}) == Board("a")
    with pytest.raises(BoardError, match=r"panels\[0\]\.metric: missing"):
        from_json({"panels": [{}]})
    with pytest.raises(BoardError, match="expected a table"):
        from_json([])


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_are_read_and_are_what_would_be_written(path: Path) -> None:
    source = path.read_text()
    board = parse(source)
    assert board.title and board.panels
    assert tomllib.loads(write(board)) == tomllib.loads(source)


def test_every_field_of_a_panel_is_checked() -> None:
    assert set(PANEL_FIELDS) == set(PanelSpec.__dataclass_fields__)


@pytest.mark.parametrize("number", ["9" * 5_000, "0x" + "f" * 5_000])
def test_a_number_that_python_does_not_read_or_write_is_refused(number: str) -> None:
    with pytest.raises(BoardError, match=r"digits|too long"):
        parse(f"window_s = {number}")


def test_what_is_nested_too_deep_to_be_shown_is_refused() -> None:
    value: object = 1
    for _ in range(1_000):
        value = [value]
    with pytest.raises(BoardError, match="window_s"):
        from_json({"window_s": value})
