import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def until_signalled() -> AsyncIterator[None]:
    """Run the body until SIGINT or SIGTERM cancels it; the block then ends without an exception.

    A second signal meanwhile has its ordinary meaning, so that whoever is impatient is obeyed.
    """
    async with trio.open_nursery() as nursery:
        await nursery.start(_cancel_at_signal, nursery.cancel_scope)
        yield
        nursery.cancel_scope.cancel()


async def _cancel_at_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            break
    scope.cancel()
