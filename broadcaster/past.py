"""What the HTTP side asks of the stored history: the parameters of a question, and how many are answered at once."""

import logging
import math
import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import cast

import trio

from broadcaster.addresses import Addresses
from broadcaster.auth import NOTHING, Grant
from broadcaster.config import BroadcasterConfig
from broadcaster.http_core import Answer
from broadcaster.places import Places
from broadcaster.selection import Selection
from broadcaster.store.file import NAME
from broadcaster.store.reader import STEPS, Query, Reading, nothing
from ingest.messages import MessageError
from ingest.samples import MAX_TIME, show

RANGE_S = 3_600.0
WAIT_S = 1.0  # for a place
UNREAD_BYTES = 67_108_864  # of answers that are being sent; half of it to one subject or address

log = logging.getLogger("streamgauge.store")


class Past:
    """Of one data directory. Neither the event loop nor the thread that writes waits for an answer."""

    def __init__(self, directory: Path, config: BroadcasterConfig) -> None:
        self._path = directory / NAME
        self._config = config
        self._places = Places(config.queries_max, WAIT_S)
        self._addresses = Addresses(0, config.trusted_networks)
        self._unread: Counter[str] = Counter()  # bytes by name

    @property
    def under_way(self) -> int:
        return self._places.taken

    async def answer(
        self, selection: Selection, parameters: Mapping[str, str], caller: Grant, address: str, now: float
    ) -> Answer:
        """JSON. Raises MessageError: bad_message, too_much, busy, too_long, no_history."""
        config, may_see = self._config, caller.may_subscribe
        start, end, step = _range(parameters, now)
        query = Query(selection, may_see, start, end, step, config.query_points, config.query_series)
        if caller.sight == NOTHING:
            return Answer(nothing(query))
        name = caller.subject or self._addresses.key(address) or ""
        self._check_unread(name)
        stopped = threading.Event()

        def read() -> bytes:
            return Reading(self._path, query, config.query_s, stopped.is_set).answer()

        place = cast(trio.CapacityLimiter, _Place(self._places, name))
        try:
            body = await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=place)
        except TimeoutError:
            raise MessageError("too_long", f"history: no answer within {config.query_s:g} s; ask for less") from None
        except sqlite3.Error as error:
            log.error("the stored history cannot be read", extra={"problem": str(error)})
            raise MessageError("cannot_read", "history: what is stored cannot be read at the moment") from None
        finally:
            stopped.set()  # whoever asked has gone: the thread ends soon
        self._unread[name] += len(body)
        return Answer(body, partial(self._taken, name, len(body)))

    def _check_unread(self, name: str) -> None:
        """Of somebody who does not take what he asked for. Raises MessageError (busy)."""
        if self._unread.total() >= UNREAD_BYTES or (name and self._unread[name] >= UNREAD_BYTES // 2):
            problem = f"history: at most {UNREAD_BYTES} bytes of answers wait to be taken, half of them by one"
            raise MessageError("busy", f"{problem} subject or address; ask again later")

    def _taken(self, name: str, size: int) -> None:
        self._unread -= Counter({name: size})


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
    if len(text) > 9 or not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= STEPS[-1]:
        raise MessageError("bad_message", f"step: expected whole seconds from 1 to {STEPS[-1]}, got {show(text)}")
    return int(text)
