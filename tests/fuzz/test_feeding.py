"""A short run of the fuzzing that `python -m tests.fuzz` does for long, and whether it would find anything."""

import random

import pytest

from tests.fuzz import feeding, machines
from tests.fuzz.feeding import feed
from tests.fuzz.machines import MACHINES
from tests.fuzz.mutating import Deep, Mutator, Number, dumped
from tests.fuzz.targets import TARGETS, Fuzzed, Target

INPUTS = 250
ALL_S = 40.0


def always(target: Target) -> Fuzzed:
    return Fuzzed(lambda folder: target, [b'{"type":"ping","time":5}'])


@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_refused_and_leaves_nothing(name: str) -> None:
    fed = feed(name, TARGETS[name], ALL_S, 1, INPUTS)
    assert fed.inputs == INPUTS
    assert [finding.problem for finding in fed.findings.values()] == []


def test_what_a_target_raises_is_found_once() -> None:
    def picky(data: bytes) -> None:
        assert b"[[[" not in data

    fed = feed("picky", always(picky), ALL_S, 1, 500)
    (finding,) = fed.findings.values()
    assert finding.count > 1 and b"[[[" in finding.data and not fed.good
    assert feeding.table([fed])[-1].endswith("| 1 kinds of failure |")


def test_a_target_that_grows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "WARM", 0.0)
    kept: list[list[bytes]] = []
    fed = feed("hoarder", always(lambda data: kept.extend([data] for _ in range(200))), ALL_S, 1, 200)
    assert fed.grew and not fed.findings


def test_a_target_that_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(data: bytes) -> None:
        while b"9999" in data:
            pass

    monkeypatch.setattr(feeding, "SLOW_S", 0.05)
    fed = feed("hangs", always(hangs), 0.5, 1)
    assert [*fed.findings] == ["too slow"]


def test_the_same_seed_chooses_the_same_input() -> None:
    runs: list[list[bytes]] = []
    for _ in range(2):
        runs.append([])
        feed("noted", always(runs[-1].append), ALL_S, 7, 100)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 80


def test_what_is_nested_deep_is_changed_by_bytes() -> None:
    deep = b"[" * 900 + b"]" * 900
    mutator = Mutator(random.Random(1), [deep])
    assert len({mutator.next() for _ in range(100)}) > 50


def test_what_is_no_json_can_be_written_as_if_it_were() -> None:
    document = {"a": [Number("1e400"), Deep(3, "[]"), Deep(2, "{}")]}
    assert dumped(document) == b'{"a":[1e400,[[[1]]],{"a":{"a":1}}]}'


@pytest.mark.parametrize("name", MACHINES)
def test_machines_run_as_long_as_one_likes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "EXAMPLES", 3)
    ran = machines.run(name, 10, 20.0)
    assert ran.problem is None
    assert ran.steps >= 10 and ran.examples >= 3
