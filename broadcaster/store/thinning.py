"""How batches become a part, and parts one of a coarser step.

Most of the work is done beside the file, in pieces of about a millisecond between which others may be written. Then
what was read is deleted and what was made of it inserted, in one small transaction. If a window of time has more than
that takes, the rest is done by the next: of batches the later ones, of parts the series with higher keys. So nothing
has to be remembered from one transaction to the next.
"""

import logging
import math
from collections.abc import Iterator, Sequence

from broadcaster.store.codec import Column, DamagedError, decode
from broadcaster.store.parts import ROW_BYTES, Held, Made, Part, Parts
from broadcaster.store.thinned import Columns, Texts, decode_row, joined, samples, slots_in

Ages = Sequence[tuple[int, float]]
"""Step and age in seconds: what came longer ago is thinned to the step. The finest first."""
Pieces = Iterator[None]
SLOTS_AT_ONCE = 50_000  # samples or slots in one transaction, or a batch or series if that has more
ROWS_AT_ONCE = 10_000  # read or made
BATCHES_AT_ONCE = 1_000
PARTS_AT_ONCE = 100
WINDOW_STEPS = 60  # a window of time is thinned when all of it is old enough, so that few slots are cut in two
WINDOW_S = 600
PIECE = 200  # columns or rows, about a millisecond

CALM, FULL = 0.7, 0.95  # of the bytes that a file may have: from where on, and up to where, ages shrink

log = logging.getLogger("streamgauge.store")


def pressed(ages: Ages, least_s: float, share: float) -> Ages:
    """The ages in a file that is filled to a share of what it may have: the fuller, the nearer to `least_s`.

    So detail goes before data does: what is thinned gives back space, and the ages find their balance.
    """
    left = min(1.0, max(0.0, (FULL - share) / (FULL - CALM)))
    return [(step, least_s + (age_s - least_s) * left) for step, age_s in ages]


class Thinning:
    """Of the parts of an open file. It ends when something was thinned (`done`), or nothing is old enough."""

    def __init__(self, parts: Parts, ages: Ages, now: float) -> None:
        self._parts = parts
        self._ages = ages
        self._now = now
        self.done = False
        self.damaged = 0  # batches and rows that were left out

    def pieces(self) -> Pieces:
        """Does a piece each time. Raises sqlite3.Error. To be given up if anything was deleted meanwhile."""
        for number, (step, age_s) in reversed(list(enumerate(self._ages))):
            before = self._now - age_s
            for finer, _ in self._ages[:number]:
                if group := self._parts_before(finer, step, before):
                    yield from self._merge(finer, step, group)
                    return
            if spans := self._spans_before(step, before):
                yield from self._thin(step, spans)
                return

    def _spans_before(self, step: int, before: float) -> list[tuple[int, float, int]]:
        """Of the window of the oldest batch, as far as it goes without interruption."""
        if not (spans := self._parts.spans(1)) or (end := _window_end(spans[0][1], step)) > before:
            return []
        spans = self._parts.spans(BATCHES_AT_ONCE)
        return spans[: next((at for at, span in enumerate(spans) if span[1] >= end), None)]

    def _parts_before(self, finer: int, step: int, before: float) -> list[Part]:
        """Of the window of the oldest part."""
        oldest = self._parts.oldest(finer, before, 1)
        if not oldest or (end := _window_end(oldest[0].time, step)) > before:
            return []
        return self._parts.oldest(finer, end, PARTS_AT_ONCE)

    def _thin(self, step: int, spans: Sequence[tuple[int, float, int]]) -> Pieces:
        found: dict[int, _Gathered] = {}
        taken, last, at = 0, 0, -math.inf
        for seq, time, count in spans:
            if last and (taken + count > SLOTS_AT_ONCE or len(found) > ROWS_AT_ONCE):
                break
            for number, (key, times, values) in enumerate(self._columns(seq)):
                if number % PIECE == 0:
                    yield
                found.setdefault(key, _Gathered()).take(times, values)
            taken, last, at = taken + count, seq, max(at, time)
            yield
        made = Made()
        for number, key in enumerate(sorted(found)):
            if number % PIECE == 0:
                yield
            made.add(key, step, found[key].columns(), found[key].texts)
        with self._parts.transaction():
            self._parts.delete_batches(last)
            self._parts.insert(step, made, at, spans[0][0])
        self.done = True

    def _columns(self, seq: int) -> list[Column]:
        try:
            return decode(self._parts.batch(seq))
        except DamagedError as error:
            self._leave_out(error, seq=seq)
            return []

    def _leave_out(self, error: DamagedError, **where: int) -> None:
        self.damaged += 1
        log.error("stored data is left out", extra={"problem": str(error), **where})

    def _merge(self, finer: int, step: int, group: Sequence[Part]) -> Pieces:
        used, made = {part.part: Held() for part in group}, Made()
        taken, rows, last = 0, 0, 0
        keys = self._parts.keys(group)
        for key in sorted(keys):
            if taken >= SLOTS_AT_ONCE or rows > ROWS_AT_ONCE:
                break
            columns, texts = list[Columns](), Texts([], [])
            for part in keys[key]:
                data = self._parts.row(part, key)
                used[part].slots += (size := slots_in(data))
                used[part].bytes += len(data) + ROW_BYTES
                taken, rows, last = taken + size, rows + 1, key
                self._take(data, columns, texts, part=part, key=key)
                if rows % PIECE == 0:
                    yield
            made.add(key, step, joined(columns), texts)
        yield
        with self._parts.transaction():
            for each in group:
                self._parts.remove(finer, each, last, used[each.part])
            self._parts.insert(step, made, max(each.time for each in group), min(each.first for each in group))
        self.done = True

    def _take(self, data: bytes, columns: list[Columns], texts: Texts, **where: int) -> None:
        try:
            row = decode_row(data)
        except DamagedError as error:
            self._leave_out(error, **where)
            return
        if isinstance(row, Texts):
            texts.times.extend(row.times)
            texts.values.extend(row.values)
        else:
            columns.append(row)


class _Gathered:
    """The samples of one series."""

    __slots__ = ("texts", "times", "values")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[float] = []
        self.texts = Texts([], [])

    def take(self, times: Sequence[float], values: Sequence[float] | list[str]) -> None:
        if isinstance(values, list):
            self.texts.times.extend(times)
            self.texts.values.extend(values)
        else:
            self.times.extend(times)
            self.values.extend(values)

    def columns(self) -> Columns:
        return samples(self.times, self.values)


def _window_end(at: float, step: int) -> float:
    width = max(WINDOW_S, WINDOW_STEPS * step)
    return (at // width + 1) * width
