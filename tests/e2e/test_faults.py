"""One repetition of each quick fault: every sample is accounted for. docs/reliability.md tells of fifty of each."""

from collections.abc import Iterator

import pytest
import trio

from benchmarks.faults import held
from benchmarks.faults.command import SCENARIOS
from benchmarks.faults.forks import Forks
from benchmarks.faults.scenario import Scenario, repeat
from benchmarks.faults.storm import measure, problems

QUICK = [scenario for scenario in SCENARIOS if scenario.quick and not scenario.missing()]
SECONDS = 1.0


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    started = Forks()
    yield started
    started.close()


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
async def test_every_sample_is_received_once_or_announced(scenario: Scenario, forks: Forks) -> None:
    with trio.fail_after(50):
        repetition = await repeat(scenario, 3, SECONDS, forks)
    assert not repetition.problems
    assert repetition.verdict is not None
    assert repetition.verdict.samples > 100


def test_a_small_storm_is_over_soon_and_everybody_resumed() -> None:
    found = measure(100, "reset", calm_s=0.8)
    assert not problems(found)
    assert found["samples_received"] == 100 * found["samples_sent"]


def test_a_small_load_is_held_with_some_who_leave_and_come_back() -> None:
    load = held.Load(60, 6, 5, 6_000.0, minutes=0.04, churn=10.0, slow=0.1, max_rate=10.0, seed=1)
    found = held.hold(load)
    assert not held.problems(found)
    assert found["accepted"] == found["published"] > 6_000
    assert found["resumed"] > 0
    assert found["received"] > found["published"], "each sample goes to two"
