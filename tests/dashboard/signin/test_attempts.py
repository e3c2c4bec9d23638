from dashboard.signin import attempts as module
from dashboard.signin.attempts import Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_name_is_tried_so_often_from_wherever() -> None:
    clock = Clock()
    attempts = Attempts(3, 60.0, clock)
    assert [attempts.begin(f"10.0.0.{number}", "ana") for number in range(3)] == [0, 0, 0]
    clock.now = 20.5
    assert attempts.begin("10.0.0.9", "ana") == 40
    assert attempts.begin("10.0.0.9", "other") == 0
    clock.now = 60
    assert attempts.begin("10.0.0.9", "ana") == 0


def test_an_address_tries_so_often_whatever_names() -> None:
    attempts = Attempts(3, 60.0, Clock())
    assert [attempts.begin("10.0.0.1", f"name{number}") for number in range(4)] == [0, 0, 0, 60]
    assert attempts.begin("10.0.0.2", "name0") == 0


def test_who_has_to_wait_does_not_wait_longer_for_trying() -> None:
    clock = Clock()
    attempts = Attempts(1, 60.0, clock)
    attempts.begin("a", "ana")
    for second in range(1, 60):
        clock.now = second
        assert attempts.begin("a", "ana") == 60 - second
    clock.now = 60
    assert attempts.begin("a", "ana") == 0


def test_nobody_elsewhere_keeps_a_person_out_who_signed_in_from_there_before() -> None:
    attempts = Attempts(3, 60.0, Clock())
    attempts.begin("home", "ana")
    attempts.succeeded("home", "ana")
    for number in range(4):
        attempts.begin(f"elsewhere{number}", "ana")
    assert attempts.begin("elsewhere9", "ana") == 60
    assert [attempts.begin("home", "ana") for _ in range(4)] == [0, 0, 0, 60], "and has as many tries, no more"


def test_success_gives_back_one_try_and_no_more() -> None:
    attempts = Attempts(2, 60.0, Clock())
    attempts.begin("a", "ana")
    for _ in range(5):
        assert attempts.begin("a", "own") == 0
        attempts.succeeded("a", "own")
    assert attempts.begin("a", "ana") == 0
    assert attempts.begin("a", "own") == 60


def test_many_at_once_are_counted_before_they_are_judged() -> None:
    attempts = Attempts(2, 60.0, Clock())
    assert [attempts.begin("a", "ana") for _ in range(10)].count(0) == 2


def test_what_is_remembered_is_bounded() -> None:
    attempts = Attempts(2, 60.0, Clock())
    for number in range(module.KEPT):
        attempts.begin(f"address{number}", f"name{number}")
        attempts.succeeded(f"address{number}", f"name{number}")
        attempts.begin(f"address{number}", f"name{number}")
    assert len(attempts) == module.KEPT
    attempts.begin("another", "another")
    attempts.succeeded("another", "another")
    assert len(attempts._at_home) == module.KEPT
