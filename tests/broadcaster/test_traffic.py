"""What went out, added up."""

from broadcaster.mailbox import OVERFLOWS
from broadcaster.traffic import Traffic


def test_traffic_adds_up_by_policy() -> None:
    total = Traffic()
    for policy in (*OVERFLOWS, "conflate"):
        total.add(Traffic(1, 2, 3, {policy: 4}, {policy: 5}))
    assert (total.batches, total.samples, total.bytes) == (4, 8, 12)
    assert total.dropped_batches == {"conflate": 8, "drop_oldest": 4, "disconnect": 4}
    assert total.dropped_samples == {"conflate": 10, "drop_oldest": 5, "disconnect": 5}
