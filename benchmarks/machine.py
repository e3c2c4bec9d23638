"""On what was it measured? Facts that change the figures, and none that name the machine."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import psutil

from benchmarks.peers.install import MissingPeer, program

PACKAGES = ("streamgauge", "trio", "trio-websocket", "orjson")


def facts() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "node": _node(),
        "load_average": os.getloadavg()[0],
        "packages": {name: version(name) for name in PACKAGES},
        "compiler": platform.python_compiler(),
        "optimised": not sys.flags.dev_mode,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _node() -> str | None:
    try:
        ran = subprocess.run([program("node"), "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (MissingPeer, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
