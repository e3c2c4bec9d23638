"""Who is let go when too much of answers waits for those who take nothing. Pure."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

MOTIONLESS_S = 2.0  # after less than that it may only be thinking


class Waiting(Protocol):
    """A connection, seen from here."""

    @property
    def answers_bytes(self) -> int:
        """Of answers and descriptions that wait for it, what is half written included."""

    def motionless_s(self, now: float) -> float:
        """For how long it has taken nothing of what waits."""


Reader = TypeVar("Reader", bound=Waiting)


def too_much(connections: Iterable[Reader], most: int, now: float) -> list[Reader]:
    """Those who take nothing, largest first, without which no more than `most` bytes wait; fewer if too many do.

    `now` is on the steady clock.
    """
    sizes = {connection: connection.answers_bytes for connection in connections}
    over, found = sum(sizes.values()) - most, list[Reader]()
    if over <= 0:
        return found
    for connection in sorted(filter(sizes.__getitem__, sizes), key=sizes.__getitem__, reverse=True):
        if connection.motionless_s(now) >= MOTIONLESS_S:
            found.append(connection)
            over -= sizes[connection]
            if over <= 0:
                break
    return found
