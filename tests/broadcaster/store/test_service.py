"""Broadcasters with a directory, in this process, over loopback."""

import logging
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.server import Broadcaster, serve
from broadcaster.store import mark as mark_module
from broadcaster.store import writer as writer_module
from broadcaster.store.file import NAME
from broadcaster.store.restore import SEQ_LEAP
from ingest.errors import CommandError
from tests.broadcaster.raw_client import RawClient
from tests.broadcaster.test_server import QUIET, broadcaster, connect
from tests.e2e.wire import eventually


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.05)


async def publish(client: RawClient, id: int, value: float = 1.0) -> dict[str, Any]:
    await client.say(type="publish", id=id, samples=[{"metric": "a", "time": float(id), "value": value}])
    with trio.fail_after(10):
        return await client.receive("ack")


async def resume(client: RawClient, cursor: str) -> dict[str, Any]:
    await client.say(type="subscribe", id=1, select=[{"metric": "*"}], resume=cursor)
    with trio.fail_after(10):
        return await client.receive("subscribed")


async def until(running: Broadcaster, **figures: int) -> None:
    async def reached() -> bool:
        return all(getattr(running.figures(), name) == value for name, value in figures.items())

    await eventually(reached, 10)


@pytest.mark.parametrize("durability", ["accepted", "committed"])
async def test_a_restart_goes_unnoticed(tmp_path: Path, durability: str) -> None:
    settings = {"data_dir": tmp_path / "made" / "here", "durability": durability}
    async with broadcaster(**settings) as (running, _):
        client = await connect(running)
        with client.sock:
            assert (await publish(client, 1))["accepted"] == 1
            assert (await publish(client, 2))["accepted"] == 1
        epoch = running.hub.history.epoch
        await until(running, stored_batches=2, store_failing=0, store_queue=0)
    async with broadcaster(**settings) as (running, _):
        client = await connect(running)
        with client.sock:
            subscribed = await resume(client, f"{epoch}:1")
            assert subscribed["resumed"] and subscribed["seq"] > SEQ_LEAP
            assert (await client.receive("samples"))["series"] == [[1, [2.0], [1.0]]]


async def test_an_ack_is_marked_before_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(mark_module, "SHARED", shared)
    async with broadcaster(data_dir=tmp_path / "data") as (running, _):
        (path,) = shared.iterdir()
        assert int.from_bytes(path.read_bytes()[-8:], "little") == 0
        client = await connect(running)
        with client.sock:
            await publish(client, 1)
            assert int.from_bytes(path.read_bytes()[-8:], "little") == 1
    assert not list(shared.iterdir()), "after a clean end it is of no use"


async def test_http_publishes_are_answered_after_the_commit(tmp_path: Path) -> None:
    async with broadcaster(data_dir=tmp_path, durability="committed") as (running, _), httpx.AsyncClient() as http:
        answer = await http.post(f"{running.http_url}/v1/publish", json={"samples": [{"metric": "a", "value": 1}]})
        assert (answer.status_code, running.figures().stored_batches) == (200, 1)
        text = (await http.get(f"{running.http_url}/metrics")).text
        assert "streamgauge_stored_batches_total 1.0" in text
        assert "streamgauge_store_failing 0.0" in text


async def test_a_second_broadcaster_is_refused(tmp_path: Path) -> None:
    async with broadcaster(data_dir=tmp_path):
        with pytest.raises(CommandError, match=rf"data_dir: .*in use by another broadcaster \(process {os.getpid()}\)"):
            await serve(BroadcasterConfig(**QUIET, data_dir=tmp_path))
    async with broadcaster(data_dir=tmp_path):
        """The first has gone."""


async def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).write_bytes(b"nonsense" * 10_000)
    async with broadcaster(data_dir=tmp_path, durability="committed") as (running, _):
        client = await connect(running)
        with client.sock:
            assert (await publish(client, 1))["accepted"] == 1
    (problem,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert await trio.Path(problem.__dict__["file"]).read_bytes() == b"nonsense" * 10_000


async def test_a_directory_that_cannot_be_made_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file is in its place, so that this fails for root, too. When it has gone, all is stored."""
    place = tmp_path / "data"
    place.write_text("in the way")
    async with broadcaster(data_dir=place) as (running, _):
        client, viewer = await connect(running), await connect(running)
        with client.sock, viewer.sock:
            await resume(viewer, "none:1")
            assert (await publish(client, 1, 5))["accepted"] == 1
            assert (await viewer.receive("samples"))["series"] == [[1, [1.0], [5.0]]]
            await until(running, store_failing=1, stored_batches=0)
            place.unlink()
            await until(running, store_failing=0, stored_batches=1)
    assert "the history cannot be stored" in [record.getMessage() for record in caplog.records]
    async with broadcaster(data_dir=place) as (running, _):
        assert running.figures().history_samples == 1


async def test_while_nothing_can_be_stored_commits_are_not_promised(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("in the way")
    async with broadcaster(data_dir=place, durability="committed") as (running, _), httpx.AsyncClient() as http:
        client = await connect(running)
        with client.sock:
            await client.say(type="publish", id=1, samples=[{"metric": "a", "value": 1}])
            assert (await client.receive("error"))["code"] == "rate_limited"
            url = f"{running.http_url}/v1/publish"
            assert (await http.post(url, json={"samples": [{"metric": "a", "value": 1}]})).status_code == 429
            place.unlink()
            await until(running, store_failing=0)
            assert (await publish(client, 2))["accepted"] == 1
