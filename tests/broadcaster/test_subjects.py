"""Who sends, over all connections: remembered as long as it matters, and in a bounded number."""

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.config import BroadcasterConfig
from broadcaster.limits import take
from broadcaster.subjects import Subjects
from tests.broadcaster.frame_parts import QUICK


def subjects(most: int = 10, **settings: int) -> Subjects:
    return Subjects(BroadcasterConfig(**settings), most)


def test_the_same_name_is_the_same_subject() -> None:
    all_of_them = subjects()
    ann = all_of_them.named("ann", 0.0)
    assert all_of_them.named("bob", 0.0) is not ann
    assert all_of_them.named("ann", 5.0) is ann


def test_no_bound_is_no_limit() -> None:
    free = subjects(subject_samples_per_second=0, subject_messages_per_second=0).named("ann", 0.0)
    assert (free.samples, free.messages) == ((), ())
    assert [limit.reason for limit in free.bytes + free.series] == ["subject_bytes_rate", "subject_series_rate"]


def test_who_has_spent_something_is_remembered_until_it_is_made_up_for() -> None:
    all_of_them = subjects(subject_samples_per_second=100)
    ann = all_of_them.named("ann", 0.0)
    assert take(ann.samples, 50, 0.0) is None
    all_of_them.sweep(0.4)
    assert all_of_them.named("ann", 0.4) is ann
    all_of_them.sweep(0.6)
    assert len(all_of_them) == 0


def test_who_is_connected_is_remembered() -> None:
    all_of_them = subjects(most=1)
    ann = all_of_them.named("ann", 0.0)
    ann.connections = 1
    all_of_them.sweep(1e6)
    all_of_them.named("bob", 1e6)
    assert all_of_them.named("ann", 1e6) is ann
    ann.connections = 0
    all_of_them.sweep(1e6)
    assert len(all_of_them) == 0


def test_beyond_the_most_the_one_not_heard_of_for_longest_is_forgotten() -> None:
    all_of_them = subjects(most=2)
    ann, bob = all_of_them.named("ann", 0.0), all_of_them.named("bob", 1.0)
    assert all_of_them.named("ann", 2.0) is ann
    all_of_them.named("eve", 3.0)
    assert len(all_of_them) == 2
    assert all_of_them.named("ann", 4.0) is ann
    assert all_of_them.named("bob", 5.0) is not bob


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.sampled_from([0.0, 0.01, 0.5])), max_size=60)


@QUICK
@given(STEPS, st.integers(1, 12))
def test_however_many_names_come_they_are_bounded_and_all_go(steps: list[tuple[int, int, float]], most: int) -> None:
    all_of_them, now = subjects(most, subject_samples_per_second=20), 0.0
    for name, amount, after in steps:
        now += after
        take(all_of_them.named(str(name), now).samples, amount, now)
        assert len(all_of_them) <= most
        all_of_them.sweep(now)
    all_of_them.sweep(now + 60.0)
    assert len(all_of_them) == 0


@QUICK
@given(STEPS)
def test_forgetting_gives_nobody_more_than_the_rate(steps: list[tuple[int, int, float]]) -> None:
    """Of one subject: what it takes in single samples, with a sweep after each."""
    all_of_them, now, taken = subjects(subject_samples_per_second=20), 0.0, 0
    for _, amount, after in steps:
        now += after
        for _ in range(amount):
            taken += take(all_of_them.named("ann", now).samples, 1, now) is None
        all_of_them.sweep(now)
    assert taken <= 20 + 20 * now + 1e-6
