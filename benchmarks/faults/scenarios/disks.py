"""A broadcaster that keeps its history in a directory: killed, and with a disk that fails it."""

import os
import subprocess
from functools import partial
from pathlib import Path

import trio

from benchmarks.faults.network import missing as no_network
from benchmarks.faults.processes import Stage, until
from benchmarks.faults.scenario import Scenario
from benchmarks.faults.scenarios.kills import kill_broadcaster, kill_producer, kill_subscriber
from benchmarks.faults.scenarios.peers import figure
from broadcaster.config import BroadcasterConfig

DISK_BYTES = 1_048_576
ROOM_BYTES = 268_435_456
DAMAGED_BYTES = 4_096
QUEUE_BYTES = 4_000  # two messages
ALARMS = ("the history cannot be stored", "the store hangs: live service goes on without it")


def missing() -> str | None:
    return None if "data_dir" in BroadcasterConfig.model_fields else "needs the setting data_dir"


def no_disk() -> str | None:
    return missing() or (None if os.geteuid() == 0 else "needs root")


def _keep(stage: Stage, durability: str) -> Path:
    data = stage.folder / "data"
    data.mkdir()
    stage.settings |= {"data_dir": str(data), "durability": durability}
    return data


async def _mount(stage: Stage, data: Path, size: int) -> None:
    await trio.run_process(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data)])
    stage.stack.callback(subprocess.run, ["umount", "-l", str(data)], check=True)


async def _remount(data: Path, option: str) -> None:
    await trio.run_process(["mount", "-o", f"remount,{option}", str(data)])


async def _fails(stage: Stage) -> None:
    """And says so."""
    await until(lambda: figure(stage, "streamgauge_store_failing") == 1, "nobody says that the store fails")
    log = stage.folder / "broadcaster.log"  # which nobody waits for
    await until(lambda: any(alarm in log.read_text() for alarm in ALARMS), "the log says nothing of it")


async def _works(stage: Stage) -> None:
    """Again, and nothing waits."""

    def well() -> bool:
        return not figure(stage, "streamgauge_store_failing") and not figure(stage, "streamgauge_store_queue")

    await until(well, "the store does not work again")
    if lost := figure(stage, "streamgauge_store_lost_batches_total"):
        stage.wrong.append(f"{lost:g} batches are missing in the file")


def _undisturbed(stage: Stage) -> None:
    if stage.senders["p0"].now["connections"] != 1:
        stage.wrong.append("the producer was disconnected")


def _aside(stage: Stage, data: Path, count: int) -> None:
    """So many files were set aside."""
    found = [path.name for path in data.glob("*.aside-*") if not path.name.endswith(("-wal", "-shm"))]
    if len(found) != count:
        stage.wrong.append(f"{len(found)} files are set aside instead of {count}: {found}")


async def kill_with_data(stage: Stage) -> None:
    """What was acknowledged is there afterwards, and everybody goes on as if nothing had happened."""
    _keep(stage, "committed")
    await kill_broadcaster(stage)


async def overfill_queue(stage: Stage) -> None:
    """More comes than may wait for the disk, all the time: it is refused, comes again, and is shown once."""
    stage.settings["store_queue_bytes"] = str(QUEUE_BYTES)
    _keep(stage, "committed")
    await stage.begin()
    await stage.lasting()
    stage.kill_broadcaster()
    await stage.start_broadcaster()
    stage.healed()


async def kill_accepting(stage: Stage) -> None:
    """What was acknowledged and not stored yet is gone; a subscriber who had not got it either is to be told."""
    assert stage.net is not None
    _keep(stage, "accepted")
    await stage.begin()
    await stage.moment()
    stage.net.sever()
    await trio.sleep(0.3)
    stage.kill_broadcaster()
    stage.net.heal()
    await stage.start_broadcaster()
    stage.healed()


async def kill_client(stage: Stage, producer: bool) -> None:
    _keep(stage, "committed")
    await (kill_producer if producer else kill_subscriber)(stage)


