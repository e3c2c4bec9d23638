"""A few at a time, so that a crowd of connections that come or go at once does not make everybody else wait."""

import trio

AT_ONCE = 4  # in one turn of the event loop: a handshake is half a millisecond's work
CROWD = 64


class Turnstile:
    """Lets a few tasks pass in each turn of the event loop, in the order in which they came, while `run` runs."""

    __slots__ = ("_free", "_lot", "_used")

    def __init__(self) -> None:
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
            await trio.lowlevel.checkpoint()
            passed = self._lot.unpark(count=AT_ONCE)
            self._free = 0 if self._lot else AT_ONCE - len(passed)
            if passed:
                self._used.set()
