from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ingest import open_producer
from ingest.sources.lines import LineError
from ingest.sources.replay import Replay, Row, parse_time, read_csv, read_jsonl
from tests.ingest.link import Scripted, Store, values


def rows_of(data: bytes, **options: Any) -> list[Row]:
    return list(read_csv(data.splitlines(keepends=True), **options))


def rows(text: str, **options: Any) -> list[Row]:
    return rows_of(text.encode(), **options)


def shown(row: Row) -> list[tuple[str, object]]:
    return [(repr(entry.series), entry.values[0]) for entry in row.entries]


def test_wide_form() -> None:
    found = rows("time,Temp (C),door,note,2x\n10,20.5,north,ok,1\n11,,south,ok,nan\n", tags=["door"])
    assert [row.time for row in found[:2]] == [10.0, 11.0]
    assert [str(column) for column in found[2].left_out] == ['column "note" left out: no number in 2 cells']
    assert shown(found[0]) == [("Temp_C{door=north}", 20.5), ("_2x{door=north}", 1.0)]
    assert shown(found[1]) == [("_2x{door=south}", None)]


def test_long_form() -> None:
    (row,) = rows("ts,metric,value,unit,host\n2024-01-01T00:00:00Z,cpu,0.5,%,h1\n", prefix="my.")
    assert (row.time, shown(row), row.entries[0].unit) == (1704067200.0, [("my.cpu{host=h1}", 0.5)], "%")


def test_a_column_whose_first_cells_are_no_numbers_is_not_lost() -> None:
    found = rows("time,cpu,temp\n1,10,NA\n2,11,21\n3,12,\n4,13,23\n5,14,NA\n")
    temp = [value for row in found for name, value in shown(row) if name == "temp"]
    assert temp == [21.0, 23.0]
    assert [str(column) for column in found[-1].left_out] == ['column "temp": 1 cell left out before its first number']
    assert [row.line for row in found if row.problem] == [6], "where there was a number, another cell is an error"


@pytest.mark.parametrize(
    ("header", "problem", "options"),
    [
        ("time,temp,temp", 'two columns "temp"', {}),
        ("time,time,a", 'two columns "time"', {}),
        ("time,Temp (C),Temp [C]", '"Temp \\(C\\)" and "Temp \\[C\\]", which both become Temp_C', {}),
        ("time,2x,_2x", '"2x" and "_2x", which both become _2x', {}),
        ("time,a,rack id,rack/id", "which both become rack_id", {"tags": ["rack id", "rack/id"]}),
        ("time,metric,value,rack id,rack/id", "which both become rack_id", {}),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused(header: str, problem: str, options: dict[str, Any]) -> None:
    with pytest.raises(LineError, match=problem):
        rows(f"{header}\n", **options)


def test_a_metric_and_a_tag_may_be_called_alike() -> None:
    (row,) = rows("time,a b,a/b\n1,2,3\n", tags=["a b", "a b"])
    assert shown(row) == [("a_b{a_b=2}", 3.0)]


def test_columns_without_a_title_may_be_many_while_they_are_empty() -> None:
    found = rows("time,a,,\n1,2,,\n2,3,, \n3,4,5,\n")
    assert [shown(row) for row in found[:2]] == [[("a", 2.0)], [("a", 3.0)]]
    assert found[2].problem == "a value in one of the columns without a title"


def test_what_is_not_utf_8_is_refused_by_line() -> None:
    lines = "time,metric,value,city\n1,t,1,Zürich\n2,t,2,Basel\n3,t,3,Zörich\n".encode("latin-1").splitlines(True)
    first, second, third = read_csv(lines)
    assert [row.line for row in (first, third)] == [2, 4] and shown(second) == [("t{city=Basel}", 2.0)]
    assert first.problem == "not UTF-8 (invalid start byte at byte 7)"
    found = list(read_jsonl([b"a 1 city=Z\xfcrich\n", b"a 2\n"]))
    assert [bool(row.problem) for row in found] == [True, False]
    with pytest.raises(LineError, match="the header: not UTF-8"):
        rows_of(b"time,Z\xfcrich\n1,2\n")


def test_a_byte_order_mark_is_no_part_of_the_first_title() -> None:
    (row,) = rows_of(b"\xef\xbb\xbftime,a\n1,2\n")
    assert (row.time, shown(row)) == (1.0, [("a", 2.0)])


def test_bad_rows_say_why_and_the_others_stay() -> None:
    found = rows("time,a\n1,2\n2,x\n3\nyesterday,4\n5,inf\n6,7\n")
    assert [row.line for row in found if row.problem] == [3, 4, 5, 6]
    assert [shown(row) for row in found if not row.problem] == [[("a", 2.0)], [("a", 7.0)]]


@pytest.mark.parametrize("options", [{"time_column": "when"}, {"tags": ["where"]}])
def test_a_missing_column_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(LineError, match='no column "whe'):
        rows("a,b\n1,2\n", **options)


def test_times() -> None:
    assert parse_time("2024-01-01 01:00:00+01:00") == parse_time("2024-01-01") == parse_time("1704067200")


def test_json_lines() -> None:
    found = list(read_jsonl([b'{"metric": "a", "value": 1, "time": 9}\n', b"{\n", b"b 2\n"]))
    assert [(row.time, bool(row.problem)) for row in found] == [(9.0, False), (None, True), (None, False)]


@pytest.mark.parametrize(("speed", "lasts"), [(1.0, 30.0), (10.0, 3.0), (0.0, 0.0)])
async def test_the_pace(autojump_clock: MockClock, speed: float, lasts: float) -> None:
    store, moved, reports = Store(), list[int](), list[str]()
    async with open_producer(dial=Scripted(store.serve)) as producer:
        await producer.connected()
        begun = trio.current_time()
        replay = Replay(producer, speed, False, reports.append)
        await replay.play(rows("time,a\n100,1\n110,2\nbad,0\n130,3\n"), moved.append)
        assert trio.current_time() - begun == pytest.approx(lasts, abs=0.1)
    assert values(store.messages) == [1, 2, 3]
    assert moved == [13, 19, 25, 31] and len(reports) == replay.counts.bad == 1


async def test_restamped_times_keep_their_distances(autojump_clock: MockClock) -> None:
    store = Store()
    async with open_producer(dial=Scripted(store.serve)) as producer:
        await Replay(producer, 2.0, True, print).play(rows("time,a\n100,1\n104,2\n"), lambda position: None)
    first, second = (message["samples"][0]["time"] for message in store.messages)
    assert second - first == pytest.approx(2.0) and first > 1e9


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "recorded.csv"
    file.write_text("time,a\n" + "".join(f"{n},{n}\n" for n in range(2000)))
    store = Store()
    async with open_producer(dial=Scripted(store.serve)) as producer:
        await Replay(producer, 0.0, False, print).run(file, read_csv, lambda position: None)
    assert values(store.messages) == list(range(2000))


def test_a_header_that_is_no_csv_is_refused() -> None:
    with pytest.raises(LineError, match="the header: field larger"):
        list(read_csv([b"a," + b"b" * 200_000 + b"\n"]))
