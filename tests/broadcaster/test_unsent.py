from broadcaster.agenda import NEVER
from broadcaster.history import Record
from broadcaster.unsent import Unsent
from ingest.samples import Series


def record(*seqs: int) -> Record:
    made = Record(1, Series("a"), "gauge")
    for seq in seqs:
        made.ring.append(seq, [float(seq)], [1.0])
    return made


def test_what_is_sent_comes_back_under_the_next_of_its_batches() -> None:
    unsent, series = Unsent(), record(2, 4, 4, 9)
    unsent.add(series, 0, 3, 2)
    assert (unsent.first, unsent.pop(), unsent.first) == (2, series, NEVER)
    unsent.sent(series, unsent.end(series, 3))
    assert (unsent.first, unsent.spans) == (4, {series: (1, 3)})
    unsent.sent(unsent.pop(), unsent.end(series, 20))
    assert (unsent.first, unsent.spans) == (NEVER, {})


def test_what_comes_after_a_batch_of_no_interest_is_left_out() -> None:
    unsent, series = Unsent(), record(2, 4)
    unsent.add(series, 0, NEVER, 1)
    unsent.sent(unsent.pop(), 1, until=3)
    assert (unsent.first, unsent.spans) == (NEVER, {})


def test_where_the_unsent_begins_is_looked_up_when_it_is_asked_for() -> None:
    unsent, series = Unsent(), record(2, 4, 6)
    unsent.add_all_after([series], 3)
    assert unsent.first == 4
    assert unsent.start(series) == 1
    series.ring.evict(2)
    assert (unsent.start(series), unsent.end(series, 4)) == (1, 2)


def test_what_is_evicted_is_passed_over() -> None:
    unsent, series = Unsent(), record(2, 4, 6, 8)
    unsent.add(series, 0, 4, 2)
    series.ring.evict(3)
    unsent.sent(unsent.pop(), 1)
    assert (unsent.first, unsent.spans) == (8, {series: (1, 4)})
    assert unsent.discard(series) == 3
