"""Checks samples when a program hands them over, so that a bad one is refused at the call. Pure."""

from collections.abc import Iterable, Mapping
from numbers import Real

from ingest.outbox import Described
from ingest.samples import MAX_UNIT, Kind, SampleError, Validator, Value, check_text, check_time, check_value

CACHE_SIZE = 50_000  # bounds the memory that made-up tags can take
_PLAIN = frozenset({int, float, str, bool, type(None)})


class Intake:
    def __init__(self) -> None:
        self._validator = Validator(cache_size=CACHE_SIZE)
        self._known: dict[object, Described] = {}

    def describe(self, metric: str, tags: Mapping[str, object], kind: Kind | None, unit: str | None) -> Described:
        """The one Described of these. Whole numbers may be tag values. Raises SampleError."""
        texts = {key: str(value) if type(value) is int else value for key, value in tags.items()}
        key = (metric, kind, unit, *texts.items())
        try:
            return self._known[key]
        except (KeyError, TypeError):  # TypeError: something unhashable, about to be refused
            series = self._validator.series(metric, texts)
        described = Described(series, kind, check_text(unit, "unit", MAX_UNIT))
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = described
        return described


def check_one(time: object, value: object, kind: Kind | None) -> tuple[float, Value]:
    """Raises SampleError."""
    return check_time(_plain(time)), check_value(_plain(value), kind)


def check_columns(times: Iterable[object], values: Iterable[object]) -> tuple[list[float], list[Value]]:
    """Columns of lists, tuples, arrays. Raises SampleError for the first bad sample; then none is taken."""
    time_list, value_list = _list(times), _list(values)
    if len(time_list) != len(value_list):
        problem = f"expected as many values as times, got {len(value_list)} and {len(time_list)}"
        raise SampleError("length_mismatch", "value", problem)
    checked_times = [check_time(_plain(time), f"time[{index}]") for index, time in enumerate(time_list)]
    checked = [check_value(_plain(value), None, f"value[{index}]") for index, value in enumerate(value_list)]
    return checked_times, checked


def _list(column: Iterable[object]) -> list[object]:
    convert = getattr(column, "tolist", None)  # an array of numpy or of the standard library
    return list(convert() if convert else column)


def _plain(value: object) -> object:
    """Numbers of other libraries (numpy's) as float."""
    return float(value) if type(value) not in _PLAIN and isinstance(value, Real) else value
