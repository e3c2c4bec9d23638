"""The command as a person meets it: real processes, what they print, how they end."""

import json
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import ANYWHERE, complaints, refusal, run, running, stop, url_in

COMMANDS = ("demo", "serve", "dashboard", "push", "watch")
EXTRAS = {
    "push": ("pydantic_settings", "psutil", "rich"),
    "broadcaster": ("hypercorn", "starlette", "prometheus_client"),
    "dashboard": ("dash", "plotly"),
    "table": ("rich",),
}


@pytest.fixture
def taken() -> Iterator[str]:
    """A loopback address on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """A loopback address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_help_lists_every_command() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    assert all(re.search(rf"^    {command} ", ran.stdout, re.MULTILINE) for command in COMMANDS), ran.stdout


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("demo", ["--bind", "--no-browser"]),
        ("serve", ["--bind", "--http-bind", "--config", "--insecure"]),
        ("dashboard", ["--bind", "--broadcaster", "--broadcaster-http"]),
        ("push", ["--to", "host", "lines", "csv", "jsonl"]),
        ("watch", ["--from", "SELECT"]),
    ],
)
def test_every_command_explains_itself(command: str, flags: list[str]) -> None:
    ran = run(command, "--help")
    assert ran.returncode == 0
    assert all(flag in ran.stdout for flag in flags), ran.stdout


def test_a_bad_flag_is_named() -> None:
    assert refusal("serve", "--bind", "foo") == '--bind: expected HOST:PORT, got "foo"'
    assert refusal("demo", "--bind", "foo") == '--bind: expected HOST:PORT, got "foo"'


def test_a_bad_variable_is_named() -> None:
    line = refusal("serve", STREAMGAUGE_BROADCASTER_BIND="foo")
    assert line == 'STREAMGAUGE_BROADCASTER_BIND: expected HOST:PORT, got "foo"'


def test_an_unknown_variable_is_refused() -> None:
    line = refusal("dashboard", STREAMGAUGE_DASHBOARD_BINDD="127.0.0.1:0")
    assert line == (
        "STREAMGAUGE_DASHBOARD_BINDD: unknown environment variable; did you mean STREAMGAUGE_DASHBOARD_BIND?"
    )


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "streamgauge.toml"
    file.write_text("[broadcaster]\nbindd = '127.0.0.1:0'\n")
    assert refusal("serve", "--config", str(file)) == f"{file}: broadcaster.bindd: unknown key; did you mean bind?"
    assert refusal("serve", STREAMGAUGE_CONFIG=f"{file}.not").endswith(": no such configuration file")
    assert refusal("serve", "--bind", "a\n\x1b[2K").endswith(r'expected HOST:PORT, got "a\n\x1b[2K"')


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [
        (
            "serve",
            "[broadcaster]\nconnections_max = 'many'",
            'broadcaster.connections_max: expected a whole number, got "many"',
        ),
        ("demo", "[demo]\nshop_rate_hz = -1", "demo.shop_rate_hz: expected more than 0, got -1"),
        ("dashboard", "[dashbord]\nbind = 'x'", "dashbord: unknown table, expected one of "),
        ("dashboard", "[dashboard", "expected TOML: "),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, command: str, text: str, expected: str) -> None:
    file = tmp_path / "streamgauge.toml"
    file.write_text(text)
    assert refusal(command, "--config", str(file)).startswith(f"{file}: {expected}")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["push", "--to", "http://127.0.0.1:1", "host"], "--to"),
        (["push", "--to", "nonsense", "lines"], "--to"),
        (["watch", "--from", "ws://", "host.*"], "--from"),
        (["dashboard", "--broadcaster", "127.0.0.1:8765"], "--broadcaster"),
        (["dashboard", "--broadcaster-http", "ws://127.0.0.1:8766"], "--broadcaster-http"),
    ],
)
def test_a_bad_url_is_refused(arguments: list[str], name: str) -> None:
    assert refusal(*arguments).startswith(f"{name}: expected a URL such as ")


def test_only_loopback_without_being_told(closed: str) -> None:
    everywhere = "0.0.0.0:" + closed.rpartition(":")[2]
    for command in ("serve", "dashboard", "demo"):
        assert refusal(command, "--bind", everywhere, **ANYWHERE).startswith(
            f"--bind: {everywhere} can be reached from"
        )


def test_a_taken_port_is_one_line(taken: str) -> None:
    expected = f"cannot listen on {taken}: Address already in use"
    assert refusal("serve", "--bind", taken, "--http-bind", "127.0.0.1:0") == expected
    assert refusal("serve", "--bind", "127.0.0.1:0", "--http-bind", taken) == expected
    assert refusal("dashboard", "--bind", taken) == expected


