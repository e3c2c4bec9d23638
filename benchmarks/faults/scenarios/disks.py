"""A broadcaster that keeps its history in a directory: killed, and with a disk that fills up."""

import os
import subprocess

import trio

from benchmarks.faults.processes import Stage, until
from benchmarks.faults.scenario import Scenario
from benchmarks.faults.scenarios.kills import kill_broadcaster
from broadcaster.config import BroadcasterConfig

DISK_BYTES = 1_048_576
FULL_BYTES = 65_536  # less than this is left


def missing() -> str | None:
    return None if "data_dir" in BroadcasterConfig.model_fields else "needs the setting data_dir"


def no_disk() -> str | None:
    return missing() or (None if os.geteuid() == 0 else "needs root")


async def kill_with_data(stage: Stage) -> None:
    """What was acknowledged is there afterwards, and everybody goes on as if nothing had happened."""
    data = stage.folder / "data"
    data.mkdir()
    stage.settings |= {"data_dir": str(data), "durability": "committed"}
    await kill_broadcaster(stage)


async def fill_disk(stage: Stage) -> None:
    """Live service goes on."""
    data = stage.folder / "data"
    data.mkdir()
    await trio.run_process(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(data)])
    stage.stack.callback(subprocess.run, ["umount", "-l", str(data)], check=True)
    stage.settings |= {"data_dir": str(data), "durability": "accepted"}
    await stage.begin()
    await until(lambda: left(data) < FULL_BYTES, "the disk does not fill up", 60)
    await stage.lasting()
    stage.healed()
    if stage.senders["p0"].now["connections"] != 1:
        stage.wrong.append("the producer was disconnected")


def left(path: os.PathLike[str]) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


SCENARIOS = [
    Scenario(
        "kill-broadcaster-data",
        "SIGKILL of the broadcaster with a data directory and durability = committed; it is started again",
        kill_with_data,
        missing=missing,
    ),
    Scenario(
        "disk-full",
        "the disk of the data directory fills up while 6,000 samples a second come",
        fill_disk,
        missing=no_disk,
        options={"rate": 6000.0},
    ),
]
