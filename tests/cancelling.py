"""Cancels a scope at one checkpoint after another, so that a test sees what each `await` leaves behind."""

from collections.abc import Callable

import trio


class CancelAfter(trio.abc.Instrument):
    """Cancels `scope` when a task has stopped at a checkpoint for the `steps`th time; 0 cancels at once.

    That is where a cancellation arrives in a program: while tasks wait. `counts` says whose steps count.
    """

    def __init__(self, scope: trio.CancelScope, steps: int, counts: Callable[[trio.lowlevel.Task], bool]) -> None:
        self._scope = scope
        self._left = steps
        self._counts = counts
        self.over = steps == 0
        if self.over:
            scope.cancel()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.over or not self._counts(task):
            return
        self._left -= 1
        if not self._left:
            self.over = True
            self._scope.cancel()


def this_task() -> Callable[[trio.lowlevel.Task], bool]:
    """Only the steps of whoever asks."""
    mine = trio.lowlevel.current_task()
    return lambda task: task is mine


def any_task(task: trio.lowlevel.Task) -> bool:
    return True
