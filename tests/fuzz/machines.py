"""State machines run for as long as one likes, and the steps they took."""

import sys
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from tests.broadcaster.small import small_bounds

MACHINES = {
    "session": "tests.broadcaster.test_session_machine:SessionMachine",
    "core": "tests.broadcaster.test_backfill_machine:CoreMachine",
    "mailbox": "tests.broadcaster.test_mailbox_machine:MailboxMachine",
    "ring": "tests.broadcaster.test_ring:RingMachine",
    "history": "tests.broadcaster.test_history_machine:HistoryMachine",
    "resume": "tests.broadcaster.test_resume_machine:ResumeMachine",
    "store": "tests.broadcaster.store.test_store_machine:StoreMachine",
    "order": "tests.broadcaster.test_order_machine:OrderMachine",
    "grants": "tests.broadcaster.test_grants_machine:GrantsMachine",
    "thinning": "tests.broadcaster.store.test_thinning_machine:ThinningMachine",
}
EXAMPLES = 100  # between two looks at the clock
STEPS = 50  # of one example at most


@dataclass(slots=True)
class Ran:
    name: str
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    problem: str | None = None


def machine(name: str) -> type[RuleBasedStateMachine]:
    module, _, cls = MACHINES[name].partition(":")
    found: type[RuleBasedStateMachine] = getattr(import_module(module), cls)
    return found


def counted(of: type[RuleBasedStateMachine], ran: Ran) -> type[RuleBasedStateMachine]:
    """The machine, which counts each rule that it carried out in full, all invariants included."""

    class Counted(of):  # type: ignore[misc, valid-type]  # made here
        def __init__(self) -> None:
            super().__init__()
            ran.examples += 1
            ran.steps -= 1  # the invariant is looked at once before the first step

        @invariant()
        def a_step_is_done(self) -> None:
            ran.steps += 1

    Counted.__name__ = of.__name__
    return Counted


def run(name: str, steps: int, seconds: float) -> Ran:
    """Runs one machine with ever new choices until it took so many steps, or so long."""
    ran, began = Ran(name), time.monotonic()
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    while ran.steps < steps and time.monotonic() - began < seconds and ran.problem is None:
        try:
            with small_bounds():
                run_state_machine_as_test(counted(machine(name), ran), settings=chosen)
        except Exception as error:  # whatever a machine finds is what is looked for, and goes into the table
            ran.problem = _told(error)
    ran.seconds = time.monotonic() - began
    return ran


def _told(error: BaseException) -> str:
    notes: list[Any] = getattr(error, "__notes__", [])
    return "\n".join([f"{type(error).__name__}: {error}", *map(str, notes)])


def table(runs: list[Ran]) -> list[str]:
    lines = ["| machine | steps | conversations | seconds | found |", "|---|---:|---:|---:|---|"]
    for ran in runs:
        found = "nothing" if ran.problem is None else "a counterexample"
        lines.append(f"| {ran.name} | {ran.steps:,} | {ran.examples:,} | {ran.seconds:.0f} | {found} |")
    return lines


def main(names: list[str], steps: int, seconds: float) -> bool:
    """Runs the machines one after the other. True if none found anything."""
    runs = []
    for name in names:
        runs.append(run(name, steps, seconds))
        print(f"{name}: {runs[-1].steps:,} steps in {runs[-1].seconds:.0f} s", file=sys.stderr, flush=True)
        if runs[-1].problem is not None:
            print(runs[-1].problem, flush=True)
    print("\n".join(table(runs)), flush=True)
    return not any(ran.problem for ran in runs)
