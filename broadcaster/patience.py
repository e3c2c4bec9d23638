"""For how long a connection may be of no use, or take nothing of what waits for it. Pure."""

from typing import Protocol

from broadcaster import errors
from broadcaster.config import BroadcasterConfig
from broadcaster.errors import Close


class Watched(Protocol):
    """A connection, seen from here."""

    @property
    def useful(self) -> bool:
        """It is subscribed or has published."""

    def stuck(self) -> int | None:
        """What the system holds for it, in bytes, if more waits. None: nothing waits."""


class Patience:
    """Asked again and again, once a second or so. Times are seconds of a steady clock."""

    __slots__ = ("_idle_s", "_moved_at", "_since", "_stuck", "_useful", "_write_s")

    def __init__(self, config: BroadcasterConfig, now: float) -> None:
        self._idle_s = config.idle_s
        self._write_s = config.write_s
        self._since = now
        self._useful = False
        self._stuck: int | None = None
        self._moved_at = now

    def motionless_s(self, now: float) -> float:
        """For how long nothing was taken of what the system holds; 0 if that is nothing, and more is on its way."""
        return now - self._moved_at if self._stuck else 0.0

    def ends(self, connection: Watched, now: float) -> tuple[str, Close] | None:
        """Why it ends now: the name of the limit, and the close."""
        self._useful = self._useful or connection.useful
        if self._idle_s and not self._useful and now - self._since >= self._idle_s:
            return "idle", errors.IDLE
        stuck = connection.stuck()
        if stuck is None or stuck != self._stuck:  # anything the peer takes, or that is written, changes it
            self._stuck, self._moved_at = stuck, now
        elif self._write_s and now - self._moved_at >= self._write_s:
            return "write_time", errors.TOO_SLOW
        return None
