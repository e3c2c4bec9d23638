"""Going down well: nobody loses what waits for it, and everybody learns when to come back."""

import trio

from broadcaster import errors
from broadcaster.errors import Close
from broadcaster.roster import Roster
from broadcaster.shared import Shared


async def drain(shared: Shared, roster: Roster) -> None:
    """Delivers what waits, then says `bye` to everybody and waits for them to go."""
    config = shared.config
    shared.hub.flush(trio.current_time())
    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + config.drain_s / 2
        for connection in roster:
            nursery.start_soon(connection.drained)
    code, reason = errors.SHUTTING_DOWN.code, errors.SHUTTING_DOWN.reason
    for connection in roster:
        connection.close(Close(code, reason, (0.0, config.reconnect_spread_s)))
    await roster.emptied()
