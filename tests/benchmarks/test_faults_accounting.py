"""The account of faults: every kind of wrong is seen, and nothing else."""

from typing import Any

import pytest

from benchmarks.faults.accounting import Account, Claim, Line, Verdict, claim_of, recovery_s


def samples(*numbers: int, how: str = "live", cursor: str | None = "c", producer: str = "p") -> Line:
    return {"is": "samples", "t": 0.0, "how": how, "cursor": cursor, "of": [[producer, "0", list(numbers)]]}


def gap(count: int, *, announced: bool = True) -> Line:
    return {"is": "gap", "announced": announced, "samples": count}


def again(*, epoch_changed: bool) -> Line:
    return {"is": "again", "epoch_changed": epoch_changed}


LIVE: Line = {"is": "state", "state": "live"}
KILLED: Line = {"is": "process"}


def judged(acked: int, *lines: Line, sent: int | None = None, **fields: Any) -> Verdict:
    return Account(lines).verdict({"p": Claim(acked, acked if sent is None else sent, **fields)})


def test_all_is_well() -> None:
    verdict = judged(4, samples(0, 1), samples(2), samples(3))
    assert (verdict.samples, verdict.received, verdict.problems) == (4, 4, [])


@pytest.mark.parametrize(
    ("problem", "lines"),
    [
        ("1 lost", [samples(0, 1), samples(3)]),
        ("1 twice", [samples(0, 1), samples(1, 2, 3)]),
        ("1 disordered", [samples(0, 2), samples(1, 3)]),
        ("1 unknown", [samples(0, 1, 2, 3, 4)]),
        ("1 overstated", [samples(0), gap(2), samples(2, 3)]),
        ("1 lost", [samples(0), gap(1), samples(3)]),
        ("1 holes", [samples(0, 1), gap(0, announced=False), samples(2, 3)]),
    ],
)
def test_each_wrong_is_seen(problem: str, lines: list[Line]) -> None:
    assert judged(4, *lines).problems == [problem]


def test_what_an_unknown_producer_sent_is_unknown() -> None:
    assert judged(1, samples(0), samples(0, producer="q")).problems == ["1 unknown"]


def test_a_gap_counts_what_it_announces_and_conflation_stands_for_some_of_it() -> None:
    verdict = judged(6, samples(0), gap(4), samples(4, how="conflated"), samples(5))
    assert (verdict.received, verdict.announced, verdict.problems) == (2, 4, [])


def test_a_resume_recovers_what_a_gap_announced_after_the_last_cursor() -> None:
    lines = samples(0), gap(2), LIVE, samples(1, 2, how="backfill", cursor=None), samples(3)
    assert (judged(4, *lines).announced, judged(4, *lines).problems) == (0, [])
    later = samples(0), gap(2), samples(3), LIVE
    assert (judged(4, *later).announced, judged(4, *later).problems) == (2, [])


def test_what_has_no_cursor_behind_it_counts_for_nothing_once_the_process_is_killed() -> None:
    backfill = samples(1, 2, how="backfill", cursor=None)
    assert judged(4, samples(0), backfill, KILLED, LIVE, backfill, samples(3)).problems == []
    assert judged(4, samples(0), backfill, KILLED, LIVE, samples(3)).problems == ["2 lost"]
    assert judged(4, samples(0), gap(2), KILLED, LIVE, samples(1, 2, 3)).problems == []


def test_a_history_that_comes_whole_replaces_what_came() -> None:
    whole = samples(0, 1, 2, 3, how="backfill", cursor=None)
    assert judged(4, samples(0, 1), again(epoch_changed=False), LIVE, whole).problems == []
    assert judged(4, samples(0, 1), again(epoch_changed=True), LIVE, whole).problems == ["2 twice"]


def test_a_crash_undoes_what_was_acknowledged_last_and_the_history_that_comes_whole_says_so() -> None:
    lines = samples(0, 1, 2), again(epoch_changed=False), LIVE, samples(0, 1, how="backfill"), samples(5, 6)
    verdict = judged(7, *lines, doubts=[range(5, 6)])
    assert (verdict.ended, verdict.received, verdict.problems) == (3, 4, []), "2 was seen, and is taken back"
    assert judged(7, *lines, doubts=[range(4, 6)]).problems == ["1 lost"], "4 went to the successor"
    assert judged(7, *lines[:1], *lines[2:], doubts=[range(5, 6)]).problems == ["2 lost", "2 twice"], "nobody said so"
    hole = again(epoch_changed=False), LIVE, samples(0, 2, how="backfill"), samples(5, 6)
    assert judged(7, *hole, doubts=[range(5, 6)]).problems == ["1 lost"], "1 was stored before 2"


def test_an_epoch_ends_with_samples_between_the_last_and_the_first() -> None:
    lines = samples(0, 1), again(epoch_changed=True), LIVE, samples(4, 5)
    verdict = judged(6, *lines, doubts=[range(4, 5)])
    assert (verdict.ended, verdict.received, verdict.problems) == (2, 4, [])
    assert judged(6, *lines, doubts=[range(3, 5)]).problems == ["1 lost"], "3 went to the successor"
    hole = samples(0, 2), again(epoch_changed=True), LIVE, samples(4, 5)
    assert judged(6, *hole, doubts=[range(4, 5)]).problems == ["1 lost"], "1 was lost before"
    late = samples(0, 1), again(epoch_changed=True), LIVE, samples(4, 6)
    assert judged(7, *late, doubts=[range(4, 5)]).problems == ["1 lost"], "5 was lost later"
    silent = samples(0, 1), again(epoch_changed=True), LIVE
    assert judged(6, *silent, doubts=[range(4, 5)]).problems == ["2 lost"], "4 and 5 were its successor's"


def test_what_was_in_doubt_may_come_from_both_epochs() -> None:
    lines = samples(0, 1, 2), again(epoch_changed=True), LIVE, samples(1, 2, 3)
    verdict = judged(4, *lines, doubts=[range(1, 3)])
    assert (verdict.again, verdict.problems) == (2, [])
    assert judged(4, *lines, doubts=[range(2, 3)]).problems == ["1 twice"], "1 was acknowledged"


def test_unacknowledged_samples_may_be_there_or_announced_or_neither() -> None:
    assert judged(2, samples(0, 1), sent=4).problems == []
    assert judged(2, samples(0, 1, 2, 3), sent=4).problems == []
    assert judged(2, samples(0), gap(3), sent=4).problems == []
    assert judged(2, samples(0), gap(4), sent=4).problems == ["1 overstated"]


def written(state: str, sent: int, acked: int) -> Line:
    return {"t": 0.0, "state": state, "sent": sent, "acked": acked, "rejected": 0, "dropped": 0}


def test_a_producers_record_says_what_was_in_doubt_when_its_connection_was_lost() -> None:
    lines = [
        written("connecting", 3, 0),
        written("connected", 10, 4),
        written("reconnecting", 12, 5),
        written("reconnecting", 20, 5),
        written("connected", 30, 28),
    ]
    assert claim_of(lines) == Claim(28, 30, [range(5, 12)])
    assert claim_of(lines, killed=True).sent is None


def test_recovery_is_the_first_sample_sent_after_the_fault() -> None:
    record = [{**samples(number), "t": float(number)} for number in range(10)]
    assert recovery_s(record, {"p": 7}, 4.5) == 2.5
    assert recovery_s(record, {"p": 3}, 4.5) == 0.5
    assert recovery_s(record, {"p": 10}, 4.5) is None
