import argparse
import json

import pytest

from broadcaster.subscription import (
    Column,
    Described,
    GapReported,
    Message,
    Refused,
    Resynchronised,
    Samples,
    SeriesDescribed,
    StateChanged,
)
from broadcaster.watch import add_watch, lines, note_of
from ingest.errors import CommandError
from ingest.samples import Series


def watch(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_watch(parser.add_subparsers())
    args = parser.parse_args(["watch", *arguments])
    status: int = args.run(args)
    return status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a{b"], "select: expected GLOB{key=GLOB"),
        (["--from", "http://a:1", "x"], "--from: expected a URL such as ws://HOST:PORT"),
        (["--history-s=-1", "x"], "--history-s: expected at least 0"),
        (["--from", "ws://127.0.0.1:1", "x"], "no broadcaster at ws://127.0.0.1:1: Connection refused"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises((CommandError, BaseExceptionGroup)) as raised:
        watch(*arguments)
    error: BaseException = raised.value
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    assert isinstance(error, CommandError)
    assert message in str(error)
    assert "\n" not in str(error)


def test_samples_are_json_lines() -> None:
    of = Described(1, Series("host.load", (("window", "1m"),)), "", "gauge", None)
    written = lines(Samples((Column(of, [1.0, 2.0], [3.0, None]),)))
    common = {"metric": "host.load", "tags": {"window": "1m"}, "unit": "", "kind": "gauge"}
    assert [json.loads(line) for line in written.splitlines()] == [
        {**common, "time": 1.0, "value": 3.0},
        {**common, "time": 2.0, "value": None},
    ]


@pytest.mark.parametrize(
    ("message", "note"),
    [
        (StateChanged("live"), None),
        (StateChanged("connecting"), None),
        (SeriesDescribed(()), None),
        (
            StateChanged("reconnecting", "connection lost", 1, 0.25),
            "reconnecting: connection lost; next attempt in 0.2 s",
        ),
        (StateChanged("cannot_connect", "refused", 5, 30), "cannot connect: refused; next attempt in 30.0 s"),
        (GapReported(0, 3, True, 3, 30), "too slow: 30 samples in 3 batches were left out"),
        (GapReported(0, 3, False), "samples may be lost between batches 0 and 3"),
        (Resynchronised("e", True), "the broadcaster started anew: samples may be missing"),
        (Resynchronised("e", False), "the broadcaster no longer holds what was missed: its whole history follows"),
        (Refused("x", "no"), "no"),
    ],
)
def test_what_a_person_should_know(message: Message, note: str | None) -> None:
    assert note_of(message) == note
