import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster import ledger
from broadcaster.ledger import Account, Ledger
from tests.broadcaster.frame_parts import QUICK


def test_what_was_applied_is_known_and_what_was_refused_may_come_again() -> None:
    account = Account()
    account.apply(3)
    account.refuse(5)
    account.apply(7)
    assert [account.applied(id) for id in (3, 5, 7, 8)] == [True, False, True, False]
    account.apply(5)
    assert account.applied(5)


def test_refusing_what_was_applied_changes_nothing() -> None:
    account = Account()
    account.apply(3)
    account.refuse(3)
    assert account.applied(3)


def test_a_hold_is_as_long_as_told_and_not_prolonged_by_what_it_refuses() -> None:
    account = Account()
    assert account.hold(1, 3.0, 10.0) == 3.0
    assert account.hold(2, 3.0, 12.0) == 1.0
    assert account.hold(1, 0.1, 13.0) == ledger.HOLD_S


def test_what_is_behind_a_refused_message_waits_until_that_came_or_is_given_up() -> None:
    account = Account()
    account.apply(1)
    account.hold(2, 1.0, 10.0)
    assert [account.waits(id, 10.5) for id in (1, 2, 3)] == [0.0, 0.5, 0.5]
    account.held_back(3)
    assert [account.waits(id, 11.0) for id in (2, 3, 4)] == [0.0, ledger.HOLD_S, ledger.HOLD_S]
    account.apply(2)
    assert [account.waits(id, 11.0) for id in (3, 4)] == [0.0, ledger.HOLD_S], "3 comes again, too"
    assert account.held is not None
    account.held.heard = account.held.refusals  # and yet its producer goes on with another
    assert account.waits(4, 11.0) == 0.0
    account.apply(4)
    assert account.held is None
    assert [account.applied(id) for id in (1, 2, 3, 4, 5)] == [True, True, False, True, False]


def test_who_does_not_come_again_is_not_waited_for_for_ever() -> None:
    account = Account()
    account.hold(2, 1.0, 10.0)
    assert account.waits(3, 11.0 + ledger.PATIENCE_S - 0.1) == ledger.HOLD_S
    assert account.waits(3, 11.0 + ledger.PATIENCE_S) == 0.0


def test_of_a_duplicate_that_is_over_a_rate_nothing_is_held() -> None:
    account = Account()
    account.apply(5)
    assert account.hold(5, 0.2, 10.0) == 0.2
    assert account.waits(6, 10.1) == 0.0


@QUICK
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=25))
def test_no_message_is_applied_twice(sends: list[tuple[bool, int]]) -> None:
    """A producer sends each id as often as it likes, in the order of its ids; some are refused."""
    account, applied = Account(), set[int]()
    for refused, id in sorted(sends, key=lambda send: send[1]):
        if account.applied(id):
            assert id in applied
            continue
        assert id not in applied
        if refused:
            account.refuse(id)
        else:
            account.apply(id)
            applied.add(id)


def test_the_refused_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "REFUSED_MAX", 3)
    account = Account()
    for id in range(0, 10, 2):
        account.refuse(id)
    assert account.refused.pairs() == [(4, 4), (6, 6), (8, 8)]


def test_producers_are_remembered_for_their_time_since_the_last_message() -> None:
    accounts = Ledger(memory_s=300.0)
    accounts.account("a", 0.0).apply(5)
    accounts.account("b", 10.0)
    accounts.account("a", 200.0)
    accounts.sweep(310.0)
    assert len(accounts) == 2
    accounts.sweep(310.5)
    assert len(accounts) == 1
    assert accounts.account("a", 320.0).applied(5)
    accounts.sweep(621.0)
    assert len(accounts) == 0


def test_producers_are_bounded_and_the_longest_silent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PRODUCERS_MAX", 2)
    accounts = Ledger(memory_s=300.0)
    for at, producer in enumerate("abac"):
        accounts.account(producer, float(at)).apply(1)
    assert len(accounts) == 2
    assert accounts.account("a", 5.0).applied(1)
    assert not accounts.account("b", 6.0).applied(1)


def test_the_refused_of_all_producers_are_bounded_and_the_longest_silent_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "REFUSED_IN_ALL_MAX", 15)
    accounts = Ledger(memory_s=300.0)
    for first in (0, 10):
        for producer in "abc":
            account = accounts.account(producer, 1.0)
            for id in range(first, first + 10, 2):
                account.refuse(id)
    assert len(accounts) == 3  # 30 refused, of which 15 are counted by now
    accounts.account("c", 2.0)
    assert [producer for producer, _ in accounts.accounts()] == ["b", "c"]
    accounts.sweep(400.0)
    for id in range(0, 52, 2):
        accounts.account("d", 401.0).refuse(id)
    assert accounts.account("d", 402.0).refused, "the one that speaks is not forgotten"
