"""SIGHUP: the settings are read again, and what can change while a server runs does."""

import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import trio
from pydantic import BaseModel

from ingest.errors import CommandError
from ingest.notify import notify

log = logging.getLogger("streamgauge.reload")

M = TypeVar("M", bound=BaseModel)


async def reload_at_hangup(
    read: Callable[[], M],
    take: Callable[[M], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled: at each SIGHUP `take` gets what `read` gives, which may raise CommandError.

    Settings that are wrong are logged by the name they were given by, and nothing changes. A server whose terminal is
    closed ends, as ever: it hears of that by the same signal.
    """
    terminal = os.isatty(0)
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            if terminal and not os.isatty(0):
                os.kill(os.getpid(), signal.SIGTERM)
                return
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                settings = read()
            except CommandError as error:
                log.error("the configuration stays as it was: %s", error)
            else:
                take(settings)
            notify("READY=1")


def change(settings: BaseModel, others: BaseModel, in_place: Collection[str]) -> Mapping[str, Any]:
    """Changes what differs and may: in the very object, so that whoever reads a setting when it is needed sees it.

    Logs the names of what has changed, and of what needs a restart. Returns the new values.
    """
    different = {name: value for name, value in others if value != getattr(settings, name)}
    changed = {name: value for name, value in different.items() if name in in_place}
    later = sorted(different.keys() - changed.keys())
    vars(settings).update(changed)  # they are frozen against accidents, and this is none
    log.info("the configuration was read again", extra={"changed": ",".join(sorted(changed)) or "nothing"})
    if later:
        log.warning("settings that need a restart: %s", ", ".join(later))
    return changed
