"""Questions to a stored history, in a file that the test has written."""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio
import trio.testing

from broadcaster import past as past_module
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.scopes import parse_scope
from broadcaster.http_core import Answer
from broadcaster.past import WAIT_S, Past
from broadcaster.selection import parse_select
from broadcaster.store import reader
from broadcaster.store.file import StoreFile
from broadcaster.store.reader import Reading
from broadcaster.store.units import SeriesRow, Unit
from ingest.messages import MessageError
from tests.broadcaster.store.thinkit import ALL, batch, opened, put, thin_all

BASE = 1_700_000_400.0  # a whole hour, and so a whole slot of every step


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StoreFile]:
    """Two hours of three gauges, four samples a second of each; one of events."""
    made = opened(tmp_path)
    for second in range(0, 7_200, 20):
        times = [BASE + second + part / 4 for part in range(80)]
        columns: dict[int, tuple[list[float], list[float | str | None]]] = {
            key: (times, [None if part == 7 else key * 1e6 + second + part / 4 for part in range(80)])
            for key in (1, 2, 3)
        }
        if second % 600 == 0:
            columns[9] = [BASE + second], [f"text {second}"]
        put(made, BASE + second, columns)
    yield made
    made.close()


@dataclass
class Sees:
    """Credentials."""

    may_subscribe: Callable[[str], bool] = bool
    subject: str | None = None
    sight: object = None
    subscribe = frozenset({"*"})
    admin = revoked = False
    expires = None

    def may_publish(self, metric: str) -> bool:
        return False


def past(file: StoreFile, **settings: Any) -> Past:
    return Past(file.path.parent, BroadcasterConfig(**settings))


async def ask(
    file: StoreFile, *select: str, may_see: Any = lambda metric: True, settings: Any = None, **parameters: object
) -> dict[str, Any]:
    asked = {name.rstrip("_"): str(value) for name, value in parameters.items()}
    selection = frozenset(map(parse_select, select or ["*"]))
    told = await past(file, **(settings or {})).answer(selection, asked, Sees(may_see), "", BASE + 7_200)
    answer: dict[str, Any] = orjson.loads(told.body)
    return answer


def values_in(key: int, low: float, high: float) -> list[float]:
    first, last = max(0, math.ceil((low - BASE) * 4)), min(4 * 7_200, math.ceil((high - BASE) * 4))
    parts = (part for part in range(first, last) if part % 80 != 7)
    return [key * 1e6 + part / 4 for part in parts]


def check(answer: dict[str, Any], key: int) -> None:
    """Beside a sum over all samples, slot by slot."""
    (series,) = [series for series in answer["series"] if series["metric"] == f"m{key}"]
    assert series["times"]
    for at, low, high, mean, count in zip(
        *(series[name] for name in ("times", "min", "max", "mean", "count")), strict=True
    ):
        values = values_in(key, at, at + answer["step"])
        assert (low, high, count) == (min(values), max(values), len(values))
        assert math.isclose(mean, sum(values) / len(values))
    total = len(values_in(key, answer["from"], answer["to"]))
    assert sum(series["count"]) == total


async def test_as_it_came(file: StoreFile) -> None:
    answer = await ask(file, "m1", from_=BASE + 10.5, to=BASE + 30.5)
    assert (answer["from"], answer["to"], answer["step"], len(answer["series"])) == (BASE + 10, BASE + 31, 1, 1)
    assert answer["series"][0]["times"] == [BASE + second for second in range(10, 31)]
    about = {name: answer["series"][0][name] for name in ("tags", "unit", "kind", "help")}
    assert about == {"tags": {}, "unit": None, "kind": "gauge", "help": None}
    check(answer, 1)


async def test_the_last_hour_if_nothing_is_said(file: StoreFile) -> None:
    answer = await ask(file)
    assert (answer["from"], answer["to"], answer["step"]) == (BASE + 3_600, BASE + 7_200, 1)
    assert [series["metric"] for series in answer["series"]] == ["m1", "m2", "m3", "m9"]
    for key in (1, 2, 3):
        check(answer, key)
    assert answer["series"][3]["values"] == [f"text {second}" for second in range(3_600, 7_200, 600)]


@pytest.mark.parametrize("ages", [ALL[:1], ALL[:2], ALL, ((1, 100.0), (10, 2_000.0), (60, 3_600.0))])
@pytest.mark.parametrize("step", [None, 1, 7, 60, 3_600])
async def test_thinned_or_not_it_is_the_same(file: StoreFile, ages: Any, step: int | None) -> None:
    thin_all(file, ages, BASE + 8_000)
    more = {} if step is None else {"step": step}
    answer = await ask(file, from_=BASE, to=BASE + 7_200, settings={"query_points": 1_000_000}, **more)
    base = max(row[0] for row in file._sql.execute("SELECT step FROM parts"))
    assert answer["step"] == math.ceil((step or 1) / base) * base
    for key in (1, 2, 3):
        check(answer, key)
    assert len(answer["series"][3]["values"]) == 12


