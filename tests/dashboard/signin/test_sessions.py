import pytest

from dashboard.signin.sessions import PER_NAME, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(100.0, 10.0, 3, clock)


def test_an_id_is_random_and_found_again(sessions: Sessions) -> None:
    first, second = sessions.open("ana", "p"), sessions.open("ana", "p")
    assert first != second
    assert len(first) >= 43
    found = sessions.use(first)
    assert found is not None and (found.name, found.proof) == ("ana", "p")
    assert sessions.use("guessed") is None


def test_what_is_kept_is_not_the_id(sessions: Sessions) -> None:
    id = sessions.open("ana", "p")
    assert id not in repr(vars(sessions))


def test_it_lasts_as_long_as_it_is_used(sessions: Sessions, clock: Clock) -> None:
    id = sessions.open("ana", "p")
    for _ in range(5):
        clock.now += 9
        assert sessions.use(id) is not None
    clock.now += 10
    assert sessions.use(id) is None
    assert len(sessions) == 0


def test_it_ends_however_it_is_used(sessions: Sessions, clock: Clock) -> None:
    id = sessions.open("ana", "p")
    session = sessions.use(id)
    assert session is not None and sessions.left_s(session) == 100
    for _ in range(11):
        clock.now += 9
        session = sessions.use(id)
    assert session is not None and sessions.left_s(session) == 1
    clock.now += 1
    assert sessions.use(id) is None


def test_signing_out(sessions: Sessions) -> None:
    id = sessions.open("ana", "p")
    sessions.close(id)
    sessions.close(id)
    assert sessions.use(id) is None


def test_there_are_so_many_and_the_idlest_goes(sessions: Sessions, clock: Clock) -> None:
    ids = [sessions.open(name, "p") for name in ("a", "b", "c")]
    assert sessions.use(ids[0]) is not None
    sessions.open("d", "p")
    assert len(sessions) == 3
    assert [sessions.use(id) is not None for id in ids] == [True, False, True]


def test_one_name_cannot_push_out_all_others(clock: Clock) -> None:
    sessions = Sessions(100.0, 10.0, 1000, clock)
    other = sessions.open("other", "p")
    for _ in range(2 * PER_NAME):
        sessions.open("ana", "p")
    assert len(sessions) == PER_NAME + 1
    assert sessions.use(other) is not None
