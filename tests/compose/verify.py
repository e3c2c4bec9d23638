"""Brings compose.yaml up on a real engine, sees samples arrive through it, and leaves nothing behind.

    make verify-compose [PREPARE=COMMAND]

PREPARE is run once the engine answers and before the build: on a machine that reaches no image registry it is what
provides the base image (PYTHON_IMAGE, by default python:3.13-slim). Exits with 0 if everything held.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio
from trio_websocket import open_websocket_url

from tests.compose.engine import engine, output
from tests.e2e.browser import chromium, wait_for_paint
from tests.e2e.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
FILES = ["--file", str(ROOT / "compose.yaml"), "--file", str(ROOT / "tests/compose/host-network.yaml")]
PROJECT = f"streamgauge-verify-{os.getpid()}"
SERVICES = {"broadcaster", "dashboard", "host-metrics", "shop"}
IMAGE = f"streamgauge:verify-{os.getpid()}"
BASE = os.environ.get("PYTHON_IMAGE", "python:3.13-slim")
OURS = f"--filter=label=com.docker.compose.project={PROJECT}"


def main() -> None:
    with engine():
        before = _images()
        try:
            if command := os.environ.get("PREPARE"):
                subprocess.run(command, shell=True, check=True, cwd=ROOT)
            with _stack() as ports:
                _check_containers()
                _check_dashboard(ports["DASHBOARD_PORT"])
                _check_ports(ports["BROADCASTER_HTTP_PORT"])
                _check_edits(ports["DASHBOARD_PORT"], ports["BROADCASTER_HTTP_PORT"])
                trio.run(_check_samples, ports["BROADCASTER_PORT"])
                _check_stop()
        finally:
            _remove_new_images(before)
        _check_nothing_left(before)
    print("verify: passed", flush=True)


def say(text: str) -> None:
    print(f"verify: {text}", flush=True)


def compose(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    has_plugin = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    command = ["docker", "compose"] if has_plugin else ["docker-compose"]
    return subprocess.run([*command, *FILES, "--project-name", PROJECT, *arguments], check=True, text=True, **options)


@contextmanager
def _stack() -> Iterator[dict[str, int]]:
    ports = dict(zip(("BROADCASTER_PORT", "BROADCASTER_HTTP_PORT", "DASHBOARD_PORT"), free_ports(3), strict=True))
    os.environ.update({name: str(port) for name, port in ports.items()}, IMAGE=IMAGE)
    try:
        compose("up", "--detach", "--build")
        _wait_until_healthy()
        yield ports
    except BaseException:
        compose("logs", "--tail=40")
        raise
    finally:
        compose("down", "--volumes", "--remove-orphans")


def _containers() -> dict[str, dict[str, Any]]:
    """What the engine says of each service's container, by service."""
    ids = output("docker", "ps", "--all", "--quiet", OURS).split()
    found: list[dict[str, Any]] = json.loads(output("docker", "inspect", *ids))
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}


def _wait_until_healthy() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = {name: each["State"]["Health"]["Status"] for name, each in _containers().items()}
        if states.keys() == SERVICES and set(states.values()) == {"healthy"}:
            say(f"healthy: {', '.join(sorted(states))}")
            return
        time.sleep(1)
    raise AssertionError(f"not healthy after 120 s: {states}")


