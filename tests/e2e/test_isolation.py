"""A bug met in one connection ends that connection; the others and the broadcaster go on."""

from typing import Any

import orjson
import pytest

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial
from tests.e2e.wire import sample


async def test_an_unexpected_error_costs_one_connection(
    broadcaster: Broadcaster, dial: Dial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def loads(data: str | bytes) -> Any:
        if "trigger" in str(data):
            raise RuntimeError("a bug")
        return real(data)

    real = orjson.loads
    monkeypatch.setattr("broadcaster.session.loads", loads)
    unlucky, subscriber, producer = await dial(broadcaster), await dial(broadcaster), await dial(broadcaster)
    await subscriber.subscribe()
    await unlucky.send("trigger")
    await unlucky.until_closed()
    assert (await producer.publish(1, [sample("m", 1)]))["accepted"] == 1
    await subscriber.until_samples(1)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "a bug" in caplog.text, "with its traceback"
    caplog.clear()
