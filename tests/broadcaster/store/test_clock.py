"""Wall clocks that are wrong, jump and are set right, beside a file: nothing of it may look older than it is."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcaster.store.clock import SETTLES_S
from broadcaster.store.file import StoreFile
from broadcaster.store.units import Batch, Place, Unit
from broadcaster.store.writer import Bounds, Writer
from tests.broadcaster.store.thinkit import put

TRUTH = 1_800_000_000.0
AGE_S = 3_600.0
YEARS = 56 * 365 * 86_400.0


class Machine:
    """Its true time goes on as said; the wall clock is `wrong` by so much."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.directory, self.true, self.wrong = directory, TRUTH, 0.0
        self.came: list[float] = []
        patch.setattr(time, "time", lambda: self.true + self.wrong)
        patch.setattr(time, "monotonic", lambda: self.true - 1e6)
        self.start()

    def start(self) -> None:
        self.file = StoreFile(self.directory, "accepted")
        self.file.begin(Place("e", len(self.came), 10))
        self.writer = Writer(
            self.directory, lambda: self.file, Bounds(AGE_S, 0, 1, AGE_S), Place("e", 0, 1), lambda: None
        )

    def stop(self, off_s: float) -> None:
        self.file.close()
        self.true += off_s

    def run(self, seconds: float) -> None:
        """A batch a minute; the writer looks more often than that. What is of the age, and nothing else, is deleted."""
        for _ in range(int(seconds / 60)):
            self.true += 60
            self.writer._trim(self.file)
            self.came.append(self.true)
            put(self.file, time.time(), {1: ([1.0], [1.0])})
            self.file.write([Unit(0, producers=[(f"p{len(self.came)}", 1, "[]", time.time())])])
        while self.file.trim(self.file.look() - AGE_S, 0, self.file.look() - AGE_S):
            pass

    def check(self) -> None:
        """All is there that came within the age."""
        held = {seq for (seq,) in self.file._sql.execute("SELECT seq FROM spans")}
        young = {seq for seq, came in enumerate(self.came, 1) if came > self.true - AGE_S}
        assert young <= held
        heard = {int(name[1:]) for name, *_ in self.file.producers()}
        assert young <= heard


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path, monkeypatch)
    yield made
    made.file.close()


def ages(machine: Machine) -> list[float]:
    return [machine.true - machine.came[seq - 1] for (seq,) in machine.file._sql.execute("SELECT seq FROM spans")]


def test_by_a_right_clock_the_old_goes(machine: Machine) -> None:
    machine.run(2 * AGE_S)
    machine.check()
    assert max(ages(machine)) <= AGE_S
    machine.stop(300.0)
    machine.start()
    machine.run(300.0)
    machine.check()
    assert max(ages(machine)) <= AGE_S


@pytest.mark.parametrize("off_s", [30.0, 1_000.0, 2_000.0])
def test_a_start_in_1970_and_then_the_right_time(machine: Machine, off_s: float) -> None:
    machine.run(1_200.0)
    machine.stop(off_s)
    machine.wrong = 30.0 - machine.true
    machine.start()
    machine.run(120.0)
    machine.check()
    machine.wrong = 0.0
    machine.run(SETTLES_S + 120)
    machine.check()
    machine.run(2 * AGE_S)
    machine.check()
    assert max(ages(machine)) <= AGE_S, "the right time was known in time"


@pytest.mark.parametrize("wrong", [-YEARS, -3_600.0, -100.0, 100.0, 3_600.0, YEARS])
@pytest.mark.parametrize("for_s", [60.0, 1_800.0])
def test_a_clock_that_jumps_and_returns(machine: Machine, wrong: float, for_s: float) -> None:
    machine.run(AGE_S)
    machine.wrong = wrong
    machine.run(for_s)
    machine.check()
    machine.wrong = 0.0
    machine.run(2 * AGE_S)
    machine.check()
    assert max(ages(machine)) <= AGE_S


@pytest.mark.parametrize("wrong", [-YEARS, -3_600.0, 3_600.0, YEARS])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("for_s", [60.0, 1_200.0])
def test_a_restart_in_between(machine: Machine, wrong: float, before: bool, for_s: float) -> None:
    """`before`: the clock is wrong before the restart and right after it; else the other way round."""
    machine.run(AGE_S)
    machine.wrong = wrong if before else 0.0
    machine.run(for_s)
    machine.stop(60.0)
    machine.wrong = 0.0 if before else wrong
    machine.start()
    machine.run(300.0)
    machine.wrong = 0.0
    machine.run(1_200.0)
    machine.check()
    machine.stop(60.0)
    machine.start()
    machine.run(1_200.0)
    machine.check()


@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_first_life_in_1970(machine: Machine, restarts: int, tmp_path: Path) -> None:
    machine.stop(0.0)
    machine.wrong = 100.0 - machine.true
    machine.directory = tmp_path / "another"
    machine.directory.mkdir()
    machine.start()
    machine.run(600.0)
    for _ in range(restarts):
        machine.stop(60.0)
        machine.wrong = 100.0 - machine.true
        machine.start()
        machine.run(600.0)
    if restarts == 2:
        machine.stop(60.0)
        machine.wrong = 0.0
        machine.start()
    machine.wrong = 0.0
    machine.run(1_500.0)
    machine.check()


def test_nothing_is_thinned_by_a_time_that_is_in_doubt(machine: Machine) -> None:
    machine.run(600.0)
    machine.stop(60.0)
    machine.wrong = YEARS
    machine.start()
    assert machine.file.look() < 0
    machine.true += SETTLES_S
    assert machine.file.look() == machine.true + YEARS, "nobody can know"


def test_a_jump_that_could_not_be_written_is_written_later(machine: Machine) -> None:
    machine.run(600.0)
    machine.wrong = -YEARS
    machine.file._sql.execute("PRAGMA query_only = ON")
    with pytest.raises(Exception, match="readonly"):
        machine.file.look()
    machine.file._sql.execute("PRAGMA query_only = OFF")
    machine.file.look()
    ahead = machine.file._sql.execute("SELECT value FROM meta WHERE name = 'ahead'").fetchone()[0]
    assert float(ahead) == YEARS


def test_what_was_on_its_way_during_a_jump_is_not_old(machine: Machine) -> None:
    machine.run(600.0)
    before = machine.file.parts.newest
    machine.file.write([Unit(0, [Batch(len(machine.came) + 1, machine.true - YEARS, 1, b"")])])
    assert machine.file.parts.newest == before
    machine.file.write([Unit(0, [Batch(len(machine.came) + 2, machine.true + YEARS, 1, b"")])])
    machine.wrong = YEARS
    machine.file.look()
    assert machine.file.parts.newest == machine.true


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("set_right", [True, False])
def test_a_clock_far_ahead_over_several_starts(machine: Machine, restarts: int, set_right: bool) -> None:
    """A life whose clock was in doubt is no witness for the next."""
    machine.run(1_800)
    machine.stop(60.0)
    machine.wrong = 90 * 86_400.0
    machine.start()
    for _ in range(restarts):
        machine.run(300)
        machine.stop(20.0)
        machine.start()
    machine.run(300)
    machine.check()
    if set_right:
        machine.stop(20.0)
        machine.wrong = 0.0
        machine.start()
    else:
        machine.wrong = 0.0
    for _ in range(8):
        machine.run(300)
        machine.check()
    assert not machine.file.clock.doubtful
    assert machine.file.meta["doubted"] == ""
