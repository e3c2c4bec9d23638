"""The units in examples/systemd fit the commands. `systemd-analyze verify` and `security` look at the rest."""

import shlex
from pathlib import Path

import pytest

from broadcaster.config import BroadcasterConfig
from dashboard.commands import _parser

UNITS = sorted((Path(__file__).parents[1] / "examples" / "systemd").glob("*.service"))
HARDENED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "CapabilityBoundingSet": "",
    "Restart": "on-failure",
    "Type": "notify",
}


def settings(unit: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, value in pairs}


def test_there_is_one_for_each_server() -> None:
    assert [unit.stem for unit in UNITS] == ["streamgauge-broadcaster", "streamgauge-dashboard"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_hardened_and_runs_the_command(unit: Path) -> None:
    found = settings(unit)
    assert HARDENED.items() <= found.items()
    assert found["StateDirectory"] == unit.stem
    program, *arguments = shlex.split(found["ExecStart"])
    assert program.endswith("/bin/streamgauge")
    assert _parser().parse_args(arguments).config == "/etc/streamgauge/streamgauge.toml"
    assert "-HUP $MAINPID" in found["ExecReload"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_its_times_and_limits_go_with_the_defaults(unit: Path) -> None:
    found, config = settings(unit), BroadcasterConfig()
    assert float(found["WatchdogSec"]) > 3 * config.watchdog_s
    assert float(found["TimeoutStopSec"]) > config.drain_ready_s + config.drain_s + 10
    if unit.stem.endswith("broadcaster"):
        wanted = config.connections_max + config.handshakes_max + config.http_connections_max + 64
        assert int(found["LimitNOFILE"]) >= wanted
