"""SIGKILL of each of the three, at a random moment."""

import time

from benchmarks.faults.processes import Stage
from benchmarks.faults.scenario import Scenario


async def kill_broadcaster(stage: Stage) -> None:
    await stage.begin()
    await stage.moment()
    stage.kill_broadcaster()
    killed = time.monotonic()
    await stage.start_broadcaster()
    stage.healed()
    stage.facts["restart took s"] = round(stage.healed_at - killed, 2)


async def kill_producer(stage: Stage) -> None:
    """Another takes over, as a new one."""
    await stage.begin(senders=2)
    await stage.moment()
    stage.senders["p0"].kill()
    stage.healed()
    stage.start_sender()
    stage.awaited = "p2"


async def kill_subscriber(stage: Stage) -> None:
    """Another takes up from the cursor that it had saved; twice."""
    await stage.begin()
    for _ in range(2):
        await stage.moment()
        stage.kill_receiver()
        await stage.lasting()
        stage.start_receiver()
    stage.healed_at = time.monotonic()


SCENARIOS = [
    Scenario(
        "kill-broadcaster",
        "SIGKILL of the broadcaster, which keeps its history in memory; it is started again on the same port",
        kill_broadcaster,
        epochs=True,
        quick=True,
    ),
    Scenario(
        "kill-broadcaster-busy",
        "the same with 6,000 samples a second, so that more is under way at that moment",
        kill_broadcaster,
        epochs=True,
        options={"rate": 6000.0},
    ),
    Scenario("kill-producer", "SIGKILL of one of two producers; another takes its place", kill_producer, quick=True),
    Scenario(
        "kill-subscriber",
        "SIGKILL of the subscriber, twice; another takes up from the cursor it had saved",
        kill_subscriber,
        quick=True,
    ),
]
