"""A search among series that come and go meanwhile finds what one look at all of them would."""

import itertools
from collections.abc import Callable
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import search as search_module
from broadcaster import selection as selection_module
from broadcaster.audience import Wish
from broadcaster.search import GONE_MAX
from broadcaster.selection import parse_selection
from ingest.samples import Entry, Series
from tests.broadcaster.world import World

METRICS = ["a.x", "a.y", "b.x", "b.y", "c"]
STEPS = st.lists(st.sampled_from(["advance", "forget", *METRICS]), max_size=30)


def wish(*globs: str) -> Wish:
    return Wish(parse_selection([{"metric": glob} for glob in globs], 9), None, lambda metric: metric != "b.y")


def after(count: int) -> Callable[[], bool]:
    looked = itertools.count(1)
    return lambda: next(looked) >= count


@given(
    before=st.lists(st.sampled_from(METRICS), unique=True),
    steps=STEPS,
    globs=st.lists(st.sampled_from(["a.*", "*.x", "*", "c"]), min_size=1, max_size=2),
    step=st.integers(1, 3),
)
def test_what_is_found_is_true_of_now(before: list[str], steps: list[str], globs: list[str], step: int) -> None:
    with patch.object(search_module, "GONE_MAX", 0):
        world = World(history_age_s=10)
        for metric in before:
            world.accept(Entry(Series(metric), (), ()))
        search = world.hub.searches.begin(wish(*globs))
        over = False
        for each in steps:
            if each == "advance":
                over = search.advance(after(step))
            elif each == "forget":
                world.clock.now += 6
                world.hub.sweep(world.clock.now)
            else:
                world.accept(Entry(Series(each), (), ()))
        while not over:
            over = search.advance(after(step))
        assert set(search.records) == set(world.hub.select(search.wish))
        world.hub.searches.end(search)
        found = set(search.records)
        world.accept(Entry(Series("a.new"), (), ()))
        assert set(search.records) == found, "it is over"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The globs that were."""
    globs: list[str] = []
    compile_glob = selection_module.compile_glob

    def compile(glob: str) -> Callable[[str], bool]:
        globs.append(glob)
        return compile_glob(glob)

    monkeypatch.setattr(selection_module, "compile_glob", compile)
    return globs


def test_globs_are_compiled_one_after_the_other(compiled: list[str]) -> None:
    """A subscription of 1,700 globs had kept everybody waiting for 1.7 s."""
    world = World()
    selectors = [{"metric": f"*{a}", "tags": {tag: f"*{a}{tag}" for tag in "xyz"}} for a in "abcdefgh"]
    search = world.hub.searches.begin(Wish(parse_selection([*selectors, {"metric": "m?*"}], 9), None, None))
    assert compiled == []
    for count in range(1, 33):
        assert not search.advance(after(1))
        assert len(compiled) == count
        world.accept(Entry(Series(f"m.{count}"), (), ()))
        assert len(compiled) == count
    assert search.advance(after(100))
    assert (len(set(compiled)), len(compiled), len(search.records)) == (33, 33, 32)


def test_the_union_of_subscriptions_is_not_compiled_again(compiled: list[str]) -> None:
    world = World()
    client = world.client()
    for id, glob in enumerate(["*a", "*b", "*c"]):
        client.say(type="subscribe", id=id, select=[{"metric": glob}])
    client.say(type="unsubscribe", id=1)
    world.accept(Entry(Series("m.c"), (1.0,), (1.0,)))
    world.flush()
    assert compiled == ["*a", "*b", "*c"]
    assert [message["type"] for message in client.take()][-2:] == ["series", "samples"]


def test_series_that_come_and_go_do_not_pile_up() -> None:
    world = World(history_age_s=10)
    for number in range(3 * GONE_MAX):
        world.accept(Entry(Series(f"m.{number}"), (), ()))
        world.clock.now += 11
        world.hub.sweep(world.clock.now)
        assert len(world.hub.searches._order) <= GONE_MAX + 2
