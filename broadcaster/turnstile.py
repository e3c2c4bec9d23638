"""A few at a time, so that a crowd of connections that come or go at once does not make everybody else wait."""

from collections.abc import Callable

import trio

AT_ONCE = 4  # in one turn of the event loop, which has work of its own: a handshake is half a millisecond's
CROWD = 64
PAUSE_S = 0.001  # so that a crowd has a third of the event loop at most, and 500 to 1,000 come in a second


class Turnstile:
    """Lets a few tasks pass in each turn of the event loop, in the order in which they came, while `run` runs.

    While it is `busy` with what others wait for, it is one in `PAUSE_S`.
    """

    __slots__ = ("_busy", "_free", "_lot", "_used")

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self._busy = busy
        self._free = AT_ONCE  # may still pass in this turn
        self._lot = trio.lowlevel.ParkingLot()
        self._used = trio.Event()

    @property
    def crowded(self) -> bool:
        """So many wait that nobody else should be asked in."""
        return len(self._lot) >= CROWD

    async def passed(self) -> None:
        """Returns at once while there is nobody else, so it need not be a checkpoint."""
        self._used.set()
        if self._free:
            self._free -= 1
        else:
            await self._lot.park()

    async def run(self) -> None:
        """Turn after turn, until cancelled."""
        while True:
            await self._used.wait()
            self._used = trio.Event()
            busy = self._busy()
            most = 1 if busy else AT_ONCE
            await trio.sleep(PAUSE_S if busy else 0)
            passed = self._lot.unpark(count=most)
            self._free = 0 if self._lot else most - len(passed)
            if passed:
                self._used.set()
