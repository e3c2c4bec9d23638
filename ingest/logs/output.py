"""The way out for log lines: whoever logs never waits, because a pipe that nobody reads would hold up everything.

A line is put into a bounded queue, which a thread empties; what does not fit is counted, and told when there is room.
"""

import contextlib
import logging
import os
import queue
import select
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from ingest.logs.floods import Floods

LINES_MAX: Final = 1_000
PER_S: Final = 2.0
BURST: Final = 20
TELL_S: Final = 5.0
CLOSE_S: Final = 1.0
LOOK_S: Final = 0.5

log = logging.getLogger("streamgauge.log")


@dataclass(slots=True)
class LogCounts:
    """Since the start."""

    lines: Counter[str] = field(default_factory=Counter)  # by level, those withheld and dropped included
    withheld: int = 0
    dropped: int = 0


class Output(logging.Handler):
    """Writes lines to the descriptor `number` from a thread of its own, until `close`."""

    def __init__(self, number: int, *, lines_max: int = LINES_MAX, per_s: float = PER_S, burst: int = BURST) -> None:
        super().__init__()
        self._number = number
        self._queue: queue.Queue[bytes] = queue.Queue(lines_max)
        self._floods = Floods(per_s, burst)
        self._told = 0  # of those dropped
        self._closing = threading.Event()
        self.counts = LogCounts()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self.counts.lines[record.levelname.lower()] += 1
        if record.levelno < logging.CRITICAL:
            kind = record.name, record.levelno, record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            withheld = self._floods.take(kind, time.monotonic())
            if withheld is None:
                self.counts.withheld += 1
                return
            if withheld:
                record.withheld = withheld
        try:
            line = self.format(record)
        except Exception:  # as logging does: what cannot be told shall not end what it is about
            self.handleError(record)
            return
        try:
            self._queue.put_nowait(f"{line}\n".encode("utf-8", "backslashreplace"))
        except queue.Full:
            self.counts.dropped += 1

    def _run(self) -> None:
        while True:
            closing = self._closing.is_set()
            try:
                self._write(self._queue.get(not closing, LOOK_S))
            except queue.Empty:
                if closing:
                    return
                self._tell()

    def _tell(self) -> None:
        """What was kept back and not said since; and what was lost."""
        self.acquire()
        try:
            overdue = self._floods.overdue(time.monotonic(), TELL_S)
            dropped, self._told = self.counts.dropped - self._told, self.counts.dropped
        finally:
            self.release()
        for kind, count in overdue:
            what = str(kind[2]) if isinstance(kind, tuple) else "others"
            log.info("log lines withheld", extra={"of": what, "withheld_lines": count})
        if dropped:
            log.warning("log lines dropped", extra={"dropped_lines": dropped})

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:  # whoever made the pipe shares it, and likes it so
                select.select([], [self._number], [], LOOK_S)
            except OSError:  # nobody reads any more
                self.counts.dropped += 1
                return

    def close(self) -> None:
        """Waits a moment for what is not yet written."""
        self._closing.set()
        with contextlib.suppress(queue.Full):  # it is not waiting then
            self._queue.put_nowait(b"")
        self._thread.join(CLOSE_S)
        super().close()


def finish() -> None:
    """Has all written that was logged, so that what is said next comes after it. Nothing is logged any more."""
    for each in logging.getLogger().handlers:
        if isinstance(each, Output):
            each.close()


def counts() -> LogCounts:
    """What this process logged; nothing if its logs go elsewhere."""
    found = (each.counts for each in logging.getLogger().handlers if isinstance(each, Output))
    return next(found, LogCounts())
