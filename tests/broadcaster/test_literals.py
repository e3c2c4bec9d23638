"""Which of many literals occur in a text, against looking for each."""

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.literals import Literals
from tests.broadcaster.frame_parts import QUICK

TEXTS = st.text("abc", min_size=1, max_size=12)


@QUICK
@given(st.sets(TEXTS, max_size=60), st.sets(TEXTS), TEXTS)
def test_those_are_found_that_occur(literals: set[str], gone: set[str], text: str) -> None:
    index = Literals()
    for literal in literals:
        index.add(literal)
    for literal in literals & gone:
        index.discard(literal)
    staying = literals - gone
    assert len(index) == len(staying)
    assert sorted(index.within(text)) == sorted(literal for literal in staying if literal in text)
    for literal in staying:
        index.discard(literal)
    assert not index._by_gram
    assert not index._grams


def test_names_that_differ_in_their_ends_share_no_list_to_look_through() -> None:
    index = Literals()
    for number in range(1_000):
        index.add(f"service.requests.{number:03}.")
    assert max(map(len, index._by_gram.values())) < 20
    assert index.within("service.requests.123.total") == ["service.requests.123."]


def test_a_literal_in_many_places_of_a_text_is_found_once() -> None:
    index = Literals()
    index.add("aaaa")
    assert index.within("a" * 20) == ["aaaa"]
