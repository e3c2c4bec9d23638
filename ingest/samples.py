"""What a sample is, and the one place that says whether it is a good one.

Raw entries (the objects of a `publish` message) become `Entry` objects here or are refused with a code of the wire
protocol. Everything behind this module trusts what it let through.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, get_args

from ingest.columns import NUMBERS, all_finite
from ingest.remembered import Remembered, own_key

Kind = Literal["gauge", "counter", "event"]
Value = float | str | None

KINDS: Final[tuple[str, ...]] = get_args(Kind)
METRIC_PATTERN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,254}")
TAG_KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_TAGS: Final = 16
MAX_TAG_VALUE: Final = 256
MAX_EVENT_TEXT: Final = 1000
MAX_UNIT: Final = 64
MAX_HELP: Final = 1000
MAX_TIME: Final = 253_402_300_799  # the end of the year 9999, where calendars of most languages end

_MOST_TIME: Final = float(MAX_TIME)
_LEAST_TIME: Final = -_MOST_TIME
_EXACT: Final = 2**53  # integers up to here are floats as well
_NO_TAGS: Final[Mapping[str, str]] = {}


class SampleError(ValueError):
    """A sample that is refused.

    `code` is one of the protocol's error codes, `field` names the offending part (`value`, `tags.host`), `problem`
    says what was expected and what came.
    """

    def __init__(self, code: str, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.code = code
        self.field = field
        self.problem = problem

    @property
    def message(self) -> str:
        return str(self)


class Series:
    """A metric name with a set of tags: the identity of a series. Equal series hash alike; the hash is kept."""

    __slots__ = ("_hash", "metric", "tags")

    def __init__(self, metric: str, tags: tuple[tuple[str, str], ...] = ()) -> None:
        self.metric = metric
        self.tags = tags  # sorted by key
        self._hash = hash((metric, tags))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Series) and self.metric == other.metric and self.tags == other.tags

    def __repr__(self) -> str:
        inside = ",".join(f"{key}={value}" for key, value in self.tags)
        return f"{self.metric}{{{inside}}}" if inside else self.metric


@dataclass(slots=True)  # not frozen, which makes a third of the cost of a validated entry
class Entry:
    """Accepted samples of one series: `times` (Unix seconds) and `values` have the same length.

    Whoever takes the entry may keep these lists and add to them. `index` is its place in the message it came in.
    """

    series: Series
    times: Sequence[float]
    values: Sequence[Value]
    kind: Kind | None = None
    unit: str | None = None
    help: str | None = None
    index: int = field(default=0, compare=False)


class Description(NamedTuple):
    """What an entry says of its series."""

    series: Series
    kind: Kind | None
    unit: str | None
    help: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused sample: `index` counts the entries of the message."""

    index: int
    code: str
    message: str


def show(value: object) -> str:
    """A short form of a bad value for an error message."""
    try:
        text = "null" if value is None else f'"{value}"' if isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # which Python does not write out
        return "something nested too deep, or a number too long"
    return text if len(text) <= 60 else text[:57] + "..."


def check_series(metric: object, tags: object) -> Series:
    """The series of a metric name and a mapping of tags. Raises SampleError (bad_metric, bad_tags)."""
    if not isinstance(metric, str) or not METRIC_PATTERN.fullmatch(metric):
        expected = "1 to 255 characters of [A-Za-z0-9_.:/-] that begin with a letter or _"
        raise SampleError("bad_metric", "metric", f"expected {expected}, got {show(metric)}")
    if not isinstance(tags, Mapping):
        raise SampleError("bad_tags", "tags", f"expected an object of strings, got {show(tags)}")
    if len(tags) > MAX_TAGS:
        raise SampleError("bad_tags", "tags", f"at most {MAX_TAGS} tags, got {len(tags)}")
    return Series(metric, tuple(sorted(_check_tag(key, value) for key, value in tags.items())))


def _check_tag(key: object, value: object) -> tuple[str, str]:
    if not isinstance(key, str) or not TAG_KEY_PATTERN.fullmatch(key):
        expected = "a key of 1 to 64 characters of [A-Za-z0-9_.-]"
        raise SampleError("bad_tags", "tags", f"expected {expected}, got {show(key)}")
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TAG_VALUE or not value.isprintable():
        expected = f"1 to {MAX_TAG_VALUE} printable characters"
        raise SampleError("bad_tags", f"tags.{key}", f"expected {expected}, got {show(value)}")
    return key, value


def check_time(time: object, field: str = "time") -> float:
    """A time in Unix seconds. Raises SampleError (bad_time)."""
    if type(time) not in NUMBERS or not -MAX_TIME <= time <= MAX_TIME:  # type: ignore[operator]  # a number
        late = type(time) in NUMBERS and MAX_TIME < time < math.inf  # type: ignore[operator]  # a number
        hint = " (milliseconds?)" if late else ""
        expected = f"Unix seconds between -{MAX_TIME} and {MAX_TIME}"
        raise SampleError("bad_time", field, f"expected {expected}, got {show(time)}{hint}")
    return float(time)  # type: ignore[arg-type]  # a number


