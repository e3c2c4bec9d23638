"""Both connections, the producer's and the subscriber's, over a network that goes bad."""

import random
from typing import Any

import trio

from benchmarks.faults.network import missing, slow_link
from benchmarks.faults.processes import Stage
from benchmarks.faults.scenario import Scenario


async def _bad(stage: Stage, how: str, *details: float) -> None:
    assert stage.net is not None
    await stage.begin()
    await stage.moment()
    getattr(stage.net, how)(*details)
    await stage.lasting()
    stage.net.heal()
    stage.healed()


async def delayed(stage: Stage) -> None:
    """200 ms each way, give or take half of it."""
    async with slow_link(("127.0.0.1", stage.ports[0]), 0.2, 0.1, random.Random(stage.dice.random())) as port:
        stage.through = f"ws://127.0.0.1:{port}"
        await stage.begin()
        await trio.sleep(stage.seconds / 2)
        stage.healed()
        await stage.settle()


def _scenario(name: str, says: str, how: str, *details: float, **options: Any) -> Scenario:
    return Scenario(name, says, lambda stage: _bad(stage, how, *details), namespace=True, missing=missing, **options)


SCENARIOS = [
    _scenario("cut", "nothing passes for a time (DROP both ways)", "cut", quick=True),
    _scenario("reset", "connections are reset for a time (REJECT with tcp-reset)", "reset"),
    _scenario("loss", "5 % of the packets are lost for a time", "lose", 0.05),
    _scenario("narrow", "10 kbit/s each way for a time", "narrow", 10),
    _scenario(
        "narrow-subscriber",
        "10 kbit/s for a time between the broadcaster and the subscriber only, whose queue is of 4 batches",
        "narrow",
        10,
        gaps=True,
        settings={"mailbox_batches": "4"},
        options={"inside": True, "rate": 3000.0},
    ),
    Scenario("delay", "200 ms ± 100 ms each way, all the time", delayed),
]
