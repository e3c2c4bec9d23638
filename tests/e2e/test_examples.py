"""Every file in examples/, run as a person would run it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.e2e.command import environment
from tests.e2e.conftest import Start
from tests.e2e.producing import until, watching

EXAMPLES = Path(__file__).parents[2] / "examples"

# What each must bring: a series and how many of its samples. One that runs for a minute is ended with ctrl-C.
SERIES: dict[str, dict[str, int]] = {
    "many_threads.py": {
        **{f"job.duration{{worker={worker}}}": 100 for worker in range(8)},
        "job.done": 8,
    },
    "sensors_trio.py": {"bench.temperature{sensor=t1}": 50, "bench.vibration{sensor=v1}": 5000},
    "training_loss.py": {"training.loss{run=first}": 10},
}
LONG = {"training_loss.py"}


def test_every_example_is_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SERIES)


@pytest.mark.parametrize("name", SERIES)
async def test_the_series_of_an_example_arrive(start: Start, name: str) -> None:
    broadcaster = await start()
    url = broadcaster.url.removesuffix("/v1/stream")
    pipe = subprocess.PIPE
    process = await trio.lowlevel.open_process(
        [sys.executable, str(EXAMPLES / name), url], stdout=pipe, stderr=pipe, env=environment()
    )
    assert process.stdout and process.stderr
    async with watching(broadcaster.url) as wire, process.stdout, process.stderr:
        try:
            with trio.fail_after(30):
                if name in LONG:
                    wanted = SERIES[name]
                    await until(lambda: all(len(wire.rules.values(each)) >= n for each, n in wanted.items()))
                    os.kill(process.pid, signal.SIGINT)
                said = b"".join([chunk async for chunk in process.stderr]).decode()
                status = await process.wait()
        finally:
            process.kill()
        await until(lambda: all(len(wire.rules.values(each)) >= n for each, n in SERIES[name].items()))
    if name in LONG:
        assert said.splitlines()[-1] == "KeyboardInterrupt"
    else:
        assert (status, said) == (0, "")
        assert {name: len(points) for name, points in wire.rules.points.items()} == SERIES[name]
