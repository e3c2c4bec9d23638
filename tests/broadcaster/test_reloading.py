import re
from pathlib import Path

from broadcaster.config import BroadcasterConfig
from broadcaster.reloading import AT_ONCE, FOR_NEW_CONNECTIONS, IN_PLACE
from tests.broadcaster.raw_client import RawClient
from tests.broadcaster.test_server import broadcaster, connect, port

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
ORIGIN = "Origin: https://metrics.example"


def test_each_is_a_setting_and_documented() -> None:
    assert BroadcasterConfig.model_fields.keys() >= IN_PLACE
    assert not AT_ONCE & FOR_NEW_CONNECTIONS
    page = DOCS.read_text()
    for title, names in (("at once", AT_ONCE), ("for new connections", FOR_NEW_CONNECTIONS)):
        (row,) = re.findall(rf"(?m)^\| {title} \| (.*) \|$", page)
        assert re.findall(r"`(\w+)`", row) == sorted(names)


async def asked(url: str, *headers: str) -> str:
    client = await RawClient.connect(port(url))
    with client.sock:
        return (await client.open(*headers)).split("\r\n")[0]


async def test_who_may_connect_changes_at_once() -> None:
    async with broadcaster() as (running, _):
        assert " 403 " in await asked(running.url, ORIGIN)
        running.reload(running.config.model_copy(update={"allowed_origins": ("https://metrics.example",)}))
        assert " 101 " in await asked(running.url, ORIGIN)


async def test_limits_change_for_new_connections_and_the_port_does_not() -> None:
    async with broadcaster() as (running, _):
        before = await connect(running)
        await before.say(type="publish", id=0, samples=[{"metric": "a", "value": 0}])
        await before.receive("ack")
        changes = {"samples_per_message": 1, "samples_per_second": 7, "series_max": 1, "http_bind": "127.0.0.1:9"}
        running.reload(running.config.model_copy(update=changes))
        after = await connect(running)
        with before.sock, after.sock:
            two = [{"metric": "a", "value": 1}, {"metric": "a", "value": 2}]
            await before.say(type="publish", id=1, samples=two)
            assert (await before.receive("ack"))["accepted"] == 2
            await after.say(type="publish", id=1, samples=two)
            assert (await after.receive("error"))["code"] == "too_many_samples"
            await before.say(type="publish", id=2, samples=[{"metric": "b", "value": 1}])
            assert (await before.receive("ack"))["rejected"][0]["code"] == "too_many_series"
        assert running.config.http_bind.port == 0
        assert running.figures().limits["series_max"] == 1


async def test_what_its_caller_gave_it_stays_as_it_was() -> None:
    config = BroadcasterConfig()
    async with broadcaster() as (running, _):
        running.reload(config.model_copy(update={"drain_s": 1.5, "watchdog_s": 9.0}))
        assert (running.config.drain_s, running.watchdog.stall_s) == (1.5, 9.0)
    assert config.drain_s == 5.0
