"""The broadcaster's wall clock jumps, by libfaketime; its steady clock, by which deadlines are kept, does not."""

import re
import socket
import time
from functools import partial
from pathlib import Path

import trio

from benchmarks.drain import HANDSHAKE
from benchmarks.faults.processes import Stage
from benchmarks.faults.scenario import Scenario

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
)
HOUR_S = 3600


def library() -> str | None:
    return next((path for path in LIBRARIES if Path(path).exists()), None)


def missing() -> str | None:
    return None if library() else "needs libfaketime"


def ahead_s(stage: Stage) -> float:
    """By how much the broadcaster's clock is ahead of this one, by its `welcome`."""
    heard = b""
    with socket.create_connection((stage.host, stage.ports[0]), timeout=5) as sock:
        sock.sendall(HANDSHAKE)
        while not (found := re.search(rb'"time":([\d.]+)', heard)):
            heard += sock.recv(65_536)
    return float(found[1]) - time.time()


async def jump(stage: Stage, by_s: int) -> None:
    """Then the subscriber's process ends, and another takes up from its cursor: the history is still there, too."""
    clock = stage.folder / "clock"
    clock.write_text("+0")
    stage.environment |= {
        "LD_PRELOAD": library() or "",
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await stage.begin()
    await stage.moment()
    clock.write_text(f"{by_s:+d}")
    if abs(ahead_s(stage) - by_s) > 60:
        stage.wrong.append(f"the clock did not jump: it is {ahead_s(stage):.0f} s ahead")
    await stage.lasting()
    stage.kill_receiver()
    await stage.moment()
    stage.start_receiver()
    stage.healed()
    await trio.sleep(1.2)  # sweeps come once a second
    if stage.senders["p0"].now["connections"] != 1:
        stage.wrong.append("the producer was disconnected")


SCENARIOS = [
    Scenario(
        f"clock{sign}1h",
        f"the broadcaster's wall clock jumps by {sign}1 h; then another subscriber takes up where the first was killed",
        partial(jump, by_s=by_s),
        missing=missing,
        options={"awaited": "p0"},
    )
    for sign, by_s in (("+", HOUR_S), ("-", -HOUR_S))
]
