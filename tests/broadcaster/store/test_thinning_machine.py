"""Any order of writing, thinning, pieces of it, deleting, jumps of the clock and crashes, beside a sum of samples."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcaster.store import thinning as module
from broadcaster.store.thinning import Pieces, Thinning
from tests.broadcaster.store.thinkit import ALL, Total, crash, opened, put, steps, thin, totals

KEYS = st.integers(1, 4)
VALUES = st.one_of(st.none(), st.integers(-100, 100).map(float))
SAMPLES = st.lists(st.tuples(st.integers(-800, 8).map(lambda part: part / 4), VALUES), min_size=1, max_size=8)
AGES = st.sampled_from([ALL, ALL[:1], ALL[1:], ((1, 100.0), (10, 1_000.0), (60, 2_000.0))])


class ThinningMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="streamgauge-thin-"))
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(module, "SLOTS_AT_ONCE", 20)
        self.patch.setattr(module, "PARTS_AT_ONCE", 3)
        self.patch.setattr(module, "PIECE", 2)
        self.lives, self.now = 0, 10_000.0
        (self.folder / "0").mkdir()
        self.file = opened(self.folder / "0")
        self.model: dict[int, Total] = {}
        self.thinning: Thinning | None = None
        self.pieces: Pieces = iter(())

    @rule(columns=st.dictionaries(KEYS, SAMPLES, min_size=1), text=st.booleans())
    def write(self, columns: dict[int, list[tuple[float, float | None]]], text: bool) -> None:
        batch: dict[int, tuple[list[float], list[float | str | None]]] = {
            key: ([self.now + late for late, _ in samples], [value for _, value in samples])
            for key, samples in columns.items()
        }
        if text:
            batch[9] = [self.now], ["text"]
        put(self.file, self.now, batch)
        for key, (times, values) in batch.items():
            for time, value in zip(times, values, strict=True):
                if isinstance(value, str):
                    self.model.setdefault(key, Total()).texts.append((time, value))
                elif value is not None:
                    self.model.setdefault(key, Total()).add(1, value, value, value)
        for total in self.model.values():
            total.texts.sort()

    @rule(seconds=st.sampled_from([1.0, 30.0, 700.0, 4_000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from([1.0, 700.0, 100_000.0]))
    def clock_goes_back(self, seconds: float) -> None:
        self.now -= seconds
        self.file.correct(self.now)

    @rule(ages=AGES)
    def thin(self, ages: module.Ages) -> None:
        self.thinning = None
        thin(self.file, ages, self.now)

    @rule(ages=AGES, count=st.integers(1, 3))
    def a_piece(self, ages: module.Ages, count: int) -> None:
        if self.thinning is None:
            self.thinning = Thinning(self.file.parts, ages, self.now)
            self.pieces = self.thinning.pieces()
        for _ in range(count):
            if next(self.pieces, self) is self:
                self.thinning = None
                break

    @rule(age=st.sampled_from([500.0, 5_000.0]), most=st.sampled_from([0, 100_000]))
    def delete(self, age: float, most: int) -> None:
        deleted = self.file.trim(self.now - age, most, 0.0)
        held = totals(self.file._sql)
        if not deleted:
            return
        self.thinning = None
        for key, total in held.items():
            assert total.count <= self.model[key].count
            assert set(total.texts) <= set(self.model[key].texts)
        self.model = held

    @rule()
    def crash(self) -> None:
        self.lives += 1
        self.thinning = None
        before, self.file = self.file, crash(self.file, self.folder / str(self.lives))
        before.close()

    @invariant()
    def everything_is_in_one_place(self) -> None:
        if hasattr(self, "file"):
            assert totals(self.file._sql) == self.model
            steps(self.file)

    @invariant()
    def whatever_is_stored_is_known(self) -> None:
        if hasattr(self, "file"):
            assert self.model.keys() <= {row[0] for row, _ in self.file.series()}

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.patch.undo()
            self.file.close()
            shutil.rmtree(self.folder)


TestThinning = ThinningMachine.TestCase
TestThinning.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
