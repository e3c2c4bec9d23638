"""What the HTTP side asks of the stored history: the parameters of a question, and how many are answered at once."""

import logging
import math
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import trio

from broadcaster.addresses import neighbours
from broadcaster.auth import NOTHING, Grant
from broadcaster.config import BroadcasterConfig
from broadcaster.places import Places
from broadcaster.selection import Selection
from broadcaster.store.file import NAME
from broadcaster.store.reader import STEPS, Query, Reading, nothing
from ingest.messages import MessageError
from ingest.samples import MAX_TIME, show

RANGE_S = 3_600.0
WAIT_S = 1.0  # for a place

log = logging.getLogger("streamgauge.store")


class Past:
    """Of one data directory. Neither the event loop nor the thread that writes waits for an answer."""

    def __init__(self, directory: Path, config: BroadcasterConfig) -> None:
        self._path = directory / NAME
        self._config = config
        self._places = Places(config.queries_max, WAIT_S)

    @property
    def under_way(self) -> int:
        return self._places.taken

    async def answer(
        self, selection: Selection, parameters: Mapping[str, str], caller: Grant, address: str, now: float
    ) -> bytes:
        """JSON. Raises MessageError: bad_message, too_much, busy, too_long, no_history."""
        config, may_see = self._config, caller.may_subscribe
        start, end, step = _range(parameters, now)
        query = Query(selection, may_see, start, end, step, config.query_points, config.query_series)
        if caller.sight == NOTHING:
            return nothing(query)
        stopped = threading.Event()

        def read() -> bytes:
            return Reading(self._path, query, config.query_s, stopped.is_set).answer()

        place = cast(trio.CapacityLimiter, _Place(self._places, caller.subject or neighbours(address)))
        try:
            return await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=place)
        except TimeoutError:
            raise MessageError("too_long", f"history: no answer within {config.query_s:g} s; ask for less") from None
        except sqlite3.Error as error:
            log.error("the stored history cannot be read", extra={"problem": str(error)})
            raise MessageError("cannot_read", "history: what is stored cannot be read at the moment") from None
        finally:
            stopped.set()  # whoever asked has gone: the thread ends soon


class _Place:
    """What trio wants of a limiter. The thread gives back what it had when it ends, though nobody waits for it."""

    def __init__(self, places: Places, name: str) -> None:
        self._places = places
        self._name = name

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Raises MessageError (busy)."""
        if not await self._places.take(self._name):
            each = f"{self._places.most_of_one} of one subject or address"
            raise MessageError("busy", f"history: at most {self._places.most} answers at once, {each}; ask again later")

    def release_on_behalf_of(self, borrower: object) -> None:
        self._places.give_back(self._name)


def _range(parameters: Mapping[str, str], now: float) -> tuple[float, float, int | None]:
    end = _time(parameters, "to", now)
    start = _time(parameters, "from", end - RANGE_S)
    if not start < end:
        raise MessageError("bad_message", f"from: expected less than to, {end:.15g}, got {start:.15g}")
    return start, end, _step(parameters.get("step"))


def _time(parameters: Mapping[str, str], name: str, default: float) -> float:
    text = parameters.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -MAX_TIME <= value <= MAX_TIME:
        expected = f"Unix seconds between -{MAX_TIME} and {MAX_TIME}"
        raise MessageError("bad_message", f"{name}: expected {expected}, got {show(text)}")
    return value


def _step(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= STEPS[-1]:
        raise MessageError("bad_message", f"step: expected whole seconds from 1 to {STEPS[-1]}, got {show(text)}")
    return int(text[:9])
