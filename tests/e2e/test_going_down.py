"""Signals and real processes: a drain with everybody connected, impatience, configuration that is read again."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from benchmarks.drain import measure
from tests.e2e.command import ANYWHERE, COMMAND, environment, running, url_in

SERVE = ["serve", "--log-format", "json"]


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            code: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return code


def until_status(url: str, expected: int) -> None:
    deadline = time.monotonic() + 20
    while status(url) != expected:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def event(process: "subprocess.Popen[str]", name: str) -> dict[str, Any]:
    """The next of that name in the log."""
    assert process.stderr is not None
    for line in process.stderr:
        found: dict[str, Any] = json.loads(line)
        if found["event"].startswith(name):
            return found
    raise AssertionError(f"no {name}")


def test_everybody_is_told_and_the_loop_goes_on() -> None:
    outcome = measure(150)
    assert not outcome.problems()


def urls(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """The WebSocket's and that of HTTP."""
    assert process.stdout is not None
    found = re.findall(r"\w+://[\d.:]+\d", process.stdout.readline())
    return found[0], found[1]


def test_balancers_are_told_first() -> None:
    settings = {**ANYWHERE, "STREAMGAUGE_BROADCASTER_DRAIN_READY_S": "1"}
    with running(*SERVE, **settings) as process:
        stream, http = urls(process)
        assert status(f"{http}/readyz") == 200
        process.send_signal(signal.SIGTERM)
        event(process, "draining")
        until_status(f"{http}/readyz", 503)
        assert status(f"{http}/healthz") == 200
        host, _, port = stream.removeprefix("ws://").partition(":")
        socket.create_connection((host, int(port)), 5).close()
        assert event(process, "drained")["cut_off"] == 0
        assert process.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once_by_that_signal(number: signal.Signals) -> None:
    settings = {**ANYWHERE, "STREAMGAUGE_BROADCASTER_DRAIN_READY_S": "60"}
    with running(*SERVE, **settings) as process:
        url_in(process, "ws")
        process.send_signal(signal.SIGTERM)
        event(process, "draining")
        process.send_signal(number)
        assert process.wait(5) == -number


@pytest.mark.parametrize("delay_s", [0.03, 0.1, 0.2, 0.4])
@pytest.mark.parametrize(
    "arguments", [["serve"], ["push", "--wait", "--flush-s", "0.1", "host"]], ids=lambda each: str(each[0])
)
def test_ctrl_c_in_the_first_moments_is_quiet(arguments: list[str], delay_s: float) -> None:
    pipe = subprocess.PIPE
    command = [COMMAND, *arguments]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment(**ANYWHERE)) as process:
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=10)
    # What the interpreter says before it runs anything is its own.
    ours = r'File ".*/(ingest|broadcaster|dashboard|trio|pydantic\w*)/(?!__main__\.py", line \d, in <module>)'
    assert not re.search(ours, stderr), stderr
    assert process.returncode in (0, 1, 130, -signal.SIGINT)


def test_the_configuration_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "streamgauge.toml"
    file.write_text("[broadcaster]\n")
    with running(*SERVE, "--config", str(file), **ANYWHERE) as process:
        _, http = urls(process)
        event(process, "started")
        file.write_text(
            "[broadcaster]\nseries_max = 7\ntelemetry_interval_s = 9\nallowed_hosts = ['metrics.example']\n"
        )
        process.send_signal(signal.SIGHUP)
        assert event(process, "the configuration was read again")["changed"] == "allowed_hosts,series_max"
        assert event(process, "settings that need a restart")["event"].endswith(": telemetry_interval_s")
        assert limit(http, "series_max") == 7
        file.write_text("[broadcaster]\nseries_max = 'many'\n")
        process.send_signal(signal.SIGHUP)
        found = event(process, "the configuration stays as it was")
        assert found["level"] == "error"
        assert f'{file}: broadcaster.series_max: expected a whole number, got "many"' in found["event"]
        assert limit(http, "series_max") == 7
        assert process.poll() is None


def limit(http: str, setting: str) -> float:
    with urllib.request.urlopen(f"{http}/metrics", timeout=10) as answer:
        found = re.search(rf'streamgauge_limits{{setting="{setting}"}} (\S+)', answer.read().decode())
    assert found is not None
    return float(found[1])


def test_systemd_is_told_how_it_goes(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        settings = {**ANYWHERE, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "500000"}

        def told(word: bytes) -> bytes:
            while word not in (lines := manager.recv(4096)):
                pass
            return lines

        with running("serve", **settings) as process:
            assert told(b"READY=1")
            assert b"STATUS=0 connections at ws://" in told(b"STATUS=")
            assert told(b"WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            assert b"MONOTONIC_USEC=" in told(b"RELOADING=1")
            assert told(b"READY=1")
            process.send_signal(signal.SIGTERM)
            assert b"EXTEND_TIMEOUT_USEC=" in told(b"STOPPING=1")
            assert process.wait(10) == 0


def test_of_a_dashboard_the_log_changes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "streamgauge.toml"
    file.write_text("")
    arguments = ["dashboard", "--bind", "127.0.0.1:0", "--log-format", "json", "--config", str(file)]
    with running(*arguments) as process:
        event(process, "started")
        file.write_text("[dashboard]\nlog_level = 'error'\ntitle = 'Another'\n")
        process.send_signal(signal.SIGHUP)
        assert event(process, "the configuration was read again")["changed"] == "log_level"
        assert event(process, "settings that need a restart")["event"].endswith(": title")
        file.write_text("[dashboard]\nlog_level = 'loud'\n")
        process.send_signal(signal.SIGHUP)
        assert "dashboard.log_level: " in event(process, "the configuration stays as it was")["event"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_terminal_that_is_closed_ends_it() -> None:
    mine, its = os.openpty()
    pipe = subprocess.PIPE
    settings = environment(**ANYWHERE)
    command = [COMMAND, *SERVE]
    with subprocess.Popen(command, stdin=its, stdout=pipe, stderr=pipe, text=True, env=settings) as process:
        try:
            event(process, "started")
            process.send_signal(signal.SIGHUP)
            event(process, "the configuration was read again")
            os.close(its)
            os.close(mine)
            process.send_signal(signal.SIGHUP)
            event(process, "draining")
            assert process.wait(10) == 0
        finally:
            process.kill()