async def fill_disk(stage: Stage, durability: str) -> None:
    """Live service goes on, and what came meanwhile is stored when there is room. Then a kill loses nothing."""
    data = _keep(stage, durability)
    await _mount(stage, data, DISK_BYTES)
    await stage.begin()
    await _fails(stage)
    await stage.lasting()
    await _remount(data, f"size={ROOM_BYTES}")
    await _works(stage)
    _undisturbed(stage)
    if durability == "committed":
        stage.kill_broadcaster()
        await stage.start_broadcaster()
    _aside(stage, data, 0)
    stage.healed()


async def read_only(stage: Stage) -> None:
    """Begins on a disk that cannot be written to, and goes on without the history there; then it can, and is kept."""
    data = _keep(stage, "committed")
    await _mount(stage, data, ROOM_BYTES)
    await stage.begin()
    await stage.moment()
    stage.kill_broadcaster()
    await _remount(data, "ro")
    await stage.start_broadcaster()
    await _fails(stage)
    await stage.lasting()
    await _remount(data, "rw")
    await _works(stage)
    stage.kill_broadcaster()
    await stage.start_broadcaster()
    _aside(stage, data, 1)
    stage.healed()


async def damage(stage: Stage) -> None:
    """The file is set aside, a new history begins, and is kept."""
    data = _keep(stage, "committed")
    await stage.begin()
    await stage.moment()
    stage.kill_broadcaster()
    for name in ("history.sqlite", "history.sqlite-wal"):
        with (data / name).open("r+b") as file:
            file.write(stage.dice.randbytes(DAMAGED_BYTES))
    await stage.start_broadcaster()
    await stage.moment()
    stage.kill_broadcaster()
    await stage.start_broadcaster()
    _aside(stage, data, 1)
    stage.healed()


SCENARIOS = [
    Scenario(
        "kill-broadcaster-data",
        "SIGKILL of the broadcaster with a data directory and durability = committed; it is started again",
        kill_with_data,
        missing=missing,
        quick=True,
    ),
    Scenario(
        "kill-broadcaster-data-busy",
        "the same with 6,000 samples a second, so that more is under way at that moment",
        kill_with_data,
        missing=missing,
        options={"rate": 6000.0},
    ),
    Scenario(
        "queue-full-committed",
        "1,500 samples a second come, and two messages may wait for the disk (durability = committed); then the "
        "broadcaster is killed and started again",
        overfill_queue,
        missing=missing,
        options={"rate": 1500.0},
    ),
    Scenario(
        "kill-broadcaster-accepted",
        "the same with durability = accepted, while a subscriber is cut off for 0.3 s",
        kill_accepting,
        namespace=True,
        missing=lambda: missing() or no_network(),
        epochs=True,
        options={"inside": True, "rate": 6000.0},
    ),
    Scenario(
        "kill-producer-data",
        "kill-producer with a data directory and durability = committed",
        partial(kill_client, producer=True),
        missing=missing,
    ),
    Scenario(
        "kill-subscriber-data",
        "kill-subscriber with a data directory and durability = committed",
        partial(kill_client, producer=False),
        missing=missing,
    ),
    *(
        Scenario(
            f"disk-full{name}",
            f"the disk of the data directory (durability = {durability}) fills up while 6,000 samples a second come; "
            f"then there is room again{end}",
            partial(fill_disk, durability=durability),
            missing=no_disk,
            options={"rate": 6000.0},
        )
        for name, durability, end in (
            ("", "accepted", ""),
            ("-committed", "committed", ", and the broadcaster is killed and started again"),
        )
    ),
    Scenario(
        "disk-read-only",
        "a killed broadcaster is started again while its data directory is mounted read-only; then that can be written "
        "to, and the broadcaster is killed once more",
        read_only,
        missing=no_disk,
        epochs=True,
    ),
    Scenario(
        "file-damaged",
        "the first 4 KiB of a killed broadcaster's file, and of the log beside it, are overwritten at random; "
        "it is started and killed again",
        damage,
        missing=missing,
        epochs=True,
    ),
]
