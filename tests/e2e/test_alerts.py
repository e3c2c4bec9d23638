"""Alerts in a real broadcaster process, with a producer and a receiver of webhooks."""

import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import trio

from ingest import open_producer
from tests.broadcaster.alerts.receiver import receiving
from tests.e2e import wire
from tests.e2e.command import refusal, run
from tests.e2e.conftest import BroadcasterProcess

EXAMPLES = Path(__file__).parents[2] / "examples" / "alerts"


def rules(url: str) -> str:
    return f"""
[hot]
metric = "host.cpu.*"
tags = {{ host = "web-?" }}
above = 90
clear = 80
for = "500ms"
severity = "critical"
message = "{{host}} is hot: {{value}}"
webhook = "{url}"

[dead]
metric = "host.cpu.*"
silent_for = "2s"
webhook = "{url}"
"""


async def test_an_alert_from_the_sample_to_the_webhook(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    async with receiving(503) as receiver:
        (tmp_path / "web.toml").write_text(rules(receiver.url))
        (tmp_path / "broken.toml").write_text('[x]\nmetric = "a"\nabvoe = 1\n')
        broadcaster = broadcaster_process(alerts=tmp_path)
        await broadcaster.start()
        async with (
            open_producer(broadcaster.url) as producer,
            httpx.AsyncClient(base_url=broadcaster.http_url) as client,
        ):
            await producer.send("host.cpu.percent", 95.0, unit="%", host="web-1")
            await producer.send("host.cpu.percent", 5.0, unit="%", host="web-2")
            with trio.fail_after(10):
                again, fired = await receiver.wait_for(2)
            assert again == fired  # the first answer was 503
            assert (fired["alert"], fired["severity"], fired["state"]) == ("hot", "critical", "firing")
            assert fired["text"] == "hot: web-1 is hot: 95 %"
            assert fired["series"]["tags"] == {"host": "web-1"}
            assert round(fired["time"] - fired["since"], 3) == 0.5

            listed = (await client.get("/v1/alerts")).json()
            assert [(each["alert"], each["state"], each["value"]) for each in listed["active"]] == [
                ("hot", "firing", 95.0)
            ]
            assert listed["problems"][0]["message"].startswith("x.abvoe: unknown key; did you mean above?")
            assert 'streamgauge_webhooks_total{outcome="delivered"} 1.0' in (await client.get("/metrics")).text

            await producer.send("host.cpu.percent", 85.0, host="web-1")
            await producer.send("host.cpu.percent", 80.0, host="web-1")
            ended = (await receiver.wait_for(3))[-1]
            assert (ended["alert"], ended["state"], ended["value"]) == ("hot", "ok", 80.0)
        silent = (await receiver.wait_for(5))[3:]
        assert [(each["alert"], each["reason"]) for each in silent] == [("dead", "silent")] * 2
        broadcaster.send_signal(signal.SIGTERM)
        assert await broadcaster.wait() == 0
        printed = await broadcaster.output()
        assert "broken.toml:3: x.abvoe: unknown key; did you mean above?" in printed
        assert "hot firing: answered 503; trying again" in printed
        assert receiver.url not in printed


async def test_what_has_just_fired_is_told_before_the_end(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    async with receiving() as receiver:
        path = tmp_path / "a.toml"
        path.write_text(f'[hot]\nmetric = "cpu"\nabove = 90\nwebhook = ["{receiver.url}", "http://127.0.0.1:1/"]\n')
        broadcaster = broadcaster_process(alerts=path)
        await broadcaster.start()
        async with wire.connected(broadcaster.url) as producer:
            await producer.publish(1, [wire.sample("cpu", 91)])
            broadcaster.send_signal(signal.SIGTERM)
            with trio.fail_after(4):
                assert await broadcaster.wait() == 0
        assert [body["state"] for body in receiver.bodies] == ["firing"]
        assert "webhooks not delivered before the end: 1" in await broadcaster.output()


async def test_an_alert_that_was_put_outlives_the_broadcaster(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    settings = {"alerts": tmp_path / "made", "alerts_writable": True}
    broadcaster = broadcaster_process(**settings)
    await broadcaster.start()
    table = {"metric": "cpu", "above": 90, "tags": {"host": "a"}, "severity": "critical"}
    async with httpx.AsyncClient(base_url=broadcaster.http_url) as client:
        made = await client.put("/v1/alerts/hot", json=table, headers={"if-none-match": "*"})
        assert made.status_code == 201
        refused = await client.put("/v1/alerts/hot", json=table | {"for": "soon"}, headers={"if-none-match": "*"})
        assert refused.status_code == 412
        wrong = {"if-match": f'"{made.json()["revision"]}"'}
        refused = await client.put("/v1/alerts/hot", json=table | {"for": "soon"}, headers=wrong)
        assert refused.json() == {
            "code": "bad_alert",
            "message": 'for: expected a duration such as "30s" or "1m30s", got "soon"',
        }
    broadcaster.send_signal(signal.SIGTERM)
    assert await broadcaster.wait() == 0
    again = broadcaster_process(**settings)
    await again.start()
    async with httpx.AsyncClient(base_url=again.http_url) as client:
        (rule,) = (await client.get("/v1/alerts")).json()["rules"]
    assert (rule["alert"], rule["revision"], rule["severity"]) == ("hot", made.json()["revision"], "critical")


async def test_a_subscriber_sees_alerts_as_events(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text('[hot]\nmetric = "cpu"\nabove = 90\n')
    broadcaster = broadcaster_process(alerts=tmp_path / "a.toml")
    await broadcaster.start()
    async with wire.connected(broadcaster.url) as subscriber:
        await subscriber.subscribe(1, "alerts.*", history=0)
        await subscriber.publish(2, [wire.sample("cpu", 91, 5.0)])
        described = await subscriber.until("series")
        data = await subscriber.until("samples")
    assert [(each["metric"], each["kind"], each["tags"].get("state")) for each in described["series"]] == [
        ("alerts.state", "event", "firing"),
        ("alerts.firing", "gauge", None),
    ]
    assert data["series"][0][1:] == [[5.0], ["hot: cpu is 91, above 90"]]


def test_a_named_file_that_is_broken_keeps_it_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[hot]\nmetric = "cpu"\nabove = "90"\n')
    expected = f'{path}:3: hot.above: expected a finite number, got "90"'
    assert refusal("serve", "--alerts", str(path), "--bind", "127.0.0.1:0", "--http-bind", "127.0.0.1:0") == expected


def test_the_examples_are_good_and_a_broken_file_is_not(tmp_path: Path) -> None:
    good = run("alerts", "check", str(EXAMPLES))
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("all good.\n")
    (tmp_path / "a.toml").write_text("[hot\n")
    bad = run("alerts", "check", str(tmp_path))
    assert bad.returncode == 2
    assert f"{tmp_path}/a.toml:1: expected TOML" in bad.stderr
