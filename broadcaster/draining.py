"""Going down well: nobody loses what waits for it, and everybody learns when to come back."""

from collections.abc import Iterable

import trio

from broadcaster import errors
from broadcaster.errors import Close
from broadcaster.roster import Roster
from broadcaster.shared import Shared
from broadcaster.transports.websocket import Connection

CLOSES_AT_ONCE = 32  # some ten milliseconds of work
REST_S = 0.005
HURRY = 0.8  # of drain_s


async def drain(shared: Shared, roster: Roster) -> None:
    """Says `bye` to everybody and waits for them to go.

    Producers first: what was acknowledged is then flushed, and subscribers get it. Those for whom nothing waits are
    next, and those who are slow have half of `drain_s` to take what does.
    """
    config, began = shared.config, trio.current_time()
    bye = _bye(shared)
    hurry = began + HURRY * config.drain_s
    await _close((each for each in roster if each.session.published or each.session.producer), bye, hurry)
    shared.hub.flush(trio.current_time())
    await _close((each for each in roster if not each.writing), bye, hurry)
    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = began + config.drain_s / 2
        for connection in roster:
            if connection.writing:
                nursery.start_soon(connection.drained)
    await _close(roster, bye, hurry)
    await roster.emptied()


def cut_off(shared: Shared, roster: Roster) -> None:
    """The time is over. Who is still there is told, if its socket takes it, and nothing more is waited for."""
    bye = _bye(shared)
    for connection in roster:
        connection.part(bye)


def _bye(shared: Shared) -> Close:
    spread = 0.0, shared.config.reconnect_spread_s
    return Close(errors.SHUTTING_DOWN.code, errors.SHUTTING_DOWN.reason, spread)


async def _close(connections: Iterable[Connection], close: Close, hurry: float) -> None:
    """In batches, because closing is work: thousands at once would hold up all the others.

    From the moment `hurry` on all at once, and without waiting for their answer: nobody shall be cut off unheard.
    """
    for number, connection in enumerate(connections, 1):
        late = trio.current_time() >= hurry
        if not (late and connection.part(close)):
            connection.close(close)
        if not number % CLOSES_AT_ONCE and not late:
            await trio.sleep(REST_S)
