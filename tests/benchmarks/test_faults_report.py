"""What the repetitions of a fault come to."""

from typing import Any

from benchmarks.faults.accounting import Verdict
from benchmarks.faults.held import growth
from benchmarks.faults.held import problems as of_load
from benchmarks.faults.report import merged, row, said, table
from benchmarks.faults.scenario import Repetition
from benchmarks.faults.storm import problems as of_storm

GOOD = Verdict(
    samples=10,
    received=8,
    announced=2,
    ended=0,
    lost=0,
    overstated=0,
    twice=0,
    again=0,
    disordered=0,
    unknown=0,
    holes=0,
    refused=0,
)


def repetition(recovery_s: float | None, *problems: str, **facts: float) -> Repetition:
    return Repetition("cut", 7, GOOD, recovery_s, 3.0, problems, facts)


def test_a_row_sums_up_and_orders_the_times() -> None:
    every = [repetition(float(at)) for at in range(20)] + [repetition(None, "no recovery")]
    summed = row("cut", every)
    assert (summed["runs"], summed["samples"], summed["announced"], summed["failed"]) == (21, 210, 42, 1)
    assert (summed["recovery_p50_s"], summed["recovery_p95_s"]) == (9.0, 18.0)
    assert table([summed]).splitlines()[-1].startswith("| cut | 21 | 210 | 168 | 42 |")


def test_facts_are_kept() -> None:
    assert row("cut", [repetition(1.0, freed=2.0), repetition(1.0, freed=4.0)])["facts"] == {
        "freed": {"mean": 3.0, "max": 4.0}
    }


def test_a_repetition_says_what_is_wrong() -> None:
    assert said(repetition(0.5)) == "cut seed 7: 10 acknowledged, 8 received, 2 announced, back after 0.50 s: ok"
    assert said(repetition(0.5, "1 lost", "2 twice")).endswith("FAILED: 1 lost; 2 twice")


STORM: dict[str, Any] = {
    "clients": 5, "cut": "reset", "data_dir": False, "back": 5, "back_last_s": 3.0, "resumed": 5, "wrong": 0,
    "behind": 0, "loop_lag_s": 0.1,
}  # fmt: skip


def test_a_storm_is_judged() -> None:
    assert of_storm(STORM) == []
    for wrong in ({"back": 4}, {"back_last_s": 31.0}, {"resumed": 4}, {"wrong": 1}, {"behind": 1}, {"loop_lag_s": 1.0}):
        assert len(of_storm(STORM | wrong)) == 1, wrong
    without_history = {"cut": "restart", "resumed": 0, "wrong": 2, "behind": 2}
    assert of_storm(STORM | without_history) == []


def test_a_load_is_judged() -> None:
    held = {"wrong": 0, "behind": 0, "accepted": 5, "published": 5, "memory_growth": 0.2, "minutes": 1.0}
    assert of_load(held) == [], "the history is still being filled"
    assert len(of_load(held | {"minutes": 30.0})) == 1
    assert len(of_load(held | {"wrong": 1, "first_wrong": ["x"], "behind": 1, "accepted": 4})) == 3


def test_growth_compares_the_last_third_with_the_middle_one() -> None:
    assert growth([1.0, 50.0, 2.0, 2.0, 3.0, 3.0]) == 0.5
    assert growth([1.0]) == 0.0


def test_faults_that_are_played_again_replace_their_rows_only() -> None:
    before, now = [{"fault": "cut", "runs": 1}, {"fault": "gone", "runs": 1}], [{"fault": "delay", "runs": 2}]
    rows = merged(before, [*now, {"fault": "cut", "runs": 2}], ["delay", "cut"])
    assert [(row["fault"], row["runs"]) for row in rows] == [("delay", 2), ("cut", 2), ("gone", 1)]
