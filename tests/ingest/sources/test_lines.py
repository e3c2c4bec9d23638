from collections.abc import AsyncIterator, Iterable

import pytest
import trio
from trio.testing import MockClock

from ingest import open_producer
from ingest.sources.lines import LINE_BYTES_MAX, LineError, LineParser, lines, split_lines
from tests.ingest.link import Scripted, Store, values


@pytest.mark.parametrize(
    ("line", "metric", "tags", "value"),
    [
        ("a 1", "a", (), 1.0),
        ("a.b 1.5e3 host='my machine' core=0", "a.b", (("core", "0"), ("host", "my machine")), 1500.0),
        ("a null x=1", "a", (("x", "1"),), None),
        ("deploy 'version 2' kind=event", "deploy", (), "version 2"),
        ('{"metric": "a", "value": 2, "tags": {"x": "y"}}', "a", (("x", "y"),), 2.0),
    ],
)
def test_a_line_is_a_sample(line: str, metric: str, tags: tuple[tuple[str, str], ...], value: object) -> None:
    entry = LineParser().parse(line, 5.0)
    assert entry is not None
    assert (entry.series.metric, entry.series.tags, list(entry.values), list(entry.times)) == (
        metric,
        tags,
        [value],
        [5.0],
    )


def test_time_and_unit_are_no_tags() -> None:
    entry = LineParser().parse("a 1 time=7.5 unit=ms", 5.0)
    assert entry is not None and (entry.series.tags, list(entry.times), entry.unit) == ((), [7.5], "ms")


@pytest.mark.parametrize("line", ["", "   ", "# a comment"])
def test_nothing_is_no_sample(line: str) -> None:
    assert LineParser().parse(line, 0.0) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a", "expected: metric value"),
        ("a b", 'expected a number, got "b"'),
        ("a nan", "value: expected a finite number"),
        ("a 1 x", "expected key=value"),
        ("a 1 x='", "quot"),
        ("a-é 1", "metric: expected"),
        ("{", "not JSON"),
        ('{"metric": "a"}', "value: expected a value"),
        ('{"metric": "a", "time": [1, 2], "value": [1, "x"]}', "value[1]"),
    ],
)
def test_a_bad_line_says_why(line: str, problem: str) -> None:
    with pytest.raises(LineError) as refused:
        LineParser().parse(line, 0.0)
    assert problem in str(refused.value)


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await trio.lowlevel.checkpoint()
        yield chunk


async def test_lines_are_found_wherever_the_chunks_end() -> None:
    assert [line async for line in split_lines(stream([b"a\nb", b"", b"c\n", b"d"]))] == [b"a", b"bc", b"d"]


async def test_a_line_without_end_takes_no_memory() -> None:
    found = [line async for line in split_lines(stream([b"x" * 2**19] * 8 + [b"\na 1\n"]))]
    assert [len(line) for line in found] == [LINE_BYTES_MAX + 1, 3]


async def test_bad_lines_are_reported_and_the_others_go_on(autojump_clock: MockClock) -> None:
    store, reports = Store(), list[str]()
    source = stream([b"a 1\n", b"bad\n" * 100, b"\xff\n", b"a 2\n"])
    async with open_producer(dial=Scripted(store.serve)) as producer:
        counts = await lines(producer, split_lines(source), report=reports.append)
    assert values(store.messages) == [1, 2]
    assert (counts.lines, counts.bad, len(reports)) == (103, 101, 10)
    assert reports[0] == "line 2: expected: metric value key=value..."


def test_words_are_bounded_because_splitting_them_takes_time_by_the_square() -> None:
    with pytest.raises(LineError, match="longer than 32768 characters"):
        LineParser().parse("m 1 a=" + "b" * 32_768, 0.0)
