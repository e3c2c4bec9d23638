import io

import pytest
from rich.console import Console

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
from broadcaster.watch_table import ROWS_MAX, Model, Screen
from ingest.samples import Kind, Series, Value

URL = "ws://127.0.0.1:8765"


def described(metric: str, unit: str | None = "", kind: Kind = "gauge", **tags: str) -> Described:
    return Described(hash((metric, *tags.items())), Series(metric, tuple(sorted(tags.items()))), unit, kind, None)


def samples(of: Described, *values: Value, start: float = 0.0, backfill: bool = False) -> Samples:
    times = [start + index for index in range(len(values))]
    return Samples((Column(of, times, list(values)),), backfill)


def model(*messages: Message) -> Model:
    made = Model(URL, 0.0)
    for message in messages:
        made.take(message, 1.0)
    return made


def screen(of: Model, width: int = 100, height: int = 20, now: float = 1.0, time: float = 0.0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(Screen(of, now, time), height=height)
    return [line.rstrip() for line in capture.get().splitlines()]


LOAD = described("host.load", "", window="1m")
LIVE = (StateChanged("live"), SeriesDescribed((LOAD,)))


def test_a_series_is_a_line_with_value_sparkline_rate_and_age() -> None:
    top, _, head, line = screen(model(*LIVE, samples(LOAD, 1.0, None, 8.0)), time=4.5)
    assert top.split() == ["●", "live", URL, "1", "series", "3", "samples/s"]
    assert head.split() == ["metric", "tags", "value", "last", "45", "rate", "age"]
    assert line.split() == ["host.load", "window=1m", "8", "▁", "█", "3", "/s", "2", "s"]


def test_units_and_events_and_counters() -> None:
    memory, deploy, orders = described("m", "B"), described("d", kind="event"), described("o", kind="counter")
    made = model(
        StateChanged("live"),
        SeriesDescribed((memory, deploy, orders)),
        samples(memory, 2048.0),
        samples(deploy, "v1.4 by ann"),
        samples(orders, 10.0, 20.0, 20.0, 30.0),
    )
    text = "\n".join(screen(made))
    assert "2 KiB" in text
    assert "v1.4 by ann" in text
    assert "◆" in text
    assert "█▁█" in text


def test_a_metric_is_named_once_and_its_tags_begin_with_what_differs() -> None:
    series = [described("net.sent", "B/s", host="a", interface=name) for name in ("eth0", "lo")]
    lines = screen(model(StateChanged("live"), SeriesDescribed(tuple(series))), width=80)
    assert [line.split() for line in lines[3:]] == [
        ["net.sent", "interface=eth0", "host=a"],
        ["interface=lo", "host=a"],
    ]


@pytest.mark.parametrize(("width", "rate"), [(80, False), (120, True)])
def test_names_are_whole_where_there_is_room_for_them(width: int, rate: bool) -> None:
    long = described("broadcaster.samples_per_second", "1/s", direction="out")
    lines = screen(model(StateChanged("live"), SeriesDescribed((long, LOAD)), samples(long, 338.0)), width=width)
    assert lines[3].split()[:3] == ["broadcaster.samples_per_second", "direction=out", "338/s"]
    assert ("rate" in lines[2]) == rate


def test_series_that_fell_silent_make_room() -> None:
    gone, event = described("gone", pid="1"), described("deploy", kind="event")
    made = model(*LIVE, SeriesDescribed((gone, event)), samples(gone, 1.0), samples(event, "1.4"))
    made.take(samples(LOAD, 2.0), 100.0)
    assert "gone" in "".join(screen(made, now=100.0))
    later = screen(made, now=130.0)
    assert [line.split()[0] for line in later[3:5]] == ["deploy", "host.load"]
    assert later[5].strip() == "1 silent"
    assert "gone" in "".join(screen(model(*LIVE, SeriesDescribed((gone,))), now=1000.0)), "rather than nothing at all"


def test_backfill_draws_but_has_no_rate() -> None:
    line = screen(model(*LIVE, samples(LOAD, 1.0, 2.0, backfill=True)))[3]
    assert "▁█" in line
    assert " 0 /s" in line


def test_the_rate_forgets() -> None:
    made = model(*LIVE, samples(LOAD, 1.0))
    assert made.rate(5.0) == 0.2
    assert made.rate(20.0) == 0.0


@pytest.mark.parametrize("height", [6, 10, 20])
def test_the_table_fits_the_terminal(height: int) -> None:
    many = tuple(described("m", n=f"{n:02}") for n in range(30))
    lines = screen(model(StateChanged("live"), SeriesDescribed(many)), height=height)
    assert len(lines) == height
    assert lines[-1].strip() == f"and {30 - (height - 4)} more"


def test_all_rows_that_fit_are_shown() -> None:
    many = tuple(described("m", n=str(n)) for n in range(7))
    assert len(screen(model(StateChanged("live"), SeriesDescribed(many)), height=10)) == 10


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 140, 250])
def test_lines_fit_the_terminal(width: int) -> None:
    long = described("a.very.long.metric.name.that.goes.on", tag="and a long value of it", other="x" * 100)
    made = model(StateChanged("live"), SeriesDescribed((long,)), samples(long, *map(float, range(100))))
    assert max(map(len, screen(made, width=width))) <= width


def test_rows_are_bounded() -> None:
    many = tuple(described("m", n=str(n)) for n in range(ROWS_MAX + 5))
    made = model(SeriesDescribed(many))
    assert len(made.rows) == ROWS_MAX
    assert screen(made, height=10)[-1].strip() == f"and {ROWS_MAX + 5 - 6:,} more"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (StateChanged("connecting"), "◌ connecting"),
        (StateChanged("reconnecting", "connection lost", 1, 3.2), "reconnecting, next attempt in 3 s  connection lost"),
        (StateChanged("cannot_connect", "Connection refused", 5, 20.0), "cannot connect, next attempt in 20 s"),
    ],
)
def test_the_state_is_on_top(state: StateChanged, text: str) -> None:
    assert text in screen(model(state))[0]


def test_nothing_to_show_is_said() -> None:
    assert "No series yet" in screen(model(StateChanged("live")))[2]


def test_what_is_lost_is_said() -> None:
    made = model(*LIVE, GapReported(0, 5, True, 5, 1200), GapReported(5, 6, False), Refused("x", "slower, please"))
    top = screen(made, width=160)[0]
    assert "1,200 lost, 1 unexplained" in top
    assert "slower, please" in top


def test_history_that_comes_again_replaces_the_points_of_the_same_epoch() -> None:
    made = model(*LIVE, samples(LOAD, 1.0, 2.0))
    made.take(Resynchronised("e", epoch_changed=True), 2.0)
    assert list(made.rows[LOAD.series].values) == [1.0, 2.0]
    made.take(Resynchronised("e", epoch_changed=False), 2.0)
    assert not made.rows[LOAD.series].values
