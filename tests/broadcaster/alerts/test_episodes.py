from broadcaster.alerts.episodes import Episode, Episodes
from broadcaster.alerts.instance import Change, Reason, State
from broadcaster.alerts.rules import parse_rule
from broadcaster.history import Record
from ingest.samples import Series

RULE = parse_rule("hot", {"metric": "cpu", "above": 90})
A, B = (Record(key, Series("cpu", (("host", name),)), "gauge") for key, name in enumerate("ab"))


def change(record: Record, state: State, time: float) -> Change:
    return Change(RULE, record, state, Reason.VALUE, time, time - 1, time)


def test_each_series_has_episodes_of_its_own_and_the_newest_are_kept() -> None:
    episodes = Episodes(2)
    begun = [change(A, State.FIRING, 1), change(B, State.FIRING, 2)]
    for each in begun:
        episodes.take(each)
    assert episodes.fired("hot", B.series) is begun[1]
    ends = [change(B, State.OK, 3), change(A, State.OK, 4)]
    for each in ends:
        episodes.take(each)
    assert list(episodes.over) == [Episode(begun[1], ends[0]), Episode(begun[0], ends[1])]
    assert episodes.fired("hot", B.series) is None
    again = [change(A, State.FIRING, 5), change(A, State.OK, 6)]
    for each in again:
        episodes.take(each)
    assert list(episodes.over) == [Episode(begun[0], ends[1]), Episode(again[0], again[1])]


def test_an_end_without_a_beginning_is_none() -> None:
    episodes = Episodes()
    episodes.take(change(A, State.OK, 1))
    assert not episodes.over