def check_value(value: object, kind: Kind | None = None, field: str = "value") -> Value:
    """A value that fits the kind. Raises SampleError (bad_value)."""
    if kind == "event":
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_EVENT_TEXT:
            expected = f"a text of 1 to {MAX_EVENT_TEXT} characters"
            raise SampleError("bad_value", field, f"expected {expected}, got {show(value)}")
        return value
    if value is None:
        return None
    try:
        if type(value) in NUMBERS and math.isfinite(value):  # type: ignore[arg-type]  # a number
            return float(value)  # type: ignore[arg-type]  # a number
    except OverflowError:  # an int beyond the largest float
        pass
    raise SampleError("bad_value", field, f"expected a finite number or null, got {show(value)}")


def check_text(value: object, field: str, longest: int) -> str | None:
    """An optional printable text such as a unit. Raises SampleError (bad_message)."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise SampleError("bad_message", field, f"expected a text of at most {longest} characters, got {show(value)}")
    return value


def check_kind(kind: object) -> Kind | None:
    if kind is None:
        return None
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]  # get_args has no types
    raise SampleError("bad_message", "kind", f"expected gauge, counter or event, got {show(kind)}")


class Validator:
    """Turns raw entries into `Entry` objects.

    It remembers the series it has seen, so that a known one costs a look-up. `kind_of` tells the kind under which a
    series is already known (None: unknown), because a later entry need not repeat it. `event_series` counts the
    series of events that ever were: while it stays the same, what is remembered of other series holds. `known_series`
    counts those that are known, which bounds the bytes that are remembered; `cache_size` bounds the series.
    """

    def __init__(
        self,
        kind_of: Callable[[Series], Kind | None] = lambda series: None,
        event_series: Callable[[], int] = lambda: 0,
        cache_size: int = 200_000,
        known_series: Callable[[], int] = lambda: 200_000,
    ) -> None:
        self._kind_of = kind_of
        self._event_series = event_series
        self._events = event_series()
        self._remembered = Remembered[Series, Description](cache_size, known_series)
        self._cache = self._remembered.series
        self._described = self._remembered.described
        self._made: Series | None = None  # of the texts of the entry that is looked at

    def series(self, metric: object, tags: object) -> Series:
        """The one Series object of this metric and these tags. Raises SampleError."""
        try:
            # An empty list or null has no values() either, so it is not taken for the absence of tags.
            key = (metric, *tags, *tags.values())  # type: ignore[attr-defined, misc]  # as just said
            return self._cache[key]
        except (KeyError, TypeError, AttributeError):
            series = self._made = check_series(metric, tags)
        self._remembered.keep_series(key, series)
        return series

    def entry(self, raw: object, now: float, index: int = 0) -> tuple[Entry, list[SampleError]]:
        """One raw entry. Bad samples of a column are left out and returned as errors beside the good ones.

        Raises SampleError when nothing of the entry can be taken.
        """
        if type(raw) is not dict:
            raise SampleError("bad_message", "", f"expected an object, got {show(raw)}")
        self._made = None
        series = self.series(raw.get("metric"), raw.get("tags", _NO_TAGS))
        kind = check_kind(raw["kind"]) if "kind" in raw else None
        unit = check_text(raw["unit"], "unit", MAX_UNIT) if "unit" in raw else None
        help_ = check_text(raw["help"], "help", MAX_HELP) if "help" in raw else None
        if "value" not in raw:
            raise SampleError("bad_value", "value", "expected a value, got none")
        known = self._kind_of(series)
        effective = known if kind is None else _effective_kind(kind, known)
        value, time = raw["value"], raw.get("time", now)
        if type(value) is not list and type(time) is not list:
            entry = Entry(series, [check_time(time)], [check_value(value, effective)], kind, unit, help_, index)
            if effective != "event" and value is not None:  # `_plain` may take the next
                self._remember(raw, Description(series, kind, unit, help_))
            return entry, []
        times, values, errors = _columns(time, value, effective)
        return Entry(series, times, values, kind, unit, help_, index), errors

    def _recall(self) -> None:
        """To be called before anything that was remembered is used."""
        events = self._event_series()
        if events != self._events:
            self._events = events
            self._remembered.forget_described()

    def _remember(self, raw: dict[str, Any], description: Description) -> None:
        tags, (series, _, unit, help_) = raw.get("tags"), description
        size = 2 + ("time" in raw) + ("tags" in raw)
        key: object = raw["metric"] if tags is None else (raw["metric"], *tags, *tags.values())
        key = key if len(raw) == size else _described_key(raw, key, size)
        if key is None or key in self._described:
            return
        if tags is not None and self._made is not series:
            key = own_key(series.metric, series.tags, tags)
            key = key if len(raw) == size else _described_key(raw, key, size)
        self._remembered.keep_described(key, description, len(series.tags), unit, help_)

    def entries(self, raw: Sequence[object], now: float) -> tuple[list[Entry], list[Rejection]]:
        """All entries of a message, good and refused. `now` stands in where an entry has no time."""
        accepted: list[Entry] = []
        rejected: list[Rejection] = []
        self._recall()
        for index, item in enumerate(raw):
            plain = self._plain(item, now)
            if plain is not None:
                (series, kind, unit, help_), time, value = plain
                accepted.append(Entry(series, [time], [value], kind, unit, help_, index))
                continue
            try:
                entry, errors = self.entry(item, now, index)
            except SampleError as error:
                rejected.append(reject(index, error))
                continue
            rejected += [reject(index, error) for error in errors]
            accepted.append(entry)
        return accepted, rejected

    def singles(self, raw: Sequence[object], now: float) -> tuple[list[Entry], list[Rejection]]:
        """The entries of messages that hold one sample each; those of a series that follow each other become one.

        Rejections name the entry as its message knows it, so their index is 0.
        """
        accepted: list[Entry] = []
        rejected: list[Rejection] = []
        self._recall()
        growing: dict[Series, tuple[Description, list[float], list[Value]]] = {}
        for item in raw:
            plain = self._plain(item, now)
            if plain is not None:
                description, time, value = plain
                series, kind, unit, help_ = description
                grown = growing.get(series)
                if grown is None or grown[0] is not description:
                    grown = growing[series] = description, [], []
                    accepted.append(Entry(series, grown[1], grown[2], kind, unit, help_))
                grown[1].append(time)
                grown[2].append(value)
                continue
            try:
                entry, errors = self.entry(item, now)
            except SampleError as error:
                rejected.append(reject(0, error))
                continue
            rejected += [reject(0, error) for error in errors]
            growing.pop(entry.series, None)  # what follows comes behind it
            accepted.append(entry)
        return accepted, rejected

    def _plain(self, raw: Any, now: float) -> tuple[Description, float, float] | None:
        """What most entries are, without a further call: one good number of a series that was described so before."""
        try:
            value, size = raw["value"], 2
            if "time" in raw:
                time, size = raw["time"], 3
                if type(time) is not float or not _LEAST_TIME <= time <= _MOST_TIME:
                    return None
            else:
                time = now
            if type(value) is not float:
                if type(value) is not int or not -_EXACT <= value <= _EXACT:
                    return None
                value = float(value)
            elif value - value != 0.0:  # not finite
                return None
            if "tags" in raw:
                tags = raw["tags"]
                key: object = (raw["metric"], *tags, *tags.values())
                size += 1
            else:
                key = raw["metric"]
            if len(raw) != size:
                key = _described_key(raw, key, size)
            description = self._described.get(key)
            return None if description is None else (description, time, value)
        except (AttributeError, KeyError, TypeError):  # no object, without what it needs, or what cannot be a key
            return None


def _described_key(raw: dict[str, Any], series_key: object, size: int) -> object:
    """By what a description is remembered; None if the entry has fields that are no part of it."""
    size += ("unit" in raw) + ("kind" in raw) + ("help" in raw)
    return (raw.get("unit"), raw.get("kind"), raw.get("help"), series_key) if len(raw) == size else None


def reject(index: int, error: SampleError) -> Rejection:
    """A refusal that names the entry of the message it was found in."""
    where = f"samples[{index}].{error.field}" if error.field else f"samples[{index}]"
    return Rejection(index, error.code, f"{where}: {error.problem}")


def _effective_kind(kind: Kind, known: Kind | None) -> Kind:
    if known is not None and kind != known and "event" in (kind, known):
        problem = f"the series is of kind {known}, got {kind}: use another metric name"
        raise SampleError("bad_value", "kind", problem)
    return kind


def _columns(times: object, values: object, kind: Kind | None) -> tuple[list[float], list[Value], list[SampleError]]:
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        problem = f"expected arrays of the same length in time and value, got {_length(values)} and {_length(times)}"
        raise SampleError("length_mismatch", "value", problem)
    if kind != "event" and all_finite(times, MAX_TIME) and all_finite(values, math.inf):
        return times, values, []
    return _columns_one_by_one(times, values, kind)


def _length(column: object) -> str:
    return str(len(column)) if isinstance(column, list) else "a single one"


def _columns_one_by_one(
    times: list[object], values: list[object], kind: Kind | None
) -> tuple[list[float], list[Value], list[SampleError]]:
    good_times: list[float] = []
    good_values: list[Value] = []
    errors: list[SampleError] = []
    for index, (time, value) in enumerate(zip(times, values, strict=True)):
        try:
            checked = check_time(time, f"time[{index}]"), check_value(value, kind, f"value[{index}]")
        except SampleError as error:
            errors.append(error)
            continue
        good_times.append(checked[0])
        good_values.append(checked[1])
    return good_times, good_values, errors
