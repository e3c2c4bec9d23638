"""A page that takes long to be made: meanwhile there are signs of it, and who resumes from one misses nothing."""

import orjson
import pytest

from broadcaster import backfill as backfill_module
from tests.broadcaster.frame_parts import Message
from tests.broadcaster.test_backfill import batches, begin
from tests.broadcaster.world import World


@pytest.mark.parametrize("since", [-1, 7])
def test_whoever_waits_for_a_page_hears_of_it(monkeypatch: pytest.MonkeyPatch, since: int) -> None:
    monkeypatch.setattr(backfill_module, "TURN_LOOKS", 1)
    monkeypatch.setattr(backfill_module, "SIGN_TURNS", 3)
    monkeypatch.setattr(backfill_module, "CHUNK_SAMPLES", 4)
    world, metrics = World(), "abcdefgh"
    for _ in range(2):
        for metric in metrics:
            batches(world, 1, metric=metric)
    backfill, _ = begin(world, since)
    got, signs, silent = set(range(1, max(since, 0) + 1)), 0, 0
    for payload in backfill.payloads():
        silent = 0 if payload else silent + 1
        assert silent < 3
        if not payload:
            continue
        message: Message = orjson.loads(payload)
        values = [value for _, _, column in message["series"] for value in column]
        signs += not values
        got.update(map(int, values))
        assert set(range(1, message["seq"] + 1)) <= got, "all up to its cursor is there"
        assert values or message["backfill"]
        if signs == 5 and not values:
            batches(world, 1, metric="a")
    assert signs > 5
    assert got == set(range(1, world.history.seq + 1))
