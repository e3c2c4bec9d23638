import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.selection import (
    METRICS_MAX,
    Selector,
    compile_glob,
    compile_selection,
    covers,
    glob_match,
    parse_select,
    parse_selection,
    selects,
)
from ingest.messages import MessageError
from ingest.samples import Series
from tests.broadcaster.frame_parts import QUICK

HOST = Series("host.cpu", (("core", "0"), ("host", "web-1")))


def by_regex(glob: str, text: str) -> bool:
    pattern = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def by_parts(selector: Selector, series: Series) -> bool:
    have = dict(series.tags)
    tags = all(key in have and glob_match(glob, have[key]) for key, glob in selector.tags)
    return tags and glob_match(selector.metric, series.metric)


@QUICK
@given(st.text("ab.*?[", max_size=8), st.text("ab.*?[\n", max_size=10))
def test_a_glob_matches_as_a_regular_expression_would(glob: str, text: str) -> None:
    assert glob_match(glob, text) == by_regex(glob, text)
    assert compile_glob(glob)(text) == by_regex(glob, text)


@QUICK
@given(st.text("ab*?", min_size=1, max_size=6), st.text("ab", max_size=8))
def test_short_alphabets_meet_often(glob: str, text: str) -> None:
    assert glob_match(glob, text) == compile_glob(glob)(text) == by_regex(glob, text)


@QUICK
@given(st.text("ab*?", min_size=1, max_size=5), st.text("ab*?", min_size=1, max_size=5), st.text("ab", max_size=8))
def test_what_a_glob_covers_it_matches(glob: str, other: str, text: str) -> None:
    assert covers(glob, glob)
    if covers(glob, other) and glob_match(other, text):
        assert glob_match(glob, text)


@pytest.mark.parametrize(
    ("glob", "other", "is_covered"),
    [
        *(("*", "a?*", True), ("a.*", "a.b*", True), ("a.*", "a.?", True), ("*.b", "a*.b", True), ("a.?", "a.b", True)),
        *(("a.?", "a.?", True), ("a.?", "a.*", False), ("a.*", "a*", False), ("a.b", "a.?", False), ("*a", "*", False)),
    ],
)
def test_a_glob_covers_what_is_plainly_within_it(glob: str, other: str, is_covered: bool) -> None:
    assert covers(glob, other) == is_covered


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        *(("*", "", True), ("", "", True), ("", "a", False), ("?", "", False), ("a", "a", True), ("a", "ab", False)),
        *(("a*", "a", True), ("a*", "b", False), ("*a", "ba", True), ("a*b*c", "a--b--c", True)),
        *(("a*b*c", "a--c--b", False), ("[ab]", "a", False), ("[ab]", "[ab]", True), ("a.c", "abc", False)),
    ],
)
def test_globs(glob: str, text: str, matches: bool) -> None:
    assert (glob_match(glob, text), compile_glob(glob)(text)) == (matches, matches)


GLOBS = st.text("ab*?", min_size=1, max_size=3)
TAGS = st.dictionaries(st.sampled_from("xy"), GLOBS, max_size=2).map(lambda tags: tuple(sorted(tags.items())))
VALUES = st.dictionaries(st.sampled_from("xyz"), st.text("ab", min_size=1, max_size=2), max_size=3)


@QUICK
@given(
    st.frozensets(st.builds(Selector, GLOBS, TAGS), min_size=1, max_size=4),
    st.lists(st.tuples(st.text("ab", min_size=1, max_size=3), VALUES), max_size=10),
)
def test_a_compiled_selection_says_what_its_selectors_say(
    selection: frozenset[Selector], series: list[tuple[str, dict[str, str]]]
) -> None:
    matches = compile_selection(selection).test
    for metric, tags in series:
        one = Series(metric, tuple(sorted(tags.items())))
        assert matches(one) == any(by_parts(selector, one) for selector in selection)


def test_it_remembers_a_bounded_number_of_metrics() -> None:
    matches = compile_selection(frozenset({Selector("m*7"), Selector("m*", (("x", "1"),))})).test
    for number in range(3 * METRICS_MAX):
        assert matches(Series(f"m{number}")) == (number % 10 == 7)
        assert matches(Series(f"m{number}", (("x", "1"),)))
    (passed,) = [cell.cell_contents for cell in matches.__closure__ or () if isinstance(cell.cell_contents, dict)]
    assert 0 < len(passed) <= METRICS_MAX


