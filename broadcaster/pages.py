"""The pages of a backfill that a socket takes one by one, and what waits in the mailbox meanwhile. Pure."""

from collections.abc import Callable, Iterator

from broadcaster.backfill import OTHERS_FIRST
from broadcaster.frames import text_frame
from broadcaster.mailbox import Mailbox


class Pages:
    """A page, then all that had begun to wait when it was sent, then the next page, and so on.

    So answers wait for one page more at most, and of two pongs of which the second was asked for when the first had
    been heard, there is a page between them if there are any left: that is how a client knows that there are none.
    """

    __slots__ = ("_first", "_payloads", "_turn", "done")

    def __init__(self, payloads: Iterator[bytes], done: Callable[[], None], first: bytes | None = None) -> None:
        """`first`: a page that was taken from the payloads already, to see whether there are any."""
        self._first = first
        self._payloads = payloads
        self._turn: int | None = None  # tickets of the mailbox that go before the next page; None: one was just sent
        self.done = done

    def take(self, mailbox: Mailbox | None) -> bytes | None:
        """The next frame: a page, or what goes before it. None: there are no more pages; `done` is to be called.

        Empty: others have their turn before the page is made.
        """
        if mailbox is not None:
            if self._turn is None:
                self._turn = mailbox.tickets
            if (frame := mailbox.take(self._turn)) is not None:
                return frame
        payload, self._first = self._first or next(self._payloads, None), None
        if payload == OTHERS_FIRST:
            return payload
        self._turn = None
        return None if payload is None else text_frame(payload)
