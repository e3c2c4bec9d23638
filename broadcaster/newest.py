"""The newest sample of each series of a batch, in so few bytes that a mailbox can keep and count them. Pure."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from broadcaster.history import Record
from ingest.samples import Value

NUMBER_BYTES: Final = 24  # of one series: where its record is, and two doubles
OBJECT_BYTES: Final = 72  # if a value is none, as a text is not: that, and an object, beside its characters


class Newest:
    """By record, a time and a value. Numbers are doubles, as in the history's rings."""

    __slots__ = ("_records", "_times", "_values", "bytes")

    def __init__(self, records: Iterable[Record], times: Iterable[float], values: Sequence[Value]) -> None:
        self._records = tuple(records)
        self._times = array("d", times)
        self._values: Sequence[Value]
        try:
            self._values = array("d", values)  # type: ignore[type-var]  # that is what is tried
            self.bytes = len(values) * NUMBER_BYTES
        except TypeError:
            self._values = values
            self.bytes = sum(OBJECT_BYTES + (len(value) if type(value) is str else 0) for value in values)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def items(self) -> Iterator[tuple[Record, tuple[float, Value]]]:
        return zip(self._records, zip(self._times, self._values, strict=True), strict=True)


def merged(parts: Iterable[Newest]) -> Newest:
    """Of each series the sample in the last of the parts that have one."""
    newest: dict[Record, tuple[float, Value]] = {}
    for part in parts:
        newest.update(part.items())
    return Newest(newest, [time for time, _ in newest.values()], [value for _, value in newest.values()])
