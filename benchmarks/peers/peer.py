"""What every server that is measured offers, Streamgauge among them."""

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.load.dialect import Dialect
from benchmarks.peers.install import FOLDER

START_S = 20.0
STOP_S = 5.0
PORTS = (20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a server."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Peer:
    """`command` installs what it needs on first use, and gives the command for a port."""

    name: str
    title: str
    versions: Mapping[str, str]
    dialect: Dialect
    command: Callable[[int], Command]


def free_port() -> int:
    """A port that nobody has, with the next one free as well, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(*PORTS)
        if _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def serving(peer: Peer, port: int, extra: Mapping[str, str] | None = None) -> Iterator[int]:
    """Runs the server while the block lasts; yields its process id once it accepts connections."""
    command = peer.command(port)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_")}
    environment = inherited | dict(command.environment) | dict(extra or {})
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{peer.name}.log").open("wb") as log:
        process = subprocess.Popen(
            list(command.arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        )
        try:
            _wait_until_it_accepts(process, port, peer.name)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_accepts(process: "subprocess.Popen[bytes]", port: int, name: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{name} did not start; see {FOLDER.name}/{name}.log")
