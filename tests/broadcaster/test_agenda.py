import pytest

from broadcaster.agenda import NEVER, Agenda


def test_the_lowest_goes_first_whatever_came_first() -> None:
    agenda: Agenda[str] = Agenda()
    assert agenda.first == NEVER
    for item, seq in (("d", 9), ("a", 2), ("c", 5), ("b", 2)):
        agenda.put(item, seq)
    agenda.put_all(["e", "f"], 12)
    agenda.put_all(["g"], 5)
    order = []
    while agenda.first < NEVER:
        order.append((agenda.first, agenda.pop()))
    assert sorted(order) == [(2, "a"), (2, "b"), (5, "c"), (5, "g"), (9, "d"), (12, "e"), (12, "f")]
    assert [seq for seq, _ in order] == sorted(seq for seq, _ in order)
    with pytest.raises(IndexError):
        agenda.pop()
