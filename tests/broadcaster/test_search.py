"""A search among series that come and go meanwhile finds what one look at all of them would."""

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.audience import Wish
from broadcaster.selection import parse_selection
from ingest.samples import Entry, Series
from tests.broadcaster.world import World

METRICS = ["a.x", "a.y", "b.x", "b.y", "c"]
STEPS = st.lists(st.sampled_from(["advance", "forget", *METRICS]), max_size=30)


def wish(*globs: str) -> Wish:
    return Wish(parse_selection([{"metric": glob} for glob in globs], 9), None, lambda metric: metric != "b.y")


@given(
    before=st.lists(st.sampled_from(METRICS), unique=True),
    steps=STEPS,
    globs=st.lists(st.sampled_from(["a.*", "*.x", "*", "c"]), min_size=1, max_size=2),
    step=st.integers(1, 3),
)
def test_what_is_found_is_true_of_now(before: list[str], steps: list[str], globs: list[str], step: int) -> None:
    world = World(history_age_s=10)
    for metric in before:
        world.accept(Entry(Series(metric), (), ()))
    search = world.hub.search(wish(*globs))
    over = False
    for each in steps:
        if each == "advance":
            over = search.advance(step)
        elif each == "forget":
            world.clock.now += 11
            world.hub.sweep(world.clock.now)
        else:
            world.accept(Entry(Series(each), (), ()))
    while not over:
        over = search.advance(step)
    assert set(search.records) == set(world.hub.select(search.wish))
    world.hub.end_search(search)
    found = set(search.records)
    world.accept(Entry(Series("a.new"), (), ()))
    assert set(search.records) == found, "it is over"


def test_a_search_among_some_finds_no_others() -> None:
    world = World()
    world.accept(*(Entry(Series(metric), (), ()) for metric in METRICS))
    some = world.hub.select(wish("a.*"))
    search = world.hub.search(wish("*.x"), some)
    assert search.advance(100)
    assert [record.series.metric for record in search.records] == ["a.x"]
