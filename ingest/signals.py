import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

import trio

INIT = 1  # the first process of a container: what a signal does by itself does not happen to it


@asynccontextmanager
async def until_signalled(*, serving: bool = False) -> AsyncIterator[None]:
    """Run the body until SIGINT or SIGTERM cancels it; the block then ends without an exception.

    A second signal meanwhile has its ordinary meaning, so that whoever is impatient is obeyed. That of ctrl-C is a
    KeyboardInterrupt, which a body that shields its end does not see; with `serving` it ends the process as SIGTERM
    does: at once, by the signal itself, whatever the loop is at.
    """
    async with trio.open_nursery() as nursery:
        await nursery.start(_cancel_at_signal, nursery.cancel_scope, serving)
        yield
        nursery.cancel_scope.cancel()


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


async def _cancel_at_signal(
    scope: trio.CancelScope, serving: bool, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            break
    if serving:
        # And they stay like that: what is left of the process is its end.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end_at_once if os.getpid() == INIT else signal.SIG_DFL)
    scope.cancel()
