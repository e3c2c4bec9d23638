"""The command as a process, for tests that meet it as a person does."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("streamgauge"))
ANYWHERE = {"STREAMGAUGE_BROADCASTER_BIND": "127.0.0.1:0", "STREAMGAUGE_BROADCASTER_HTTP_BIND": "127.0.0.1:0"}
STOP_S = 10
STATE = tempfile.TemporaryDirectory(prefix="streamgauge-state-")  # not this user's own


def environment(**settings: str) -> dict[str, str]:
    """This one's, without what opens a browser and without settings of whoever runs the tests."""
    dropped = ("STREAMGAUGE_", "DISPLAY", "WAYLAND_DISPLAY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"XDG_STATE_HOME": STATE.name} | settings


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(**settings), input="")


def refusal(*arguments: str, **settings: str) -> str:
    """The one line with which a command refuses."""
    ran = run(*arguments, **settings)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    lines = ran.stderr.splitlines()
    assert len(lines) == 1, ran.stderr
    assert lines[0].startswith(f"streamgauge {arguments[0]}: ")
    return lines[0].removeprefix(f"streamgauge {arguments[0]}: ")


@contextmanager
def running(*arguments: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that is gone afterwards."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True, env=environment(**settings))
    with process:
        try:
            yield process
        finally:
            process.kill()


def url_in(process: "subprocess.Popen[str]", scheme: str) -> str:
    """Read what the process prints until there is a URL with the scheme."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(rf"{scheme}://[\w.:\[\]]+", line):
            return match[0]
    raise AssertionError(f"no {scheme} URL: {process.stderr.read() if process.stderr else ''}")


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended."""

    status: int
    stdout: str  # what was not read before
    stderr: str
    seconds: float


def stop(process: "subprocess.Popen[str]", number: signal.Signals) -> End:
    started = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=STOP_S)
    return End(process.returncode, stdout, stderr, time.monotonic() - started)


def complaints(stderr: str) -> list[str]:
    """The lines that are no ordinary events."""
    return [line for line in stderr.splitlines() if " level=info " not in line]