def test_no_glob_keeps_the_broadcaster_busy() -> None:
    began = time.process_time()
    assert not glob_match("*a" * 128, "a" * 120 + "b" * 136)
    assert not compile_glob("*a" * 128)("a" * 120 + "b" * 136)
    assert not compile_glob("*" + "?*" * 127 + "z")("a" * 256)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (Selector(), True),
        (Selector("host.*"), True),
        (Selector("shop.*"), False),
        (Selector("*", (("host", "web-?"),)), True),
        (Selector("*", (("host", "db-*"),)), False),
        (Selector("*", (("zone", "*"),)), False),
        (Selector("*", (("core", "0"), ("host", "web-2"))), False),
    ],
)
def test_all_parts_of_a_selector_must_match(selector: Selector, matches: bool) -> None:
    assert selects(frozenset({selector}), HOST) == by_parts(selector, HOST) == matches


def test_any_selector_of_a_selection_may_match() -> None:
    assert selects(frozenset({Selector("shop.*"), Selector("host.*")}), HOST)
    assert not selects(frozenset({Selector("shop.*"), Selector("disk")}), HOST)


def test_a_selection_is_parsed_and_equal_ones_are_equal() -> None:
    raw = [{"metric": "a*", "tags": {"y": "1", "x": "2"}}, {}]
    parsed = parse_selection(raw, 2)
    assert parsed == frozenset({Selector("a*", (("x", "2"), ("y", "1"))), Selector()})
    assert parsed == parse_selection([{}, {"tags": {"x": "2", "y": "1"}, "metric": "a*", "other": 1}], 2)


def test_a_selector_may_be_as_long_as_a_series_can_be() -> None:
    (selector,) = parse_selection([{"metric": "m" * 256, "tags": {"k" * 64: "v" * 256}}], 1)
    assert selector == Selector("m" * 256, (("k" * 64, "v" * 256),))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        *((None, "select: expected an array of at least one object, got null"), ([], "select: expected an array")),
        *(({}, "select: expected an array"), ([{}] * 3, "select: at most 2 entries, got 3")),
        *(([{}, 5], "select[1]: expected an object, got 5"), ([{"metric": ""}], "select[0].metric: expected a glob")),
        ([{"metric": "x" * 257}], "select[0].metric: expected a glob of 1 to 256 characters"),
        ([{"metric": None}], "select[0].metric: expected a glob of 1 to 256 characters, got null"),
        ([{"tags": []}], "select[0].tags: expected an object of at most 16 globs"),
        ([{"tags": {str(n): "*" for n in range(17)}}], "select[0].tags: expected an object of at most 16 globs"),
        ([{"tags": {"k" * 65: "*"}}], f'select[0].tags: expected keys of at most 64 characters, got "{"k" * 56}...'),
        ([{"tags": {"host": "x" * 257}}], "select[0].tags.host: expected a glob of 1 to 256 characters"),
        ([{"tags": {"host": 5}}], "select[0].tags.host: expected a glob of 1 to 256 characters, got 5"),
    ],
)
def test_a_bad_selection_is_named(raw: object, problem: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_selection(raw, 2, id=7)
    assert (caught.value.code, caught.value.id) == ("bad_message", 7)
    assert caught.value.message.startswith(problem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["metric", "tags", "host"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@QUICK
@given(JSON | st.lists(st.fixed_dictionaries({"metric": JSON, "tags": JSON}), min_size=1, max_size=3))
def test_whatever_comes_is_a_selection_or_refused(raw: object) -> None:
    try:
        selects(parse_selection(raw, 2), HOST)
    except MessageError as problem:
        assert problem.code == "bad_message"


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("host.*", Selector("host.*")),
        ("", Selector("*")),
        ("host.cpu{}", Selector("host.cpu")),
        ("{core=0}", Selector("*", (("core", "0"),))),
        ("host.cpu{host=web-*, core=?}", Selector("host.cpu", (("core", "?"), ("host", "web-*")))),
        ("m{a=b=c}", Selector("m", (("a", "b=c"),))),
    ],
)
def test_the_text_form(text: str, selector: Selector) -> None:
    assert parse_select(text) == selector


@pytest.mark.parametrize("text", ["m{", "m{a=b", "m{a}", "m{=b}", "m{a=}", "x" * 257, "m{" + "k" * 65 + "=b}"])
def test_a_bad_text_form(text: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_select(text)
    assert caught.value.code == "bad_message"


def test_a_selector_shows_as_its_text_form() -> None:
    for text in ("host.*", "host.cpu{core=0,host=web-*}"):
        assert str(parse_select(text)) == text
