import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.credentials.scopes import WORDS_MAX, ScopeError, parse_scope
from broadcaster.selection import glob_match

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), max_size=20)
GLOBS = st.text("ab.*?", min_size=1, max_size=8)


def test_each_right_is_its_own() -> None:
    scope = parse_scope("publish:host.* subscribe:shop.?x admin")
    assert [scope.may_publish(metric) for metric in ("host.cpu", "shop.ax")] == [True, False]
    assert [scope.may_subscribe(metric) for metric in ("host.cpu", "shop.ax", "shop.abx")] == [False, True, False]
    assert scope.admin


@pytest.mark.parametrize(
    "text", ["", " ", "publish", "read:*", "administrator", "PUBLISH:*", "Admin", "*", "x:publish:*"]
)
def test_what_is_not_said_is_not_allowed(text: str) -> None:
    scope = parse_scope(text)
    assert (scope.may_publish("a"), scope.may_subscribe("a"), scope.admin) == (False, False, False)


@pytest.mark.parametrize("text", ["publish:", "subscribe: admin", "publish:" + "a" * 257])
def test_a_glob_has_a_length(text: str) -> None:
    with pytest.raises(ScopeError, match=r"GLOB with a glob of 1 to 256"):
        parse_scope(text)


def test_words_are_counted() -> None:
    with pytest.raises(ScopeError, match=f"at most {WORDS_MAX} words, got {WORDS_MAX + 1}"):
        parse_scope("publish:a " * (WORDS_MAX + 1))


def test_equal_scopes_are_one() -> None:
    assert parse_scope("publish:a subscribe:b subscribe:c") is parse_scope(
        "subscribe:c  subscribe:b publish:a publish:a"
    )
    assert parse_scope("subscribe:a") is not parse_scope("subscribe:a admin")


@given(st.lists(GLOBS, max_size=4), st.lists(st.text("ab.", min_size=1, max_size=8), max_size=5))
def test_a_metric_is_allowed_if_any_glob_matches(globs: list[str], metrics: list[str]) -> None:
    scope = parse_scope(" ".join(f"subscribe:{glob}" for glob in globs))
    for metric in metrics * 2:  # the second time from memory
        assert scope.may_subscribe(metric) == any(glob_match(glob, metric) for glob in globs)
        assert not scope.may_publish(metric)


@given(st.text(max_size=200) | st.lists(WORDS, max_size=20).map(" ".join))
def test_any_text_is_a_scope_or_is_refused(text: str) -> None:
    try:
        scope = parse_scope(text)
    except ScopeError as error:
        assert str(error).startswith("scope: ")
    else:
        assert parse_scope(str(scope)) is scope