async def test_the_step_is_as_fine_as_the_range_allows(file: StoreFile) -> None:
    thin_all(file, ((1, 100.0), (60, 4_000.0)), BASE + 8_000)
    assert (await ask(file, "m1", from_=BASE + 5_000, to=BASE + 7_200))["step"] == 1
    assert (await ask(file, "m1", from_=BASE + 1_000, to=BASE + 7_200))["step"] == 60
    few = await ask(file, "m1", from_=BASE + 5_000, to=BASE + 7_200, settings={"query_points": 100})
    assert few["step"] == 30
    check(few, 1)


async def test_late_samples_do_not_make_what_is_asked_for_coarser(file: StoreFile) -> None:
    """A part that reaches far into another time has nothing there of this series."""
    put(file, BASE + 7_201, {1: ([BASE - 90_000], [5.0])})
    put(file, BASE + 7_201, {1: ([BASE + 7_201], [5.0])})
    thin_all(file, ((60, 0.0),), BASE + 100_000)
    put(file, BASE + 100_000, {1: ([BASE - 50_000.0], [6.0])})
    answer = await ask(file, "m1", from_=BASE - 50_010, to=BASE - 49_990)
    assert (answer["step"], answer["series"][0]["times"], answer["series"][0]["max"]) == (1, [BASE - 50_000], [6.0])


async def test_a_counter_has_its_last(file: StoreFile) -> None:
    rows: list[SeriesRow] = [(20, "c", '{"host":"x"}', "counter", "B", "help")]
    file.write([Unit(1, [batch(file.seq + 1, BASE, {20: ([BASE + 2, BASE + 1], [5.0, 7.0])})], rows)])
    (series,) = (await ask(file, "c{host=x}", from_=BASE, to=BASE + 60, step=60))["series"]
    assert series == {
        "metric": "c", "tags": {"host": "x"}, "unit": "B", "kind": "counter", "help": "help",
        "times": [BASE], "min": [5.0], "max": [7.0], "mean": [6.0], "count": [2], "last": [5.0],
    }  # fmt: skip


async def test_a_series_under_two_keys_is_one(file: StoreFile) -> None:
    rows: list[SeriesRow] = [(20, "m1", "{}", "gauge", "B", None)]
    file.write([Unit(1, [batch(file.seq + 1, BASE, {20: ([BASE + 1], [-5.0])})], rows)])
    (series,) = (await ask(file, "m1", from_=BASE, to=BASE + 60, step=60))["series"]
    assert (series["min"], series["count"], series["unit"]) == ([-5.0], [len(values_in(1, BASE, BASE + 60)) + 1], "B")


async def test_only_what_the_credentials_allow(file: StoreFile) -> None:
    answer = await ask(file, may_see=lambda metric: metric == "m2")
    assert [series["metric"] for series in answer["series"]] == ["m2"]
    assert (await ask(file, "m1", may_see=lambda metric: metric == "m2"))["series"] == []


async def test_nothing(file: StoreFile) -> None:
    assert await ask(file, from_=5, to=6.5) == {"from": 5, "to": 7, "step": 1, "series": []}
    assert (await ask(file, "nobody"))["series"] == []


@pytest.mark.parametrize(
    ("parameters", "settings", "code", "message"),
    [
        ({"from_": "x"}, {}, "bad_message", "from: expected Unix seconds between -253402300799 and 253402300799, got"),
        ({"to": "nan"}, {}, "bad_message", "to: expected Unix seconds"),
        ({"to": "1e300"}, {}, "bad_message", "to: expected Unix seconds"),
        ({"from_": "5", "to": "5"}, {}, "bad_message", "from: expected less than to, 5, got 5"),
        ({"step": "0"}, {}, "bad_message", 'step: expected whole seconds from 1 to 604800, got "0"'),
        ({"step": "1.5"}, {}, "bad_message", "step: expected"),
        ({"step": "9" * 5000}, {}, "bad_message", "step: expected"),
        ({"step": "²"}, {}, "bad_message", "step: expected"),
        ({}, {"query_series": 3}, "too_much", "select: 4 series, at most 3 in one answer"),
        ({"step": "1"}, {"query_points": 5_000}, "too_much",
         "step: 1 makes 3600 points of 4 series, at most 5000 in all; 5 would do"),
        ({"from_": "0"}, {"query_points": 5}, "too_much", "to: at most 5 points, of 4 series; ask for less"),
        ({"select": "m9", "from_": BASE, "step": "3600"}, {"query_points": 5}, "too_much", "to: more than 5 events"),
    ],
)  # fmt: skip
async def test_what_is_wrong_or_too_much(
    file: StoreFile, parameters: dict[str, Any], settings: Any, code: str, message: str
) -> None:
    select = [parameters.pop("select")] if "select" in parameters else []
    with pytest.raises(MessageError) as caught:
        await ask(file, *select, settings=settings, **parameters)
    assert (caught.value.code, caught.value.message[: len(message)]) == (code, message)


