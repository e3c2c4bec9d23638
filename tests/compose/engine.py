"""A container engine for one check: the one that answers, else a dockerd of our own that is gone afterwards."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# What iptables-restore makes of a table that was not there.
EMPTY_TABLES = {
    "filter": "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n",
    "nat": "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n",
}


def output(*command: str) -> str:
    """What a command printed. Raises CalledProcessError."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def answers() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


@contextmanager
def engine() -> Iterator[None]:
    """Docker commands in this block, and programs started in it, reach an engine."""
    if answers():
        yield
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        sys.exit("verify: no container engine answers, and only root with dockerd installed can start one")
    with ExitStack() as stack:
        stack.enter_context(_network_as_it_was())
        home = Path(tempfile.mkdtemp(prefix="streamgauge-dockerd-"))
        stack.callback(_remove, home)
        stack.enter_context(_dockerd(home))
        yield


@contextmanager
def _dockerd(home: Path) -> Iterator[None]:
    host = f"unix://{home}/docker.sock"
    places = [f"--data-root={home}/data", f"--exec-root={home}/exec", f"--pidfile={home}/pid", f"--host={host}"]
    with (home / "log").open("w") as log:
        daemon = subprocess.Popen(["dockerd", *places], stdout=log, stderr=log)
    os.environ["DOCKER_HOST"] = host
    try:
        _wait_for(daemon, home / "log")
        yield
    finally:
        del os.environ["DOCKER_HOST"]
        daemon.terminate()
        daemon.wait(60)


def _wait_for(daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(60):
        if answers():
            return
        if daemon.poll() is not None:
            break
        time.sleep(1)
    sys.exit(f"verify: dockerd did not start:\n{log.read_text()[-2000:]}")


def _remove(home: Path) -> None:
    """Network namespaces may still be mounted in there."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith(f"{home}/"):
            output("umount", mount)
    shutil.rmtree(home)


@contextmanager
def _network_as_it_was() -> Iterator[None]:
    """dockerd leaves its bridge and its packet filter rules behind."""
    rules = output("iptables-save")
    rules += "".join(empty for table, empty in EMPTY_TABLES.items() if f"*{table}\n" not in rules)
    had_bridge = Path("/sys/class/net/docker0").exists()
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    forwarded = forwarding.read_text()
    try:
        yield
    finally:
        subprocess.run(["iptables-restore"], input=rules, text=True, check=True)
        forwarding.write_text(forwarded)
        if not had_bridge and Path("/sys/class/net/docker0").exists():
            output("ip", "link", "delete", "docker0")
