from uuid import uuid4

import pytest
from trio.testing import MockClock

from ingest import open_producer
from ingest.numbering import ID_MAX, Numbering
from tests.ingest.link import Peer, Scripted, Store, values


@pytest.mark.parametrize("remembered", [0, 10**9, 10**15, 2**52])
def test_it_jumps_until_its_ids_are_new(remembered: int) -> None:
    numbering, asked = Numbering(1, remembered=True), 0
    while numbering.must_ask:
        asked += 1
        numbering.answered(duplicate=numbering.ask() <= remembered, doubtful=False)
    assert remembered < numbering.take() < max(2**21, 3 * remembered) and asked <= 34
    assert bool(numbering.skipped) == bool(remembered)


def test_ids_that_are_new_are_used_at_once() -> None:
    numbering = Numbering(7)
    assert (numbering.must_ask, numbering.take(), numbering.take()) == (False, 7, 8)


def test_it_gives_up_where_numbers_are_no_longer_exact() -> None:
    numbering = Numbering(1, remembered=True)
    while numbering.must_ask:
        assert numbering.ask() < ID_MAX
        numbering.answered(duplicate=True, doubtful=False)
    assert numbering.certain


def test_a_question_that_may_have_been_heard_twice_is_put_again() -> None:
    numbering = Numbering(1, remembered=True)
    numbering.answered(duplicate=numbering.ask() == 1, doubtful=True)
    assert (numbering.must_ask, numbering.ask(), numbering.skipped) == (True, 2, 0)


async def test_a_fixed_id_goes_on_above_what_is_remembered_of_it(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    store.last_id = 2**52  # of a run before the clock went back
    async with open_producer(dial=Scripted(store.serve), producer_id=uuid4(), batch_samples=5) as producer:
        await producer.send_many("a", range(20), range(20))
        await producer.flush()
        now = producer.statistics()
    assert values(store.messages) == list(range(20))
    assert (now.acknowledged, now.rejected, now.duplicate_messages) == (20, 0, 0)
    assert caplog.text.count("remembers higher ids") == 1


async def test_ids_that_somebody_else_used_are_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def taken(peer: Peer) -> None:
        await peer.begin()
        await peer.ack(await peer.receive(), accepted=0, duplicate=True)
        await peer.receive()

    async with open_producer(dial=Scripted(taken)) as producer:
        await producer.send("a", 1)
        await producer.flush()
        now = producer.statistics()
    assert (now.acknowledged, now.rejected, now.duplicate_messages) == (0, 1, 0)
    assert "their ids were used before" in caplog.text