@pytest.mark.parametrize(
    ("address", "reason"),
    [("nowhere.invalid:1", "Name or service not known"), ("192.0.2.1:1", "Cannot assign requested address")],
)
def test_an_address_that_is_not_here_is_one_line(address: str, reason: str) -> None:
    assert refusal("serve", "--insecure", "--bind", address) == f"cannot listen on {address}: {reason}"


@pytest.mark.parametrize("variable", ["STREAMGAUGE_DASHBOARD_BIND", *ANYWHERE])
def test_the_demo_says_which_port_is_taken(taken: str, variable: str) -> None:
    free = {**ANYWHERE, "STREAMGAUGE_DASHBOARD_BIND": "127.0.0.1:0"}
    line = refusal("demo", "--no-browser", **{**free, variable: taken})
    assert line == f"cannot listen on {taken}: Address already in use"


@pytest.mark.parametrize(
    "arguments",
    [["push", "--to", "ws://{}", "host"], ["watch", "--from", "ws://{}", "host.*"]],
    ids=lambda each: each[0],
)
def test_a_broadcaster_that_is_away_is_one_line(closed: str, arguments: list[str]) -> None:
    assert closed in refusal(*(each.format(closed) for each in arguments))


@pytest.mark.parametrize(
    "arguments",
    [["push", "--to", "ws://{}/elsewhere", "host"], ["watch", "--from", "ws://{}/elsewhere", "host.*"]],
    ids=lambda each: each[0],
)
def test_a_broadcaster_that_refuses_is_one_line(arguments: list[str]) -> None:
    with running("serve", **ANYWHERE) as process:
        address = url_in(process, "ws").removeprefix("ws://")
        assert "/elsewhere: no such endpoint" in refusal(*(each.format(address) for each in arguments))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("arguments", "scheme"),
    [
        (["serve"], "ws"),
        (["dashboard", "--bind", "127.0.0.1:0"], "http"),
        (["demo", "--no-browser", "--bind", "127.0.0.1:0"], "http"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_it_stops_in_seconds_when_asked(arguments: list[str], scheme: str, number: signal.Signals) -> None:
    with running(*arguments, **ANYWHERE) as process:
        url_in(process, scheme)
        end = stop(process, number)
    assert (end.status, complaints(end.stderr)) == (0, [])
    assert end.stdout.splitlines()[-1] == "Stopped."
    assert end.seconds < 5


def test_the_demo_shows_this_machine_and_the_shop() -> None:
    with running("demo", "--no-browser", "--bind", "127.0.0.1:0", **ANYWHERE) as process:
        page, api = url_in(process, "http"), ""
        url_in(process, "ws")
        api = url_in(process, "http")
        with urllib.request.urlopen(page, timeout=10) as response:
            assert response.status == 200
        metrics: set[str] = set()
        while not {"host.cpu.percent", "shop.requests", "broadcaster.connections"} <= metrics:
            with urllib.request.urlopen(f"{api}/v1/series?select=*", timeout=10) as response:
                metrics = {each["metric"] for each in json.load(response)["series"]}
            time.sleep(0.1)
        with urllib.request.urlopen(f"{api}/v1/alerts", timeout=10) as response:
            alerts = json.load(response)
        assert alerts["writable"]
        assert "latency" in {rule["alert"] for rule in alerts["rules"]}
        with urllib.request.urlopen(f"{page}/api/dashboards", timeout=10) as response:
            dashboards = json.load(response)
        assert dashboards["writable"]
        assert "web-shop" in {each["name"] for each in dashboards["dashboards"]}


@pytest.fixture
def without(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings under which a process cannot import the modules named in the file `absent`."""
    (tmp_path / "sitecustomize.py").write_text(f"""
import sys
from pathlib import Path
ABSENT = Path({str(tmp_path)!r}, "absent").read_text().split()
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
""")
    yield {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("arguments", "missing", "named"),
    [
        (["push", "host"], "push", "push"),
        (["serve"], "broadcaster", "broadcaster"),
        (["watch", "host.*"], "push", "broadcaster"),
        (["watch", "host.*"], "table", "broadcaster"),
        (["dashboard"], "dashboard", "dashboard"),
        (["demo"], "dashboard", "broadcaster,dashboard"),
        (["demo"], "broadcaster", "broadcaster,dashboard"),
    ],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, without: dict[str, str], arguments: list[str], missing: str, named: str
) -> None:
    (tmp_path / "absent").write_text(" ".join(EXTRAS[missing]))
    assert refusal(*arguments, **without) == f"needs the '{named}' extra: pip install 'streamgauge[{named}]'"


def test_help_needs_no_extra(tmp_path: Path, without: dict[str, str]) -> None:
    (tmp_path / "absent").write_text(" ".join(module for extra in EXTRAS.values() for module in extra))
    for command in ((), *((each,) for each in COMMANDS)):
        ran = run(*command, "--help", **without)
        assert (ran.returncode, ran.stderr) == (0, "")
