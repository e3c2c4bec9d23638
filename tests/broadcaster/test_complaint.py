from broadcaster.complaint import Complaint


def test_the_same_at_two_looks_is_told_once() -> None:
    complaint = Complaint()
    assert [complaint.is_due(found) for found in ("a", "a", "a", "b", "a", "a", "b", "b")] == [
        *(False, True, False, False, False, False, False, True)
    ]


def test_what_comes_again_after_all_was_well_is_told_again() -> None:
    complaint = Complaint()
    assert [complaint.is_due("a") for _ in range(2)] == [False, True]
    complaint.settle()
    assert [complaint.is_due("a") for _ in range(2)] == [False, True]
