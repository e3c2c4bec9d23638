"""What is stored of some series in a range of time. For threads of their own: each answer has its own connection.

Everything is read as of one moment. Steps are taken up from the coarsest to the finest, so that the step of the answer
is known before anything is put together.
"""

import logging
import math
import sqlite3
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import orjson

from broadcaster.ring import text_bytes
from broadcaster.selection import Selection, selects
from broadcaster.store.codec import DamagedError, decode
from broadcaster.store.file import LOG_BYTES, log_bytes
from broadcaster.store.thinned import Columns, Slots, Texts, decode_row, fold, samples
from ingest.messages import MessageError
from ingest.samples import Kind, Series

STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800)
CHECK_OPERATIONS = 10_000  # of SQLite's machine, between looks at the time
GATHERED = 10_000  # samples of a series that wait to be put together
TURN = 20  # batches or rows after which the event loop may go on
ANSWER_BYTES = 16_777_216
NUMBERS_AT_ONCE = 1_000  # encoded at once
TEXTS_AT_ONCE = 100
LOG_WAIT_S = 0.05
PIECE_BYTES = 16_384  # encoded, after which the event loop may go on
FIRSTS = (
    "SELECT min(first) FROM parts WHERE low < ? AND high > ?",
    "SELECT min(seq) FROM spans WHERE low IS NULL OR (low < ? AND high >= ?)",
)
ROWS = "SELECT t.key, t.data FROM wanted w CROSS JOIN thinned t ON t.part = ? AND t.key = w.key"
BATCHES = """
SELECT seq, data FROM spans JOIN batches USING (seq) WHERE low IS NULL OR (low < ? AND high >= ?) ORDER BY seq
"""

log = logging.getLogger("streamgauge.store")


@dataclass(frozen=True, slots=True)
class Query:
    """Times are Unix seconds, [start, end)."""

    selection: Selection
    may_see: Callable[[str], bool]
    start: float
    end: float
    step: int | None  # None: as fine as can be had
    points_max: int
    series_max: int

    def slots(self, step: int) -> int:
        return math.ceil(self.end / step) - math.floor(self.start / step)

    @property
    def least(self) -> int:
        """The answer's step is not less."""
        return self.step or next((step for step in STEPS if self.slots(step) <= self.points_max), STEPS[-1])

    def chosen(self, base: int, series: int) -> int:
        """The step of the answer, where the coarsest data is of the step `base`. Raises MessageError (too_much)."""
        most = self.points_max // max(series, 1)
        enough = next((step for step in STEPS if step % base == 0 and self.slots(step) <= most), None)
        if enough is None:
            raise MessageError("too_much", f"to: at most {self.points_max} points, of {series} series; ask for less")
        if self.step is None:
            return enough
        step = math.ceil(self.step / base) * base
        if self.slots(step) > most:
            points = f"{self.slots(step)} points of {series} series, at most {self.points_max} in all"
            raise MessageError("too_much", f"step: {step} makes {points}; {enough} would do")
        return step


@dataclass(slots=True)
class _Found:
    """A series, under whatever keys it was stored."""

    series: Series
    kind: Kind
    unit: str | None
    help: str | None
    slots: Slots = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    texts: list[tuple[float, str]] = field(default_factory=list)

    def fold(self, step: int) -> None:
        """What waits for it."""
        fold(self.slots, step, samples(self.times, self.values))
        self.times, self.values = [], []

    @property
    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = {"metric": self.series.metric, "tags": dict(self.series.tags)}
        return about | {"unit": self.unit, "kind": self.kind, "help": self.help}

    def columns(self, step: int) -> dict[str, list[Any]]:
        if self.kind == "event":
            ordered = sorted(self.texts, key=lambda each: each[0])
            return {"times": [time for time, _ in ordered], "values": [value for _, value in ordered]}
        held = [(int(slot) * step, self.slots[slot]) for slot in sorted(self.slots)]
        columns: dict[str, list[Any]] = {
            "times": [time for time, _ in held],
            "min": [slot.min for _, slot in held],
            "max": [slot.max for _, slot in held],
            "mean": [slot.mean for _, slot in held],
            "count": [int(slot.count) for _, slot in held],
        }
        if self.kind == "counter":
            columns["last"] = [slot.last for _, slot in held]
        return columns

    def encoded(self, step: int) -> Iterator[bytes]:
        """JSON, in pieces of about a millisecond."""
        yield orjson.dumps(self.about)[:-1]
        at_once = TEXTS_AT_ONCE if self.kind == "event" else NUMBERS_AT_ONCE
        for name, column in self.columns(step).items():
            yield b',"%s":[' % name.encode()
            for at in range(0, len(column), at_once):
                yield (b"," if at else b"") + orjson.dumps(column[at : at + at_once])[1:-1]
            yield b"]"
        yield b"}"


