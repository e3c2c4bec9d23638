"""What commands do when standard output cannot be written to: one line on standard error, and status 1."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.command import ANYWHERE, COMMAND, environment, running, url_in

FULL = "standard output: No space left on device"


def on_a_full_disk(arguments: Sequence[str], **settings: str) -> "subprocess.CompletedProcess[str]":
    with open("/dev/full", "wb") as full:
        return subprocess.run(
            [COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            env={name: value for name, value in environment(**settings).items() if name != "PYTHONUNBUFFERED"},
            input="correct horse\n",
        )


@pytest.mark.parametrize("arguments", ["--help", "serve --help", "--version"])
def test_help(arguments: str) -> None:
    ran = on_a_full_disk(arguments.split())
    assert (ran.returncode, ran.stderr) == (1, f"streamgauge: {FULL}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        "token keygen key",
        "token jwks pair.pub",
        "token mint --key secret --subject ann --scope admin",
        "token inspect a.token",
        "alerts check alerts.toml",
        "passwd passwords ann",
    ],
)
def test_what_prints_and_ends(arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for making in (["keygen", "secret"], ["keygen", "--pair", "pair"]):
        subprocess.run([COMMAND, "token", *making], check=True, capture_output=True)
    mint = [COMMAND, "token", "mint", "--key", "secret", "--subject", "ann", "--scope", "admin"]
    Path("a.token").write_bytes(subprocess.run(mint, check=True, capture_output=True).stdout)
    Path("alerts.toml").write_text("")
    ran = on_a_full_disk(arguments.split())
    assert (ran.returncode, ran.stderr) == (1, f"streamgauge {arguments.split()[0]}: {FULL}\n")


@pytest.mark.parametrize("command", ["serve", "dashboard"])
def test_servers(command: str) -> None:
    ran = on_a_full_disk([command], **ANYWHERE, STREAMGAUGE_DASHBOARD_BIND="127.0.0.1:0")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, f"streamgauge {command}: {FULL}")
    assert "Traceback" not in ran.stderr


def test_watch() -> None:
    with running("serve", **ANYWHERE, STREAMGAUGE_BROADCASTER_TELEMETRY_INTERVAL_S="0.1") as serving:
        ran = on_a_full_disk(["watch", "--from", url_in(serving, "ws"), "*"])
    assert (ran.returncode, ran.stderr) == (1, f"streamgauge watch: {FULL}\n")
