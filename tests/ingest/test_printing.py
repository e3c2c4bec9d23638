import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.printing import OutputError, flush, say

FULL = "/dev/full"


@contextmanager
def printing_to(path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with open(path, "w") as file:  # whose close would tell again what could not be written
        monkeypatch.setattr(sys, "stdout", file)
        yield


def test_a_line_is_there_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    with printing_to(str(said), monkeypatch):
        say("one")
        assert said.read_text() == "one\n"


def test_a_full_disk_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with printing_to(FULL, monkeypatch):
        with pytest.raises(OutputError, match=r"^standard output: No space left on device$") as told:
            say("one")
        assert told.value.status == 1
        say("two")


def test_what_others_printed_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with printing_to(FULL, monkeypatch):
        print("somebody else's")
        with pytest.raises(OutputError):
            flush()


def test_a_reader_that_has_gone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "from ingest.printing import *\ntry: say('x')\nexcept OutputError as error: raise SystemExit(str(error))"
    with open(writing, "wb") as pipe:
        ran = subprocess.run([sys.executable, "-c", program], stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr) == (1, "standard output: Broken pipe\n")
