"""Processes that start at once: a server that has imported everything forks them.

    forks = Forks(); process = forks.start("benchmarks.faults.sender", [...], environment, log)

Fifty repetitions start two hundred processes, and importing takes most of a second of each. What is forked is a
process like any other: it can be killed, stopped and moved to a network of its own; only its imports are done. The
server itself runs no threads and no event loop. See `main` for what it is asked.
"""

import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "dashboard.__main__",
    "dashboard.commands",
    "broadcaster.command",
    "broadcaster.server",
    "benchmarks.faults.sender",
    "benchmarks.faults.receiver",
)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


class Forked:
    """As much of `subprocess.Popen` as is needed, of a process whose parent is the server."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it runs; how it ended is known to its parent only."""
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    def wait(self) -> None:
        select.select([self._handle], [], [])

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        os.close(self._handle)


class Forks:
    """The server's side of whoever wants processes."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "benchmarks.faults.forks"]
        self._server = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True)

    def start(
        self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path, namespace: str | None = None
    ) -> Forked:
        """`module` has a `main` that takes its arguments from sys.argv."""
        wanted = {"module": module, "arguments": arguments, "environment": dict(environment), "log": str(log)}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({**wanted, "namespace": namespace}) + "\n")
        self._server.stdin.flush()
        return Forked(int(self._server.stdout.readline()))

    def close(self) -> None:
        with self._server as server:
            assert server.stdin is not None
            server.stdin.close()


def _become(wanted: dict[str, Any]) -> NoReturn:
    """In the child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody is left behind by a server that ended
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((null, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    if wanted["namespace"]:
        _enter(wanted["namespace"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv = [wanted["module"], *wanted["arguments"]]
    status = 1
    try:
        status = importlib.import_module(wanted["module"]).main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # told as an interpreter tells it: this process ends below without one
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _enter(namespace: str) -> None:
    handle = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")
    os.close(handle)


def main() -> None:
    """Answers each line, what to start as JSON, with the id of a process. Ends with its input."""
    for module in IMPORTED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here asks how they ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for whoever asked
    while line := sys.stdin.readline():
        wanted = json.loads(line)
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _become(wanted)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
