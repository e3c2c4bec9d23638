"""What waits for one subscriber whose socket is full: a bounded memory channel of batches beside a lane of answers.

Answers are never dropped; batches are, by the subscriber's overflow policy, and every drop is announced by a gap. Every
item has a ticket, so that both lanes leave in the order in which they came. Series that are to be described wait as
such, and not as messages.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import trio

from broadcaster import messages
from broadcaster.audience import Batch
from broadcaster.descriptions import WAITING_BYTES, Undescribed, piece
from broadcaster.frames import text_frame
from broadcaster.history import Record
from broadcaster.messages import Gap
from broadcaster.newest import Newest, merged

Overflow = Literal["conflate", "drop_oldest", "disconnect"]
OVERFLOWS: Final = get_args(Overflow)
CONFLATED_SAMPLES = 10_000  # the most in one conflated message


@dataclass(slots=True)
class Loss:
    """Dropped batches that follow each other in one chain, not yet announced."""

    ticket: int
    chain: int
    gap: Gap
    newest: Newest | None = None  # None: only the gap will be told


@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """What waits now, and what was taken and dropped since the mailbox was made."""

    batches: int
    bytes: int
    control_bytes: int
    taken_batches: int
    taken_samples: int
    taken_bytes: int
    dropped_batches: int
    dropped_samples: int


class Mailbox:
    """Bounded in batches and bytes; `put` and `put_control` never wait.

    The newest samples of what was dropped count, too. Those of the last chain are at most one a series; those of
    chains before it go as soon as all take more than half of the bytes.
    """

    def __init__(
        self,
        epoch: str,
        overflow: Overflow,
        batches_max: int,
        bytes_max: int,
        control_bytes_max: int,
        describe: Callable[[Record], Mapping[str, Any]] = Record.descriptor,
    ) -> None:
        self.overflow = overflow
        self._describe = describe
        self._epoch = epoch
        self._batches_max = batches_max
        self._bytes_max = bytes_max
        self._control_bytes_max = control_bytes_max
        self.tickets = 0  # given out so far
        self._chain = 0
        self._control: deque[tuple[int, bytes]] = deque()
        self._undescribed = Undescribed()
        self._send, self._receive = trio.open_memory_channel[tuple[int, int, Batch]](batches_max)
        self._head: tuple[int, int, Batch] | None = None  # taken from the channel to see its ticket
        self._losses: deque[Loss] = deque()
        self._batches = self._bytes = self._newest_bytes = self._control_bytes = 0
        self._taken_batches = self._taken_samples = self._taken_bytes = 0
        self._dropped_batches = self._dropped_samples = 0

    @property
    def empty(self) -> bool:
        return not (self._control or self._batches or self._losses or self._undescribed.bytes)

    @property
    def control_bytes(self) -> int:
        """Of answers and descriptions that wait."""
        return self._control_bytes + self._undescribed.bytes

    def put_control(self, frame: bytes, *, new_chain: bool = False) -> bool:
        """Adds an answer; False if too many wait already. `new_chain`: it names where `prev` goes on from."""
        if self.control_bytes + len(frame) > self._control_bytes_max:
            return False
        self._control.append((self._ticket(), frame))
        self._control_bytes += len(frame)
        self._chain += new_chain
        return True

    def put_series(self, records: Iterable[Record]) -> bool:
        """Series to be described before what comes next; False if too much waits already."""
        others = self._undescribed.others(records)
        if self.control_bytes + len(others) * WAITING_BYTES > self._control_bytes_max:
            return False
        if others:
            self._undescribed.add(self._ticket(), others)
        return True

    def put(self, batch: Batch) -> bool:
        """Adds a batch, dropping by the overflow policy; False if the policy is to disconnect."""
        if not self._fits(batch):
            if self.overflow == "disconnect":
                return False
            self._make_room(batch)
        self._send.send_nowait((self._ticket(), self._chain, batch))
        self._batches += 1
        self._bytes += batch.held_bytes
        return True

    def _make_room(self, batch: Batch) -> None:
        if self.overflow == "drop_oldest":
            while not self._fits(batch):
                self._drop(*self._pop())
            return
        waiting = [self._pop() for _ in range(self._batches)]
        for chain, dropped in itertools.groupby(waiting, lambda item: item[1]):
            self._conflate(chain, [(ticket, each) for ticket, _, each in dropped])

    def _conflate(self, chain: int, dropped: list[tuple[int, Batch]]) -> None:
        for ticket, batch in dropped:
            self._drop(ticket, chain, batch)
        loss = self._losses[-1]
        before = loss.newest
        parts = [batch.newest for _, batch in dropped]
        loss.newest = merged(parts if before is None else [before, *parts])
        self._newest_bytes += loss.newest.bytes - (before.bytes if before is not None else 0)
        for old in self._losses:
            if old is loss or self._newest_bytes <= self._bytes_max // 2:
                break
            if old.newest is not None:  # the oldest chains are told of by their gaps only
                self._newest_bytes -= old.newest.bytes
                old.newest = None

    def _ticket(self) -> int:
        self.tickets += 1
        return self.tickets - 1

    def _fits(self, batch: Batch) -> bool:
        if not self._batches:
            return True  # a batch larger than the bound is still delivered, alone
        room = self._batches < self._batches_max  # the channel would not count its head that was looked at
        return room and self._bytes + self._newest_bytes + batch.held_bytes <= self._bytes_max

    def _peek(self) -> tuple[int, int, Batch] | None:
        if self._head is None and self._batches:
            self._head = self._receive.receive_nowait()
        return self._head

    def _pop(self) -> tuple[int, int, Batch]:
        head = self._peek()
        assert head is not None
        self._head = None
        self._batches -= 1
        self._bytes -= head[2].held_bytes
        return head

    def _drop(self, ticket: int, chain: int, batch: Batch) -> None:
        self._dropped_batches += 1
        self._dropped_samples += batch.samples
        loss = self._losses[-1] if self._losses else None
        if loss is None or loss.chain != chain:
            loss = Loss(ticket, chain, Gap(batch.prev, batch.seq, 1, batch.samples))
            self._losses.append(loss)
        else:
            gap = loss.gap
            loss.ticket = ticket  # behind the descriptions of all its series
            loss.gap = Gap(gap.first, batch.seq, gap.batches + 1, gap.samples + batch.samples)

    def take(self, before: int | None = None) -> bytes | None:
        """The next frame in order, or None if nothing waits, or nothing with a ticket below `before`."""
        head = self._peek()
        tickets = (
            self._control[0][0] if self._control else None,
            self._losses[0].ticket if self._losses else None,
            head[0] if head else None,
        )
        first = min((ticket for ticket in tickets if ticket is not None), default=None)
        if (ticket := self._undescribed.ticket) is not None and (first is None or ticket < first):
            return self._take_series(math.inf if first is None else first, math.inf if before is None else before)
        if first is None or (before is not None and first >= before):
            return None
        if first == tickets[0]:
            _, frame = self._control.popleft()
            self._control_bytes -= len(frame)
            return frame
        if first == tickets[1]:
            return self._announce(self._losses.popleft())
        _, _, batch = self._pop()
        self._taken_batches += 1
        self._taken_samples += batch.samples
        self._taken_bytes += len(batch.frame)
        return batch.frame

    def _take_series(self, *before: float) -> bytes | None:
        """Those that go before all else that waits."""
        described = piece(map(self._describe, self._undescribed.take(min(before))))
        return text_frame(messages.described(described)) if described else None

    def _announce(self, loss: Loss) -> bytes:
        frames = [text_frame(loss.gap.encode())]
        if loss.newest is None:
            return frames[0]
        self._newest_bytes -= loss.newest.bytes
        newest = loss.newest.items()
        while part := list(itertools.islice(newest, CONFLATED_SAMPLES)):
            fragments = [messages.fragment(record.key, (time,), (value,)) for record, (time, value) in part]
            gap = loss.gap
            payload = messages.samples(self._epoch, gap.last, gap.first, fragments, messages.CONFLATED)
            frames.append(text_frame(payload))
        return b"".join(frames)

    def statistics(self) -> MailboxStatistics:
        return MailboxStatistics(
            self._batches,
            self._bytes + self._newest_bytes,
            self.control_bytes,
            self._taken_batches,
            self._taken_samples,
            self._taken_bytes,
            self._dropped_batches,
            self._dropped_samples,
        )
