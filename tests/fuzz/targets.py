"""What reads bytes that others wrote: each target takes an input, and whatever it raises is a bug.

A refusal that is documented is none: the targets let only those pass, and check of what was taken that it is whole.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from broadcaster.alerts import files, heard
from broadcaster.alerts.rules import RuleError, parse_rule
from broadcaster.frame_reader import FrameReader, unmask
from broadcaster.messages import cursor, parse_cursor
from broadcaster.revisions import remarks
from broadcaster.selection import parse_select, parse_selection, selects
from broadcaster.subscription import BadAnswer, Subscription, SubscriptionEnded, Wanted
from dashboard import boards
from ingest.messages import MessageError, decode, decode_publish, encode_publish
from ingest.samples import Series, Validator
from ingest.sources.lines import LineError, LineParser
from ingest.sources.replay import read_csv, read_jsonl
from tests.fuzz import seeds, signing_in, tokens
from tests.fuzz.connections import Handshake, Http
from tests.fuzz.sessions import Sessions

NOW = 1_700_000_000.0
SERIES = [Series("host.cpu.percent", (("core", "0"), ("host", "a"))), Series("a"), Series("a" * 255)]


Target = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """A target: how one is made, which may take a folder of its own, and the good inputs to begin with."""

    make: Callable[[Path], Target]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()


def message(data: bytes) -> None:
    """Any message: an object that can be sent on, or refused with a reason that can."""
    for form in (data, data.decode(errors="replace")):
        try:
            assert type(decode(form)) is dict
        except MessageError as error:
            orjson.dumps({"code": error.code, "message": error.message, "id": error.id})


class Publish:
    """A `publish`: good samples are finite, bad ones are refused by name, and what was taken can be sent again."""

    def __init__(self, folder: Path) -> None:
        self._validator = Validator(cache_size=1_000)

    def __call__(self, data: bytes) -> None:
        try:
            publish = decode_publish(decode(data), self._validator, NOW, 10_000)
        except MessageError as error:
            orjson.dumps(error.message)
            return
        orjson.dumps([each.message for each in publish.rejected])
        assert publish.accepted == sum(len(entry.times) for entry in publish.entries)
        for entry in publish.entries:
            assert len(entry.times) == len(entry.values)
            assert all(map(math.isfinite, entry.times))
            assert all(each is None or isinstance(each, str) or math.isfinite(each) for each in entry.values)
        again = decode_publish(decode(encode_publish(publish.id, publish.entries)), Validator(), NOW, 0)
        assert (again.accepted, again.rejected) == (publish.accepted, [])


def selection(data: bytes) -> None:
    """Both forms of a selection. The text form of what was taken says the same, if it can be said."""
    try:
        chosen = parse_selection(decode(data).get("select"), 100)
        for series in SERIES:
            selects(chosen, series)
    except MessageError as error:
        orjson.dumps(error.message)
    try:
        one = parse_select(data.decode(errors="replace"))
        for series in SERIES:
            selects(frozenset({one}), series)
    except MessageError as error:
        orjson.dumps(error.message)


def position(data: bytes) -> None:
    """A cursor is taken only in the form in which one is given."""
    text = data.decode(errors="replace")
    found = parse_cursor(text)
    if found is not None:
        assert 0 <= found[1] < 2**63
        assert parse_cursor(cursor(*found)) == found


class Frames:
    """The frame reader: however the bytes are cut, it takes and passes on the same."""

    def __call__(self, data: bytes) -> None:
        assert self._read([data]) == self._read([data[at : at + 1] for at in range(min(len(data), 300))] + [data[300:]])
        half = len(data) // 2
        assert self._read([data]) == self._read([data[:half], data[half:]])
        if len(data) >= 4:
            assert unmask(data[:4], unmask(data[:4], data)) == data

    @staticmethod
    def _read(segments: list[bytes]) -> tuple[list[bytes], bytes]:
        taken: list[bytes] = []
        reader = FrameReader(5_000, taken.extend)
        return taken, b"".join(reader.feed(segment) for segment in segments)


class Answers:
    """What a subscriber is told by something that may be no broadcaster."""

    def __init__(self, folder: Path) -> None:
        self._begin()

    def _begin(self) -> None:
        self._subscription = Subscription(Wanted([{"metric": "*"}], history_s=10.0))
        self._subscription.opening()
        self._count = 0

    def __call__(self, data: bytes) -> None:
        self._count += 1
        if self._count > 200:
            self._begin()
        try:
            self._subscription.receive(data, float(self._count))
        except (BadAnswer, SubscriptionEnded) as error:
            str(error)


def board(data: bytes) -> None:
    """A saved dashboard. What was taken is written and read again alike."""
    try:
        read = boards.parse(data)
        again = boards.parse(boards.write(read))
        assert again == read
        assert boards.from_json(orjson.loads(orjson.dumps(boards.as_json(read)))) == read
    except boards.BoardError as error:
        orjson.dumps({"message": error.message, "line": error.line})
        assert error.line <= data.count(b"\n") + 1 + data.count(b"\r")


def board_from_page(data: bytes) -> None:
    try:
        boards.write(boards.from_json(decode(data)))
    except (boards.BoardError, MessageError) as error:
        orjson.dumps(error.message)


def alerts(data: bytes) -> None:
    """A file of alerts: rules, or problems with their lines."""
    _, problems = files._rules("a.toml", data, {})
    orjson.dumps([str(problem) for problem in problems])
    remarks(data)


def alert_from_page(data: bytes) -> None:
    try:
        parse_rule("hot", decode(data))
    except (MessageError, RuleError) as error:
        orjson.dumps(str(error))


class Heard:
    """The file of series that were heard."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "heard.json"

    def __call__(self, data: bytes) -> None:
        self._file.write_bytes(data)
        heard.read(self._file)