def _check_containers() -> None:
    for name, each in _containers().items():
        limits = each["HostConfig"]
        assert limits["ReadonlyRootfs"] and limits["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in limits["SecurityOpt"], name
        published = [rule["HostIp"] for rules in (limits["PortBindings"] or {}).values() for rule in rules]
        assert set(published) <= {"127.0.0.1"}, f"{name} is published on {published}"
        probe = "import os; print(os.getuid()); open('/tmp/probe', 'w'); open('/opt/streamgauge/probe', 'w')"
        ran = subprocess.run(["docker", "exec", each["Id"], "python", "-c", probe], capture_output=True, text=True)
        assert ran.stdout.strip() not in ("", "0"), f"{name} runs as root: {ran.stderr}"
        assert "Read-only file system" in ran.stderr, f"{name} can write: {ran.stderr}"
    say("no container is root, can write outside /tmp, or is published beyond loopback")


def _check_dashboard(port: int) -> None:
    """As a person does: a browser opens the page, which connects to the broadcaster by itself."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"http://localhost:{port}/")
        wait_for_paint(page, "host.cpu.percent")
    say("a browser draws the host's metrics")


def _check_ports(http: int) -> None:
    """The HTTP side is published, and not to pages of elsewhere."""
    request = urllib.request.Request(f"http://127.0.0.1:{http}/readyz")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.load(answer) == {"status": "ready"}
    request.add_header("Origin", "https://elsewhere.example")
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 403
    else:
        raise AssertionError("a page of elsewhere was answered")
    say("the HTTP side answers, but no page of elsewhere")


def _check_edits(dashboard: int, http: int) -> None:
    """What is edited in the page is kept: both volumes begin as the examples, and can be written."""
    board = f"http://127.0.0.1:{dashboard}/api/dashboards/web-shop"
    saved = _ask(board)
    _ask(board, "PUT", saved["dashboard"], {"If-Match": f'"{saved["revision"]}"'})
    alerts = f"http://127.0.0.1:{http}/v1/alerts"
    assert "latency" in {rule["alert"] for rule in _ask(alerts)["rules"]}
    _ask(f"{alerts}/verify", "PUT", {"metric": "shop.requests", "above": 1e9}, {"If-None-Match": "*"})
    assert "verify" in {rule["alert"] for rule in _ask(alerts)["rules"]}
    say("dashboards and alerts are there, and can be changed")


def _ask(url: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, kind | dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


async def _check_samples(port: int) -> None:
    """Subscribe as a program on this machine does, and wait for samples of both producers to come live, twice."""
    wanted = {"host.": 2, "shop.": 2}
    subscribe = {"type": "subscribe", "id": 1, "select": [{"metric": "host.*"}, {"metric": "shop.*"}]}
    metrics: dict[int, str] = {}
    with trio.fail_after(30):
        url = f"ws://127.0.0.1:{port}/v1/stream"
        async with open_websocket_url(url, subprotocols=["streamgauge.v1"]) as connection:
            await connection.send_message(json.dumps(subscribe))
            while any(count > 0 for count in wanted.values()):
                message = json.loads(await connection.get_message())
                if message["type"] in ("series", "subscribed"):
                    metrics |= {each["key"]: each["metric"] for each in message["series"]}
                if message["type"] == "samples" and not message.get("backfill"):
                    for prefix in {metrics[key][:5] for key, _, _ in message["series"]}:
                        wanted[prefix] -= 1
    say(f"live samples arrive from both producers ({len(metrics)} series)")


def _check_stop() -> None:
    started = time.monotonic()
    compose("stop", capture_output=True)
    codes = {name: each["State"]["ExitCode"] for name, each in _containers().items()}
    assert set(codes.values()) == {0}, f"not stopped gracefully: {codes}"
    say(f"all stop gracefully, in {time.monotonic() - started:.1f} s")


def _images() -> set[str]:
    """Those that a run can add: the base image, and by their label the layers of both stages and the result."""
    kinds = [f"--filter=reference={BASE}", "--filter=label=streamgauge.stage"]
    listed = [output("docker", "images", "--all", "--quiet", "--no-trunc", kind) for kind in kinds]
    return {image for lines in listed for image in lines.split()}


def _remove_new_images(before: set[str]) -> None:
    """An image may have others on top of it: those go first, the rest in a later round."""
    for _ in range(50):
        images = _images() - before
        if not images:
            return
        ran = subprocess.run(["docker", "rmi", "--force", *images], capture_output=True, text=True)
    say(f"images that cannot be removed: {ran.stderr.strip()}")


def _check_nothing_left(before: set[str]) -> None:
    left = {
        "containers": output("docker", "ps", "--all", "--quiet", OURS).split(),
        "networks": output("docker", "network", "ls", "--quiet", OURS).split(),
        "volumes": output("docker", "volume", "ls", "--quiet", OURS).split(),
        "images": _images() - before,
    }
    assert not any(left.values()), f"left behind: {left}"
    say("nothing is left behind")


if __name__ == "__main__":
    if shutil.which("docker") is None:
        sys.exit("verify: docker is not installed")
    main()
