from contextlib import ExitStack

import pytest

from dashboard.signin import attempts as module
from dashboard.signin.attempts import MOMENT_S, Attempts, Refused, Why


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(most: int, window_s: float = 60.0, clock: Clock | None = None) -> Attempts:
    return Attempts(most, window_s, clock or Clock())


def tried(attempts: Attempts, address: str, name: str, right: bool | None = False) -> tuple[Why, int] | None:
    """Why it was refused, and for how many seconds; None: it was judged."""
    try:
        with attempts.begin(address, name) as attempt:
            attempt.right = right
    except Refused as error:
        return error.why, error.wait_s
    return None


def test_a_name_is_tried_so_often_from_wherever() -> None:
    clock = Clock()
    attempts = made(3, clock=clock)
    assert [tried(attempts, f"10.0.0.{number}", "ana") for number in range(3)] == [None, None, None]
    clock.now = 20.5
    assert tried(attempts, "10.0.0.9", "ana") == ("failures", 40)
    assert tried(attempts, "10.0.0.9", "other") is None
    clock.now = 60
    assert tried(attempts, "10.0.0.9", "ana") is None


def test_an_address_tries_so_often_whatever_names() -> None:
    attempts = made(3)
    assert [tried(attempts, "10.0.0.1", f"name{number}") for number in range(3)] == [None, None, None]
    assert tried(attempts, "10.0.0.1", "name3") == ("failures", 60)
    assert tried(attempts, "10.0.0.2", "name0") is None


def test_the_neighbours_of_an_ipv6_address_are_one() -> None:
    attempts = made(3)
    assert [tried(attempts, f"2001:db8:1:1::{number}", f"name{number}") for number in range(3)] == [None, None, None]
    assert tried(attempts, "2001:db8:1:1:ffff::9", "name3") == ("failures", 60)
    assert tried(attempts, "2001:db8:1:2::1", "name3") is None


def test_who_has_to_wait_does_not_wait_longer_for_trying() -> None:
    clock = Clock()
    attempts = made(1, clock=clock)
    tried(attempts, "a", "ana")
    for second in range(1, 60):
        clock.now = second
        assert tried(attempts, "a", "ana") == ("failures", 60 - second)
    clock.now = 60
    assert tried(attempts, "a", "ana") is None


def test_nobody_elsewhere_keeps_a_person_out_who_signed_in_from_there_before() -> None:
    attempts = made(3)
    tried(attempts, "home", "ana", right=True)
    for number in range(4):
        tried(attempts, f"elsewhere{number}", "ana")
    assert tried(attempts, "elsewhere9", "ana") == ("failures", 60)
    assert [tried(attempts, "home", "ana") for _ in range(3)] == [None, None, None]
    assert tried(attempts, "home", "ana") == ("failures", 60), "and has as many tries, no more"


def test_success_counts_for_nothing_and_excuses_nothing() -> None:
    attempts = made(2)
    tried(attempts, "a", "ana")
    for _ in range(5):
        assert tried(attempts, "a", "own", right=True) is None
    assert tried(attempts, "a", "ana") is None
    assert tried(attempts, "a", "own") == ("failures", 60)


def test_what_was_not_judged_counts_for_nothing() -> None:
    attempts = made(1)
    assert [tried(attempts, "a", "ana", right=None) for _ in range(5)] == [None] * 5
    with pytest.raises(KeyError), attempts.begin("a", "ana"):
        raise KeyError
    assert (len(attempts), len(attempts._under_way)) == (0, 0)


def test_many_at_once_are_not_all_judged_and_wait_for_a_moment_only() -> None:
    attempts = made(3)
    tried(attempts, "a", "ana")
    with ExitStack() as under_way:
        going = [under_way.enter_context(attempts.begin("a", "ana")) for _ in range(2)]
        assert [tried(attempts, "a", name) for name in ("ana", "other")] == [("under_way", MOMENT_S)] * 2
        going[0].right, going[1].right = True, False
    assert tried(attempts, "a", "other") is None
    assert tried(attempts, "a", "other") == ("failures", 60)


def test_a_refused_try_leaves_nothing_behind() -> None:
    attempts = made(1)
    tried(attempts, "a", "ana")
    for number in range(100):
        assert tried(attempts, "a", f"name{number}") == ("failures", 60)
    assert len(attempts) == 2


def test_a_full_memory_refuses_instead_of_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 12)
    clock = Clock()
    attempts = made(2, clock=clock)
    tried(attempts, "home", "ben", right=True)
    for number in range(6):
        clock.now = number
        assert tried(attempts, f"address{number}", f"name{number}") is None
    assert [tried(attempts, f"more{number}", f"other{number}") for number in range(20)] == [("full", 55)] * 20
    assert len(attempts) == 12
    assert tried(attempts, "address0", "name0") is None, "who is known goes on being counted"
    assert tried(attempts, "address0", "name0") == ("failures", 55)
    assert tried(attempts, "home", "ben", right=True) is None, "who signed in from there before is let in"
    clock.now = 61
    assert tried(attempts, "more", "other") is None, "the oldest are over"


def test_what_is_under_way_has_its_place_in_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 4)
    attempts = made(2)
    tried(attempts, "a", "ana")
    with attempts.begin("b", "ben") as attempt:
        assert tried(attempts, "c", "cem") == ("full", 60)
        attempt.right = False
    assert len(attempts) == 4


def test_homes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOMES", 3)
    attempts = made(2)
    for number in range(5):
        tried(attempts, f"address{number}", f"name{number}", right=True)
    assert list(attempts._homes) == [(f"address{number}", f"name{number}") for number in (2, 3, 4)]