async def test_an_answer_that_takes_too_long(file: StoreFile) -> None:
    with pytest.raises(MessageError, match=r"history: no answer within 1e-06 s; ask for less") as caught:
        await ask(file, settings={"query_s": 1e-6})
    assert caught.value.code == "too_long"


async def test_a_file_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    selection = frozenset([parse_select("*")])
    with pytest.raises(MessageError, match="cannot be read") as caught:
        await Past(tmp_path, BroadcasterConfig()).answer(selection, {}, Sees(), "", BASE)
    assert caught.value.code == "cannot_read"
    assert not await trio.to_thread.run_sync(lambda: list(tmp_path.iterdir())), "nobody makes one by reading"
    assert caplog.records[0].getMessage() == "the stored history cannot be read"


async def test_damaged_data_is_left_out(file: StoreFile, caplog: pytest.LogCaptureFixture) -> None:
    thin_all(file, ((1, 3_600.0),), BASE + 7_200)
    file._sql.execute("UPDATE thinned SET data = x'00' WHERE key = 1")
    file._sql.execute("UPDATE batches SET data = x'00' WHERE seq = (SELECT max(seq) FROM batches)")
    answer = await ask(file, "m1", "m2", from_=BASE, to=BASE + 7_200)
    counts = {series["metric"]: sum(series["count"]) for series in answer["series"]}
    assert 0 < counts["m1"] < counts["m2"] == len(values_in(2, BASE, BASE + 7_180))
    assert {record.getMessage() for record in caplog.records} == {"stored data is left out"}


async def test_who_may_see_nothing_is_answered_without_a_look(tmp_path: Path) -> None:
    selection = frozenset([parse_select("*")])
    answer = Past(tmp_path, BroadcasterConfig(queries_max=1)).answer
    nobody = Sees(sight=parse_scope("publish:* admin").subscribe)
    asked = {"from": "5", "to": "6.5"}
    told = orjson.loads((await answer(selection, asked, nobody, "", BASE)).body)
    assert told == {"from": 5, "to": 7, "step": 1, "series": []}


