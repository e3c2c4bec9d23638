import io

import pytest
from rich.console import Console

from ingest.push_status import LOOK, Pace, line, progress_bar, summary
from ingest.statistics import ProducerStatistics, State

URL = "ws://127.0.0.1:8765"


def statistics(state: State = "connected", reason: str | None = None, **counts: int) -> ProducerStatistics:
    zero = dict.fromkeys(("sent", "buffered", "unacknowledged", "acknowledged", "rejected", "dropped"), 0)
    others = {"duplicate_messages": 0, "connections": 1, "failures": 0}
    return ProducerStatistics(state=state, reason=reason, round_trip_s=None, **{**zero, **others, **counts})


def terminal(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def test_the_line_while_all_is_well() -> None:
    now = statistics(acknowledged=12345, buffered=3, unacknowledged=4)
    assert line(now, URL, 99.6).plain == f"● connected  12,345 acknowledged  7 under way  100 samples/s  {URL}"


def test_the_line_while_there_is_no_connection() -> None:
    now = statistics("reconnecting", "Connection refused", acknowledged=1, buffered=9, dropped=2)
    assert line(now, URL, 0).plain == "◌ reconnecting  1 acknowledged  9 waiting  2 dropped  Connection refused"


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("state", LOOK)
def test_it_stays_one_line(width: int, state: State) -> None:
    console = terminal(width)
    now = statistics(state, "a long reason " * 10, acknowledged=10**9, buffered=10**6, dropped=10**6)
    with console.capture() as capture:
        console.print(line(now, URL, 1e6))
        with progress_bar(lambda: now, console=console, auto_refresh=False) as progress:
            progress.add_task("a_file_with_a_very_long_name_that_goes_on_and_on.csv", total=100)
            rendered = console.render_lines(progress.get_renderable(), pad=False)
    assert len(rendered) == 1
    first = capture.get().splitlines()[0]
    assert len(first) <= width
    assert first.startswith(f"{LOOK[state][0]} {state.replace('_', ' ')}")


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.rate(0.0, 0) == 0
    assert pace.rate(1.0, 100) == 100
    for second in range(2, 10):
        pace.rate(float(second), 100)
    assert pace.rate(10.0, 100) == 0


def test_the_summary_names_what_was_lost() -> None:
    assert summary(statistics(sent=1, acknowledged=1)) == "sent 1 sample, 1 acknowledged"
    lost = statistics(sent=2000, acknowledged=1990, rejected=1, dropped=2, buffered=3, unacknowledged=4)
    assert summary(lost) == "sent 2,000 samples, 1,990 acknowledged, 1 rejected, 2 dropped, 7 left unsent"
