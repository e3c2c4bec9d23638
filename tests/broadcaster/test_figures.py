import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.figures import BARS, duration, number, quantity, sparkline


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.3141, "0.314"),
        (0.012345, "0.0123"),
        (1.5, "1.5"),
        (12.34, "12.3"),
        (99.95, "100"),
        (1234.5, "1,234"),
        (-42.0, "-42"),
        (1e-7, "1e-07"),
        (1e300, "1e+300"),
        (100.0, "100"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "gap"),
        (0.0, "s", "0 s"),
        (0.00034, "s", "340 µs"),
        (12.3, "ms", "12.3 ms"),
        (2300.0, "ms", "2.3 s"),
        (5e-12, "s", "0.005 ns"),
        (90.0, "s", "1.5 min"),
        (7200.0, "s", "2 h"),
        (512.0, "B", "512 B"),
        (1536.0, "B", "1.5 KiB"),
        (3 * 2**30, "B", "3 GiB"),
        (2048.0, "B/s", "2 KiB/s"),
        (12.5, "%", "12.5 %"),
        (3.0, None, "3"),
        (1234.0, "", "1,234"),
        (1_234_567.0, "", "1.23 M"),
        (52.0, "1/s", "52/s"),
        (52_000.0, "1/s", "52 k/s"),
        (21.5, "Cel", "21.5 Cel"),
        (-2048.0, "B", "-2 KiB"),
        (12_000.0, "kW", "12,000 kW"),
        (12_000.0, "W", "12 kW"),
        (12_000.0, "Mbps", "12,000 Mbps"),
        (12_000.0, "GFLOPS", "12,000 GFLOPS"),
        (12_000.0, "mK", "12,000 mK"),
        (12_000.0, "kOhm", "12,000 kOhm"),
        (12_000.0, "klx", "12,000 klx"),
        (12_000.0, "kg", "12,000 kg"),
        (12_000.0, "hPa", "12,000 hPa"),
        (12_000.0, "KiB", "12,000 KiB"),
        (12_000.0, "mbps", "12,000 mbps"),
        (12_000.0, "bps", "12 kbps"),
        (20_000.0, "MB/s", "20,000 MB/s"),
        (70_000.0, "Cel", "70,000 Cel"),
    ],
)
def test_quantities(value: float | None, unit: str | None, text: str) -> None:
    assert quantity(value, unit) == text


def test_durations_span_from_nanoseconds_to_days() -> None:
    assert [duration(seconds) for seconds in (2e-9, 3e-3, 4.0, 86_400 * 3)] == ["2 ns", "3 ms", "4 s", "3 d"]


def test_a_sparkline_spans_its_range() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == BARS
    assert sparkline([7, None, 0], 8) == "█ ▁"
    assert sparkline([1, 2, 3], 2) == "▁█"


def test_a_flat_line() -> None:
    assert sparkline([5, 5], 8) == "▄▄"
    assert sparkline([0, 0], 8) == "▁▁"


def test_nothing_to_draw() -> None:
    assert sparkline([], 8) == ""
    assert sparkline([None, None], 8) == "  "
    assert sparkline([1, 2], 0) == ""


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=80), st.integers(0, 60)
)
def test_any_values_can_be_drawn(values: list[float | None], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= {*BARS, " "}