async def test_only_so_many_at_once_and_half_of_them_for_one(
    file: StoreFile, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    going, asked, answer = threading.Event(), past(file, queries_max=2), Reading.answer
    answers = list[str]()

    def slow(reading: Reading) -> bytes:
        going.wait(5)
        return answer(reading)

    async def ask_as(subject: str | None, address: str = "") -> None:
        try:
            await asked.answer(selection, {}, Sees(subject=subject), address, BASE)
            answers.append(subject or address)
        except MessageError as error:
            assert (error.code, trio.current_time()) == ("busy", WAIT_S)
            answers.append(error.message)

    monkeypatch.setattr(Reading, "answer", slow)
    selection = frozenset([parse_select("m1")])
    async with trio.open_nursery() as nursery:
        for who in (("eve",), ("eve",), (None, "2001:db8::1"), (None, "2001:db8::2")):
            nursery.start_soon(ask_as, *who)
            await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(WAIT_S)
        await trio.testing.wait_all_tasks_blocked()
        assert (asked.under_way, len(answers)) == (2, 2)
        going.set()
    busy = "history: at most 2 answers at once, 1 of one subject or address; ask again later"
    assert answers[:2] == [busy, busy]
    assert (sorted(answers[2:]), asked.under_way) == (["2001:db8::1", "eve"], 0)


async def test_of_answers_that_are_not_taken_there_are_so_many_bytes(
    file: StoreFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection, asked = frozenset([parse_select("m1")]), past(file, queries_max=8, trusted_networks=["10.0.0.0/8"])

    async def ask_as(subject: str | None, address: str = "") -> Answer:
        return await asked.answer(selection, {}, Sees(subject=subject), address, BASE)

    eves = await ask_as("eve")
    monkeypatch.setattr(past_module, "UNREAD_BYTES", 4 * len(eves.body))
    more = await ask_as("eve")
    with pytest.raises(MessageError, match="answers wait to be taken") as caught:
        await ask_as("eve")
    assert caught.value.code == "busy"
    others = [await ask_as(None, "2001:db8::1"), await ask_as(None, "10.0.0.1")]
    for who in ("ana", None):
        with pytest.raises(MessageError, match="answers wait to be taken"):
            await ask_as(who, "10.0.0.1")
    for answer in (eves, more, *others):
        answer.taken()
    await ask_as("eve")


async def test_whoever_leaves_stops_the_reading(file: StoreFile) -> None:
    asked, selection = past(file, queries_max=2), frozenset([parse_select("*")])
    with trio.move_on_after(0):
        await asked.answer(selection, {}, Sees(subject="ana"), "", BASE)
    with trio.fail_after(10):
        assert await asked._places.take("ana"), "the thread gives back what it had"


async def test_while_it_is_read_others_write(file: StoreFile) -> None:
    """Each answer is of one moment, whatever is thinned meanwhile."""
    done = threading.Event()
    counts = list[int]()

    async def read() -> None:
        while not done.is_set() or len(counts) < 3:
            answer = await ask(file, "m1", from_=BASE, to=BASE + 7_200, step=60)
            counts.append(sum(answer["series"][0]["count"]))

    def write() -> None:
        thin_all(file)
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(trio.to_thread.run_sync, write)
    assert set(counts) == {len(values_in(1, BASE, BASE + 7_200))}


async def test_an_answer_of_too_many_bytes(file: StoreFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "ANSWER_BYTES", 1_000)
    whole = {"from_": BASE, "to": BASE + 7_200}
    assert len((await ask(file, "m9", **whole))["series"][0]["values"]) == 12
    for metric, step in (("m1", 60), ("m9", None)):
        monkeypatch.setattr(reader, "ANSWER_BYTES", 100)
        with pytest.raises(
            MessageError, match=r"to: more than 100 bytes, .* a shorter range, .* a larger step"
        ) as caught:
            await ask(file, metric, **whole, **({} if step is None else {"step": step}))
        assert caught.value.code == "too_much"


async def test_texts_are_counted_while_they_are_read(file: StoreFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when all of them are in memory."""
    monkeypatch.setattr(reader, "ANSWER_BYTES", 40)
    taken, take = list[list[str]](), Reading._take_texts

    def counted(self: Reading, found: Any, times: Any, values: list[str]) -> None:
        taken.append(values)
        take(self, found, times, values)

    monkeypatch.setattr(Reading, "_take_texts", counted)
    with pytest.raises(MessageError, match="bytes"):
        await ask(file, "m9", from_=BASE, to=BASE + 7_200)
    assert len(taken) == 5, "of 12, which have 6 to 9 characters each"


async def test_an_answer_is_encoded_bit_by_bit(file: StoreFile, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sizes = orjson.dumps, list[int]()

    def dumps(value: Any) -> bytes:
        sizes.append(len(found := made(value)))
        return found

    monkeypatch.setattr("broadcaster.store.reader.orjson.dumps", dumps)
    turns = list[int]()
    monkeypatch.setattr(Reading, "_give_way", lambda self: turns.append(len(sizes)))
    answer = await ask(file, "m*", from_=BASE, to=BASE + 7_200, settings={"query_points": 100_000}, step=1)
    for key in (1, 2, 3):
        check(answer, key)
    total = sum(sizes)
    assert total > 500_000
    assert max(sizes) < 25_000
    assert len([at for at in turns if at > 1]) > total / (reader.PIECE_BYTES + 25_000)


@pytest.mark.parametrize("ages", [(), ALL[:1], ALL[:2], ALL])
async def test_a_range_without_samples_is_answered_in_whole_slots(tmp_path: Path, ages: Any) -> None:
    """As `from` and `to` say, and as it is as soon as the range has one."""
    made = opened(tmp_path)
    for second in (5, 55):  # each in a batch of its own, which does not reach into the range
        put(made, BASE + second, {1: ([BASE + second], [1.0])})
    if ages:
        thin_all(made, ages, BASE + 10_000)
    answer = await ask(made, from_=BASE + 30, to=BASE + 40, step=60)
    assert (answer["from"], answer["to"], answer["step"]) == (BASE, BASE + 60, 60)
    assert [series["count"] for series in answer["series"]] == [[2]]
    made.close()


@pytest.mark.parametrize("ages", [ALL[:1], ALL[:2], ALL])
async def test_what_the_ends_have_is_in_the_answer(tmp_path: Path, ages: Any) -> None:
    """Slots of 10 s are put together to none of 7 s, so the answer has a longer step."""
    made, times = opened(tmp_path), [BASE + 23 * number for number in range(12)]
    put(made, BASE, {1: (times, [1.0] * 12)})
    thin_all(made, ages, BASE + 10_000)
    for second in range(250):
        answer = await ask(made, from_=BASE + second, to=BASE + second + 2, step=7)
        within = sum(answer["from"] <= at < answer["to"] for at in times)
        assert sum(sum(series["count"]) for series in answer["series"]) == within
    made.close()