class Reading:
    """One answer. `stopped` is asked now and then; when it says so, or the time is over, TimeoutError is raised."""

    def __init__(self, path: Path, query: Query, within_s: float, stopped: Callable[[], bool]) -> None:
        self._path = path
        self._query = query
        self._deadline = time.monotonic() + within_s
        self._stopped = stopped
        self._keys: dict[int, _Found] = {}
        self._step = self._low = self._high = 0
        self._texts = self._text_bytes = self._turns = 0

    def answer(self) -> bytes:
        """JSON. Raises MessageError (too_much, busy), TimeoutError, sqlite3.Error."""
        self._wait_for_log()
        sql = sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True, isolation_level=None)
        try:
            sql.set_progress_handler(lambda: int(self._over), CHECK_OPERATIONS)
            sql.execute("PRAGMA temp_store = MEMORY")
            sql.execute("CREATE TEMP TABLE wanted (key INTEGER PRIMARY KEY)")
            sql.execute("BEGIN")
            self._find(sql)
            if self._keys:
                self._read_parts(sql)
                self._read_batches(sql)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TimeoutError from error
            raise
        finally:
            sql.close()
        return self._result()

    def _wait_for_log(self) -> None:
        """One that is too large cannot be emptied while anybody reads."""
        while log_bytes(self._path.parent) > LOG_BYTES:
            if self._stopped():
                raise TimeoutError
            if self._over:
                raise MessageError("busy", f"history: the log of the store is over {LOG_BYTES} bytes; ask again later")
            time.sleep(LOG_WAIT_S)

    @property
    def _over(self) -> bool:
        return self._stopped() or time.monotonic() > self._deadline

    def _turn(self) -> None:
        self._turns += 1
        if self._turns % TURN == 0:
            self._give_way()

    def _give_way(self) -> None:
        """To the event loop."""
        time.sleep(0)
        if self._over:
            raise TimeoutError

    def _find(self, sql: sqlite3.Connection) -> None:
        """The series that are selected, and were not forgotten before anything in the range came."""
        query = self._query
        bounds = _outwards(query, query.least)[::-1]
        firsts = (
            sql.execute("SELECT min(first) FROM parts WHERE low < ? AND high > ?", bounds).fetchone()[0],
            sql.execute("SELECT min(seq) FROM spans WHERE low IS NULL OR (low < ? AND high >= ?)", bounds).fetchone()[
                0
            ],
        )
        known = [first for first in firsts if first is not None]
        if not known:
            return
        found: dict[tuple[Series, bool], _Found] = {}
        rows = sql.execute(
            "SELECT key, metric, tags, kind, unit, help FROM series WHERE gone IS NULL OR gone >= ? ORDER BY key",
            (min(known),),
        )
        for key, metric, tags, kind, unit, help_ in rows:
            self._turn()
            series = Series(metric, tuple(sorted(orjson.loads(tags).items())))
            if query.may_see(metric) and selects(query.selection, series):
                entry = found.setdefault((series, kind == "event"), _Found(series, cast(Kind, kind), unit, help_))
                entry.kind, entry.unit, entry.help = cast(Kind, kind), unit, help_
                self._keys[key] = entry
        if len(found) > query.series_max:
            raise MessageError("too_much", f"select: {len(found)} series, at most {query.series_max} in one answer")
        sql.executemany("INSERT INTO wanted VALUES (?)", ((key,) for key in self._keys))

    def _read_parts(self, sql: sqlite3.Connection) -> None:
        query = self._query
        base: int | None = next((step for step, found, row in self._rows(sql) if self._is_in(row, step)), 1)
        while base is not None:
            self._step = step = query.chosen(base, len({id(found) for found in self._keys.values()}))
            self._low, self._high = _outwards(query, step)
            base = self._unfit(sql, step)
        for _, found, row in self._rows(sql):
            if isinstance(row, Texts):
                self._take_texts(found, row.times, row.values)
            else:
                fold(found.slots, step, row.cut(*(bisect_left(row.times, at) for at in (self._low, self._high))))

    def _unfit(self, sql: sqlite3.Connection, step: int) -> int | None:
        """The step of what the ends have, in whole slots, that cannot be put together to this step."""
        for coarser, _, row in self._rows(sql, step):
            low, high = self._low // coarser * coarser, self._high
            if not isinstance(row, Texts) and bisect_left(row.times, low) < bisect_left(row.times, high):
                return coarser
        return None

    def _rows(self, sql: sqlite3.Connection, unfit: int = 0) -> Iterator[tuple[int, _Found, Columns | Texts]]:
        """Thinned ones of all steps, the coarsest first. `unfit`: only of those that this step is no multiple of."""
        steps = [step for (step,) in sql.execute("SELECT DISTINCT step FROM parts ORDER BY step DESC").fetchall()]
        for step in (step for step in steps if not unfit or unfit % step):
            low, high = _outwards(self._query, self._step or step)
            parts = sql.execute("SELECT part FROM parts WHERE step = ? AND low < ? AND high > ?", (step, high, low))
            for (part,) in parts.fetchall():
                for key, data in sql.execute(ROWS, (part,)):
                    self._turn()
                    try:
                        yield step, self._keys[key], decode_row(data)
                    except DamagedError as error:
                        extra = {"problem": str(error), "part": part, "key": key}
                        log.error("stored data is left out", extra=extra)

    def _is_in(self, row: Columns | Texts, step: int) -> bool:
        low, high = _outwards(self._query, step)
        return not isinstance(row, Texts) and bisect_left(row.times, low) < bisect_left(row.times, high)

    def _take_texts(self, found: _Found, times: Any, values: list[str]) -> None:
        query = self._query
        for at, value in zip(times, values, strict=True):
            if query.start <= at < query.end:
                found.texts.append((at, value))
                self._texts += 1
                self._text_bytes += text_bytes(value)
        if self._texts > query.points_max:
            raise MessageError("too_much", f"to: more than {query.points_max} events, which is the most; ask for less")
        self._check_bytes(self._text_bytes)

    def _check_bytes(self, size: int) -> None:
        if size > ANSWER_BYTES:
            less = "ask for a shorter range, for fewer series or for a larger step"
            raise MessageError(
                "too_much", f"to: more than {ANSWER_BYTES} bytes, which is the most in one answer; {less}"
            )

    def _read_batches(self, sql: sqlite3.Connection) -> None:
        wanted = self._keys.keys()
        for seq, data in sql.execute(BATCHES, (self._high, self._low)):
            self._turn()
            try:
                columns = decode(data, wanted)
            except DamagedError as error:
                log.error("stored data is left out", extra={"problem": str(error), "seq": seq})
                continue
            for key, times, values in columns:
                found = self._keys[key]
                if isinstance(values, list):
                    self._take_texts(found, times, values)
                else:
                    self._gather(found, times, values)
        for found in self._keys.values():
            found.fold(self._step)

    def _gather(self, found: _Found, times: Any, values: Any) -> None:
        if min(times) < self._low or max(times) >= self._high:
            held = [(at, value) for at, value in zip(times, values, strict=True) if self._low <= at < self._high]
            times, values = [at for at, _ in held], [value for _, value in held]
        found.times.extend(times)
        found.values.extend(values)
        if len(found.times) > GATHERED:
            found.fold(self._step)

    def _result(self) -> bytes:
        if not self._step:
            return nothing(self._query)
        kept = {id(found): found for found in self._keys.values() if found.slots or found.texts}
        ordered = sorted(kept.values(), key=lambda found: (found.series.metric, found.series.tags))
        head = orjson.dumps({"from": self._low, "to": self._high, "step": self._step})[:-1]
        pieces, size = [head, b',"series":['], 0
        since = 0
        for number, found in enumerate(ordered):
            if number:
                pieces.append(b",")
            for piece in found.encoded(self._step):
                pieces.append(piece)
                size += len(piece)
                self._check_bytes(size)
                since += len(piece)
                if since > PIECE_BYTES:
                    since = 0
                    self._give_way()
        return b"".join([*pieces, b"]}"])


def nothing(query: Query) -> bytes:
    """The answer where there is nothing. Raises MessageError (too_much)."""
    step = query.chosen(1, 0)
    low, high = _outwards(query, step)
    return orjson.dumps({"from": low, "to": high, "step": step, "series": []})


def _outwards(query: Query, step: int) -> tuple[int, int]:
    """Its range in whole slots."""
    return math.floor(query.start / step) * step, math.ceil(query.end / step) * step
