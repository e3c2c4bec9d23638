import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingest.logs.output import Output, finish


def record(number: int = 0, level: int = logging.INFO, message: str = "event %d") -> logging.LogRecord:
    return logging.LogRecord("streamgauge.test", level, "x.py", 1, message, (number,), None)


@contextmanager
def piped(**options: int) -> Iterator[tuple[Output, int]]:
    """An output into a pipe, and the end to read from."""
    reading, writing = os.pipe()
    output = Output(writing, **options)
    try:
        yield output, reading
    finally:
        output.close()
        os.close(writing)
        os.close(reading)


def test_lines_come_in_order_and_are_there_after_closing() -> None:
    with piped(burst=100) as (output, reading):
        for number in range(50):
            output.handle(record(number))
        output.close()
        lines = os.read(reading, 65_536).decode().splitlines()
    assert lines == [f"event {number}" for number in range(50)]
    assert output.counts.lines == {"info": 50}


def test_what_is_said_after_the_log_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(burst=100) as (output, reading):
        monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler(), output])
        for number in range(50):
            output.handle(record(number))
        finish()
        os.write(output._number, b"that was all\n")
        lines = os.read(reading, 65_536).decode().splitlines()
    assert lines[-2:] == ["event 49", "that was all"]


def test_closing_takes_no_time_if_nothing_waits() -> None:
    with piped() as (output, _):
        began = time.monotonic()
        output.close()
        assert time.monotonic() - began < 0.3


def test_a_pipe_that_nobody_reads_holds_up_nobody() -> None:
    """What does not fit is counted, and told when somebody reads again."""
    with piped(lines_max=10, burst=10_000) as (output, reading):
        began = time.monotonic()
        for number in range(5_000):
            output.handle(record(number, message="x" * 1_000 + " %d"))
        assert time.monotonic() - began < 5
        dropped = output.counts.dropped
        assert dropped > 4_000
        taken = 0
        while taken < 5_000 - dropped:
            taken += os.read(reading, 65_536).count(b"\n")
        assert taken == 5_000 - output.counts.dropped


def test_a_pipe_without_a_reader_ends_nothing() -> None:
    with piped() as (output, reading):
        os.close(reading)
        output.handle(record())
        output.close()
        assert output.counts.dropped == 1
        os.dup2(os.open(os.devnull, os.O_RDONLY), reading)


def test_a_flood_is_withheld_and_counted_but_not_what_is_critical() -> None:
    with piped(burst=5, per_s=0) as (output, reading):
        for number in range(100):
            output.handle(record(number))
        for number in range(10):
            output.handle(record(number, logging.CRITICAL))
        output.close()
        assert os.read(reading, 65_536).count(b"\n") == 15
    assert output.counts.withheld == 95
    assert output.counts.lines == {"info": 100, "critical": 10}