def lines(data: bytes) -> None:
    """Lines on standard input, and files to replay."""
    parser = LineParser()
    for line in data.splitlines()[:50]:
        try:
            parser.parse(line.decode(errors="replace"), NOW)
        except LineError as error:
            str(error)
    split = data.splitlines(keepends=True)[:50]
    list(read_jsonl(split))
    try:
        list(read_csv(split))
        list(read_csv(split, tags=("host",), time_column="at", prefix="x."))
    except LineError as error:
        str(error)


def _plain(target: Target) -> Callable[[Path], Target]:
    return lambda folder: target


TARGETS: dict[str, Fuzzed] = {
    "message": Fuzzed(_plain(message), seeds.MESSAGES),
    "publish": Fuzzed(Publish, seeds.PUBLISHES),
    "session": Fuzzed(Sessions, seeds.MESSAGES),
    "selection": Fuzzed(_plain(selection), seeds.SELECTIONS),
    "cursor": Fuzzed(_plain(position), seeds.CURSORS),
    "frames": Fuzzed(lambda folder: Frames(), seeds.FRAMES, seeds.FRAME_WORDS),
    "token": Fuzzed(_plain(tokens.token), tokens.TOKENS),
    "claims": Fuzzed(_plain(tokens.signed), tokens.SIGNED),
    "keys": Fuzzed(_plain(tokens.key_files), tokens.KEY_FILES),
    "revocations": Fuzzed(_plain(tokens.revocations), tokens.REVOCATIONS),
    "passwords": Fuzzed(_plain(signing_in.password_file), signing_in.FILES),
    "signing-in": Fuzzed(_plain(signing_in.headers), signing_in.HEADERS, seeds.HTTP_WORDS),
    "handshake": Fuzzed(Handshake, seeds.HANDSHAKES, seeds.HTTP_WORDS),
    "http": Fuzzed(Http, seeds.REQUESTS, seeds.HTTP_WORDS),
    "answers": Fuzzed(Answers, seeds.ANSWERS),
    "board": Fuzzed(_plain(board), seeds.BOARDS, seeds.TOML_WORDS),
    "board-json": Fuzzed(_plain(board_from_page), seeds.BOARDS_JSON),
    "alerts": Fuzzed(_plain(alerts), seeds.ALERTS, seeds.TOML_WORDS),
    "alert-json": Fuzzed(_plain(alert_from_page), seeds.ALERTS_JSON),
    "heard": Fuzzed(Heard, seeds.HEARD),
    "lines": Fuzzed(_plain(lines), seeds.LINES),
}
