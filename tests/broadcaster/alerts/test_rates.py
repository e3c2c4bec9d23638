import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.alerts.rates import SPAN_S, Rates
from ingest.samples import Value


@pytest.mark.parametrize(
    ("samples", "rates"),
    [
        ([(0, 10), (1, 12), (3, 18)], [(1, 2), (3, 3)]),
        ([(0, 10)], []),
        ([(0, 10), (0.1, 11), (0.2, 12), (0.6, 13)], [(0.6, 5)]),  # too near to each other
        ([(0, 10), (1, 4), (2, 5)], [(1, 4), (2, 1)]),  # began anew
        ([(0, 10), (1, None), (2, 20), (3, 21)], [(1, None), (3, 1)]),
        ([(5, 10), (4, 20), (5, 21)], [(5, 1)]),  # from a clock that went back
        ([(1, 10), (1, 20), (1, 30)], []),
    ],
)
def test_rates(samples: list[tuple[float, Value]], rates: list[tuple[float, Value]]) -> None:
    times, values = zip(*samples, strict=True)
    ends, found = Rates().of(times, values)
    assert ends == [end for end, _ in rates]
    assert found == pytest.approx([rate for _, rate in rates])


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100)), min_size=1, max_size=30), cut=st.integers(0, 30)
)
def test_what_rose_is_what_the_rates_sum_up_to(steps: list[tuple[int, int]], cut: int) -> None:
    times, values = [0.0], [0.0]
    for step, rise in steps:
        times.append(times[-1] + step * SPAN_S / 3)
        values.append(values[-1] + rise)
    rates = Rates()
    first, second = rates.of(times[:cut], values[:cut]), rates.of(times[cut:], values[cut:])
    ends, found = first[0] + second[0], first[1] + second[1]
    assert (ends, found) == Rates().of(times, values)
    total, begin = 0.0, 0.0
    for end, rate in zip(ends, found, strict=True):
        assert isinstance(rate, float) and rate >= 0
        total += rate * (end - begin)
        begin = end
    reached = max(at for at, time in enumerate(times) if time == begin) if ends else 0
    assert total <= values[reached] + 1e-6
