"""From where on a series is sent as a whole."""

from broadcaster.coverage import Coverage
from broadcaster.history import Record
from ingest.samples import Series


def record(*sizes: int) -> Record:
    """With batches of so many samples, the first of which is batch 1."""
    made = Record(1, Series("a"), "gauge")
    for seq, size in enumerate(sizes, 1):
        if size:
            made.ring.append(seq, [1.0] * size, [1.0] * size)
    return made


def test_the_first_subscription_covers_what_comes_behind_it() -> None:
    coverage = Coverage(2)
    assert [coverage.start(record(3, 4, 5)), coverage.start(record(3)), coverage.start(record(0, 0, 5))] == [7, 3, 0]


def test_what_is_covered_from_elsewhere_is_noted_until_it_is_left() -> None:
    coverage, one, two = Coverage(2), record(3, 4, 5), record(3, 4, 5)
    coverage.keep([])
    coverage.begin(one, 1)
    coverage.begin(two, 9)
    assert (coverage.start(one), coverage.start(two)) == (1, 9)
    coverage.keep([two])
    assert (coverage.start(one), coverage.start(two)) == (7, 9)
