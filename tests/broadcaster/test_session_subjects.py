"""What a connection says belongs to the subject of its credentials."""

from tests.broadcaster.test_publishing import Only
from tests.broadcaster.test_session import PRODUCER, only, sample
from tests.broadcaster.world import World


def test_another_subject_that_knows_the_producer_cannot_use_up_its_ids() -> None:
    world = World()
    mine = world.client(Only("", subject="ann"), producer=PRODUCER)
    assert only(mine.ask(type="publish", id=1, samples=[sample()]))["accepted"] == 1
    for other in (Only("", subject="bob"), Only("none", subject="eve"), Only("")):
        client = world.client(other, producer=PRODUCER)
        assert "duplicate" not in only(client.ask(type="publish", id=2**53, samples=[sample()]))
    assert only(mine.ask(type="publish", id=2, samples=[sample()]))["accepted"] == 1
    again = world.client(Only("", subject="ann"), producer=PRODUCER)
    assert only(again.ask(type="publish", id=2, samples=[sample()]))["duplicate"]
