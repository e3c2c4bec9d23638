"""One repetition of each quick fault: every sample is accounted for. docs/reliability.md tells of fifty of each."""

import pytest
import trio

from benchmarks.faults.command import SCENARIOS
from benchmarks.faults.scenario import Scenario, repeat
from benchmarks.faults.storm import measure, problems

QUICK = [scenario for scenario in SCENARIOS if scenario.quick and not scenario.missing()]
SECONDS = 1.0


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
async def test_every_sample_is_received_once_or_announced(scenario: Scenario) -> None:
    with trio.fail_after(50):
        repetition = await repeat(scenario, 3, SECONDS)
    assert not repetition.problems
    assert repetition.verdict is not None
    assert repetition.verdict.samples > 100


def test_a_small_storm_is_over_soon_and_everybody_resumed() -> None:
    found = measure(100, "reset", calm_s=0.8)
    assert not problems(found)
    assert found["samples_received"] == 100 * found["samples_sent"]
