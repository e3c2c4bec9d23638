"""Who may want a series, against asking all."""

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.selection import Selection, Selector, selects
from broadcaster.selection_index import SelectionIndex
from ingest.samples import Series
from tests.broadcaster.frame_parts import QUICK

WORDS = st.sampled_from(["a", "b", "c", "abcab", "cabc"])
GLOBS = st.sampled_from(["a", "b", "c", "*", "a*", "?", "*bca*", "*b?a*", "*c", "ab?*"])
SELECTIONS = st.frozensets(
    st.builds(Selector, GLOBS, st.dictionaries(WORDS, GLOBS, max_size=2).map(lambda tags: tuple(sorted(tags.items())))),
    min_size=1,
    max_size=3,
)
SERIES = st.builds(
    Series, WORDS, st.dictionaries(WORDS, WORDS, max_size=3).map(lambda tags: tuple(sorted(tags.items())))
)


@QUICK
@given(st.lists(SELECTIONS, max_size=8), st.sets(st.integers(0, 7)), SERIES)
def test_nobody_who_wants_it_is_missed(selections: list[Selection], gone: set[int], series: Series) -> None:
    index = SelectionIndex[int]()
    for owner, selection in enumerate(selections):
        index.add(owner, selection)
    staying = {owner: selection for owner, selection in enumerate(selections) if owner not in gone}
    for owner in set(range(len(selections))) - set(staying):
        index.discard(owner)
    found = index.candidates(series)
    assert len(found) == len(set(found))
    assert set(found) <= set(staying)
    assert {owner for owner, selection in staying.items() if selects(selection, series)} <= set(found)
    for owner in staying:
        index.discard(owner)
    assert not index._owners
    assert not index._keys
    assert not index._literals


def test_of_a_thousand_with_one_series_each_few_are_asked() -> None:
    index = SelectionIndex[int]()
    for number in range(1_000):
        tags = ("producer", str(number % 50)), ("series", str(number // 50))
        index.add(number, frozenset({Selector("held", tags)}))
    series = Series("held", (("producer", "7"), ("series", "3")))
    found = index.candidates(series)
    assert 157 in found
    assert len(found) < 40


def test_who_wants_anything_is_always_asked() -> None:
    index = SelectionIndex[str]()
    index.add("all", frozenset({Selector(), Selector("a")}))
    index.add("some", frozenset({Selector("a*", (("x", "1*"),)), Selector("?*")}))
    index.add("one", frozenset({Selector("a")}))
    assert index.candidates(Series("b")) == ["all", "some"]
    assert sorted(index.candidates(Series("a"))) == ["all", "one", "some"]


def test_of_globs_those_are_asked_whose_longest_literal_the_series_has() -> None:
    index = SelectionIndex[int]()
    for number in range(500):
        index.add(number, frozenset({Selector(f"*q{number}z*"), Selector(f"host.{number}.?pu*", (("x", "*"),))}))
        index.add(1_000 + number, frozenset({Selector("*", (("host", f"*.rack-{number}.*"),))}))
    assert index.candidates(Series("new")) == []
    assert index.candidates(Series("a.q7z.b")) == [7]
    assert index.candidates(Series("host.9.cpu", (("x", "1"),))) == [9]
    assert index.candidates(Series("a", (("host", "web-1.rack-3.eu"),))) == [1_003]
    assert index.candidates(Series("a", (("other", "web-1.rack-3.eu"),))) == []
