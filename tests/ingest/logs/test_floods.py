from ingest.logs.floods import Floods


def test_a_burst_passes_and_then_one_at_a_time_with_a_count_of_the_others() -> None:
    floods = Floods(per_s=1, burst=3)
    assert [floods.take("a", 0.0) for _ in range(5)] == [0, 0, 0, None, None]
    assert floods.take("a", 1.0) == 2
    assert floods.take("a", 1.5) is None
    assert floods.take("a", 2.0) == 1


def test_kinds_do_not_hold_up_each_other() -> None:
    floods = Floods(per_s=1, burst=1)
    assert floods.take("a", 0.0) == 0
    assert floods.take("a", 0.0) is None
    assert floods.take("b", 0.0) == 0


def test_after_a_quiet_time_a_burst_passes_again() -> None:
    floods = Floods(per_s=1, burst=2)
    assert [floods.take("a", 0.0) for _ in range(3)] == [0, 0, None]
    assert [floods.take("a", 60.0) for _ in range(3)] == [1, 0, None]


def test_what_was_kept_back_is_told_once_when_nothing_follows() -> None:
    floods = Floods(per_s=0.001, burst=1)
    for _ in range(3):
        floods.take("a", 0.0)
    assert floods.overdue(4.0, after_s=5) == []
    assert floods.overdue(5.0, after_s=5) == [("a", 2)]
    assert floods.overdue(6.0, after_s=5) == []


def test_kinds_are_bounded_and_those_beyond_are_one() -> None:
    floods = Floods(per_s=1, burst=1, kinds_max=2)
    assert [floods.take(kind, 0.0) for kind in "abcd"] == [0, 0, 0, None]
    assert len(floods) == 3
    assert floods.take("e", 100.0) == 0  # the others are as good as new by now, so that there is room
    assert len(floods) <= 3
