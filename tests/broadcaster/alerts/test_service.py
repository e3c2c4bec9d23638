"""Alerts at work over a hub without sockets; time is the mock clock's."""

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broadcaster.alerts import service
from broadcaster.alerts.webhook import WebhookError
from broadcaster.metrics import exposition
from broadcaster.statistics import Figures
from ingest.errors import CommandError
from ingest.messages import MessageError
from ingest.samples import Entry, Series
from tests.broadcaster.alerts.serving import WALL, World, working

HOT = '[hot]\nmetric = "cpu"\nabove = 90\nfor = "10s"\nwebhook = "http://a/secret"\n'
AT_ONCE = HOT.replace('for = "10s"\n', "")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Each writing is a change."""
    written = 0

    def write(text: str) -> Path:
        nonlocal written
        written += 1
        path = tmp_path / "alerts.toml"
        path.write_text(text)
        os.utime(path, (written, written))
        return path

    return write


async def test_a_change_is_an_event_a_gauge_and_a_webhook(
    autojump_clock: MockClock, write: Callable[[str], Path]
) -> None:
    async with working(write(HOT)) as world:
        await world.publish(95.0, host="a")
        assert world.samples("alerts.state") == []
        await trio.sleep(11)
        await world.publish(5.0, host="a")
        text = "hot: cpu{host=a} is 95, above 90 for 10 s"
        assert world.samples("alerts.state") == [
            ("hot,warning,firing", 10.0, text),
            ("hot,warning,ok", 11.0, "hot is over: cpu{host=a} is 5"),
        ]
        assert world.samples("alerts.firing") == [("hot,warning", 10.0, 1.0), ("hot,warning", 11.0, 0.0)]
        assert {url for url, _ in world.posted} == {"http://a/secret"}
        fired, ended = (body for _, body in world.posted)
        assert (fired["state"], fired["text"], fired["since"]) == ("firing", text, WALL + world.started)
        assert ended["state"] == "ok"
        assert fired["id"] != ended["id"]


async def test_a_webhook_is_tried_again_with_the_same_body(
    autojump_clock: MockClock, write: Callable[[str], Path]
) -> None:
    async with working(write(AT_ONCE)) as world:
        world.problems = [WebhookError("answered 503")]
        await world.publish(95.0)
        await trio.sleep(2)
        assert len(world.posted) == 2
        assert world.posted[0] == world.posted[1]
        figures = world.alerts.figures()
        assert (figures["webhooks"]["delivered"], figures["webhook_retries"]) == (1, 1)


async def test_the_gauge_goes_on_while_nothing_changes(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    async with working(write(AT_ONCE), interval_s=1.0) as world:
        await trio.sleep(1.5)
        await world.publish(95.0)
        await trio.sleep(1)
        assert world.samples("alerts.firing") == [
            ("hot,warning", 0.0, 0.0),
            ("hot,warning", 1.0, 0.0),
            ("hot,warning", 1.5, 1.0),
            ("hot,warning", 2.0, 1.0),
        ]


async def test_what_is_listed(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    async with working(write(HOT + '[dead]\nmetric = "disk"\nsilent_for = "5s"')) as world:
        await world.publish(95.0, host="a")
        await world.publish(1.0, metric="disk")
        await trio.sleep(6)
        listed = await world.listed()
        assert [(each["alert"], each["pending"], each["firing"]) for each in listed["rules"]] == [
            ("hot", 1, 0),
            ("dead", 0, 1),
        ]
        assert [(each["alert"], each["state"], each["value"]) for each in listed["active"]] == [
            ("hot", "pending", 95.0),
            ("dead", "firing", 1.0),
        ]
        assert listed["problems"] == []
        some = await world.listed("subscribe:cpu")
        assert [each["alert"] for each in some["rules"] + some["active"]] == ["hot", "hot"]
        assert "problems" not in some


async def test_changed_files_are_read_again(
    autojump_clock: MockClock,
    write: Callable[[str], Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "SWEEP_S", math.inf)  # it is done here, so that nothing depends on when
    path = write(AT_ONCE)
    async with working(path) as world:
        await world.publish(95.0)
        await world.publish(95.0, metric="disk")
        write(AT_ONCE + '[full]\nmetric = "disk"\nabove = 99')
        await world.alerts.reload(path)
        assert [rule["firing"] for rule in (await world.listed())["rules"]] == [1, 0]
        write("[hot]\nmetric = 5")
        await world.alerts.reload(path)
        assert "alerts.toml:2: hot.metric: expected a glob of 1 to 256 characters, got 5" in caplog.text
        listed = await world.listed()
        assert [rule["alert"] for rule in listed["rules"]] == ["hot", "full"]
        assert listed["problems"][0]["line"] == 2
        write("")
        await world.alerts.reload(path)
        await trio.testing.wait_all_tasks_blocked()
        assert world.samples("alerts.state")[-1][2] == (
            "hot is over: cpu is not watched any more: the alert was changed or removed"
        )
        assert (await world.listed())["rules"] == []


async def test_a_name_that_a_producer_took_is_left_alone(
    autojump_clock: MockClock, write: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    async with working(write(AT_ONCE)) as world:
        await world.publish(1.0, metric="alerts.state", alert="hot", severity="warning", state="firing")
        await world.publish(95.0)
        assert [value for *_, value in world.samples("alerts.state")] == [1.0]
        assert "cannot be published" in caplog.text
        assert len(world.posted) == 1


async def test_figures_are_exposed(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    async with working(write(AT_ONCE)) as world:
        await world.publish(95.0)
        text = exposition(Figures(**world.alerts.figures()), "")[0].decode()
    for line in (
        "streamgauge_alert_rules 1.0",
        'streamgauge_alerts{state="firing"} 1.0',
        'streamgauge_alert_changes_total{state="firing"} 1.0',
        'streamgauge_webhooks_total{outcome="delivered"} 1.0',
    ):
        assert line in text


async def test_what_is_not_delivered_at_the_end_is_said(
    autojump_clock: MockClock, write: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    async with working(write(AT_ONCE)) as world:
        world.problems = [WebhookError("refused")] * 99
        await world.publish(95.0)
    assert "webhooks not delivered before the end: 1" in caplog.text


async def test_a_file_that_is_named_has_to_be_good(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    with pytest.raises(CommandError, match=r"alerts\.toml:1: expected TOML"):
        World(write("[hot"))
    with pytest.raises(CommandError, match=r"none\.toml:1: cannot be read: No such file or directory"):
        World(write("").with_name("none.toml"))
    with pytest.raises(CommandError, match="cannot be read: File name too long"):  # as of what it may not look at
        World(write("").with_name("x" * 300))


async def test_of_a_directory_the_good_files_count(
    autojump_clock: MockClock, write: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    directory = write("[hot").parent
    (directory / "other.toml").write_text(AT_ONCE)
    world = World(directory)
    assert [rule["alert"] for rule in (await world.listed("subscribe:*"))["rules"]] == ["hot"]
    assert "alerts.toml:1: expected TOML" in caplog.text


async def test_without_alerts_the_hub_asks_nobody(autojump_clock: MockClock) -> None:
    async with working(None) as world:
        await world.publish(95.0)
        assert world.hub.inspector is None
        assert (await world.listed("subscribe:*"))["rules"] == []


async def test_an_alert_is_put_and_judged_at_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    directory = tmp_path / "made"
    async with working(directory, writable=True) as world:
        put = await world.alerts.put("hot", {"metric": "cpu", "above": 90, "webhook": "http://a/secret"}, None)
        await world.publish(95.0)
        assert [body["state"] for _, body in world.posted] == ["firing"]
        listed = await world.listed()
        (rule,) = listed["rules"]
        assert (rule["file"], rule["revision"], listed["writable"]) == ("hot.toml", put["revision"], True)
        assert listed["active"][0]["fired"] == listed["active"][0]["since"] > WALL
        seen = await world.listed("subscribe:*")
        assert seen["writable"] is False
        assert "revision" not in seen["rules"][0]
        await world.alerts.delete("hot", put["revision"])
        await trio.testing.wait_all_tasks_blocked()
        (over,) = (await world.listed("subscribe:*"))["recent"]
        assert (over["alert"], over["ended_reason"], over["value"]) == ("hot", "rule", 95.0)
        assert (await world.listed("subscribe:disk"))["recent"] == []


async def test_of_what_is_over_it_is_known_how_long_it_was(
    autojump_clock: MockClock, write: Callable[[str], Path]
) -> None:
    async with working(write(AT_ONCE)) as world:
        await world.publish(95.0)
        await trio.sleep(7)
        await world.publish(5.0)
        (over,) = (await world.listed("subscribe:*"))["recent"]
    assert (over["fired"], over["ended"] - over["fired"]) == (WALL + world.started, 7)
    assert (over["value"], over["ended_value"], over["text"]) == (95.0, 5.0, "cpu is 95, above 90")


async def test_without_the_setting_nothing_is_put(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    path = write(AT_ONCE)
    async with working(path.parent) as world:
        with pytest.raises(MessageError, match="--alerts-writable"):
            await world.alerts.put("other", {"metric": "cpu", "above": 90}, None)
        with pytest.raises(MessageError, match="--alerts-writable"):
            await world.alerts.delete("alerts", "0")
        assert (await world.listed())["rules"][0]["revision"] is None
    with pytest.raises(CommandError, match="expected a directory, for --alerts-writable"):
        World(path, writable=True)
    with pytest.raises(CommandError, match="needs --alerts DIR"):
        World(None, writable=True)


async def test_a_series_that_is_silent_since_a_restart_is_missed(autojump_clock: MockClock, tmp_path: Path) -> None:
    (tmp_path / "dead.toml").write_text('[dead]\nmetric = "beat"\nsilent_for = "5s"\n')
    async with working(tmp_path, writable=True) as world:
        await world.publish(1.0, metric="beat", host="a")
    async with working(tmp_path, writable=True) as world:
        await trio.sleep(5.1)
        await trio.testing.wait_all_tasks_blocked()
        assert world.samples("alerts.state")[0][2] == "dead: beat{host=a} is silent for 5 s"
        await world.publish(1.0, metric="beat", host="a")
        assert "dead is over" in str(world.samples("alerts.state")[1][2])
    async with working(tmp_path) as world:  # read-only: nothing is kept, and nothing missed
        await trio.sleep(6)
        assert world.samples("alerts.state") == []


async def eventually(probe: Callable[[], bool]) -> None:
    """The mock clock goes on while a thread writes."""
    for _ in range(10_000):
        if probe():
            return
        await trio.sleep(1)
    raise AssertionError("never")


async def test_what_is_heard_is_kept_while_it_runs_and_given_up_after_an_hour(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "dead.toml").write_text('[dead]\nmetric = "beat"\nsilent_for = "5s"\n')
    kept = tmp_path / ".heard.json"
    async with working(tmp_path, writable=True) as world:
        await world.publish(1.0, metric="beat")
        await eventually(kept.exists)
        assert b'"beat"' in kept.read_bytes()
    async with working(tmp_path, writable=True) as world:
        await eventually(lambda: b'"beat"' not in kept.read_bytes())
        assert trio.current_time() - world.started > 3_600
        assert [reason for *_, reason in world.samples("alerts.state")][-1] == (
            "dead is over: beat is forgotten: nothing came for long"
        )


async def test_a_drain_tells_what_has_just_happened(autojump_clock: MockClock, write: Callable[[str], Path]) -> None:
    async with working(write(AT_ONCE)) as world:
        world.hub.publish([Entry(Series("cpu"), [world.wall()], [95.0])], trio.current_time())
        world.hub.flush(trio.current_time())
        await world.alerts.drained()
        assert len(world.posted) == 1
