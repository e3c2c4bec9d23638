"""What one connection subscribes to: its audience, and the backfill that comes before it."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from broadcaster import messages
from broadcaster.audience import Section, Wish
from broadcaster.auth import EVERYTHING, Grant
from broadcaster.backfill import Backfill
from broadcaster.coverage import Coverage
from broadcaster.history import Record
from broadcaster.searcher import Found
from broadcaster.selection import Matcher, Selection, compile_selection, parse_selection
from broadcaster.shared import NULL_OUTLET, Outlet, Shared
from ingest.messages import MessageError, message_id
from ingest.samples import show

OPERATIONS_MAX = 16


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked up for whom; `found` is called with the series."""

    selection: Selection
    then: Found
    wish: Wish
    found: Found


class Subscribing:
    """One operation at a time: its series are looked up, and a backfill ends, before the audience changes again.

    `refuse` takes what is wrong with an operation that had to wait, `count` what a limit refused.
    """

    __slots__ = (
        "_backfill", "_count", "_coverage", "_described", "_going_on", "_grant", "_left", "_matchers", "_operations",
        "_outlet", "_refuse", "_section", "_shared", "_sought", "max_rate", "subscriptions",
    )  # fmt: skip

    def __init__(
        self,
        shared: Shared,
        outlet: Outlet,
        grant: Grant,
        refuse: Callable[[MessageError], None],
        count: Callable[[str], None],
    ) -> None:
        self._shared = shared
        self._outlet = outlet
        self._grant = grant
        self._refuse = refuse
        self._count = count
        self.subscriptions: dict[int, Selection] = {}
        self._matchers: dict[int, Matcher] = {}  # so that the union of the subscriptions need not be compiled again
        self.max_rate: float | None = None  # batches a second
        self._section: Section | None = None
        self._sought: Sought | None = None
        self._backfill: Backfill | None = None
        self._coverage: Coverage | None = None  # while it has subscriptions
        self._operations: list[Callable[[], None]] = []
        self._left = self._going_on = False
        self._described = True  # all series of the section

    def regrant(self, grant: Grant) -> None:
        """What it may see changes, a backfill under way included; what it is subscribed to stays.

        What is not allowed any more goes at once; what is added comes as soon as it has been looked up.
        """
        before, self._grant = self._grant, grant
        if grant.sight == before.sight and (grant is EVERYTHING) == (before is EVERYTHING):
            return
        if self._backfill is not None:
            self._backfill.restrict(None if grant is EVERYTHING else grant.may_subscribe, self._catch_up)
            self._described = False  # or nobody knows
            if self._regranted not in self._operations:  # before all others, which see what is allowed now
                self._operations.insert(0, self._regranted)
            return
        if (sought := self._sought) is not None:
            self._cancel()
            if sought.then != self._widened:
                self._operations.insert(0, lambda: self._look_up(sought.selection, sought.then))
        self._described = True
        self._regranted()
        self._go_on()

    def _catch_up(self) -> None:
        if self._section is not None:
            self._shared.hub.catch_up(self._section, self._shared.clock())

    def _regranted(self) -> None:
        if self._section is None or not self.subscriptions:
            return
        self._look_up(self._union(), self._widened)
        if self._sought is not None and self._sought.then == self._widened:  # or it may be another's turn already
            # Until they are found, what it had of them, in an audience of its own.
            allows = self._grant.may_subscribe
            records = [record for record in self._section.records if allows(record.series.metric)]
            self._see(records, Wish(self._section.audience.wish.selection, self.max_rate, allows, object()))

    def _widened(self, records: Iterable[Record]) -> None:
        self._see(records)

    def _see(self, records: Iterable[Record], wish: Wish | None = None) -> None:
        assert self._section is not None
        known = set(self._section.records) if self._described else set[Record]()
        self._rejoin(None, records, wish)
        self._described = True
        if new := [record.descriptor() for record in self._section.records if record not in known]:
            self._outlet.send(messages.series(new))

    def _operate(self, operation: Callable[[], None], id: int | None = None) -> None:
        most = OPERATIONS_MAX if self._backfill is not None else self._shared.config.subscriptions_max + OPERATIONS_MAX
        if self._left:
            return
        if not self._occupied:
            operation()
        elif len(self._operations) < most:
            self._operations.append(operation)
        else:
            problem = f"subscribe: at most {most} may wait for one before them to end"
            raise MessageError("rate_limited", problem, id)

    @property
    def _occupied(self) -> bool:
        return self._sought is not None or self._backfill is not None

    def _go_on(self) -> None:
        if self._going_on:  # what an operation leads to comes back here
            return
        self._going_on = True
        try:
            while self._operations and not self._occupied:
                self._operations.pop(0)()
        finally:
            self._going_on = False

    def subscribe(self, message: Mapping[str, Any]) -> None:
        id = message_id(message, required=True)
        assert id is not None
        config = self._shared.config
        selection = parse_selection(message.get("select"), config.selectors_max, id)
        history, resume = message.get("history"), message.get("resume")
        if history is not None and resume is not None:
            raise MessageError("bad_message", "history: expected either history or resume, got both", id)
        if history is not None and (type(history) not in (int, float) or not 0 <= history < math.inf):
            raise MessageError("bad_message", f"history: expected seconds from 0 on, got {show(history)}", id)
        if resume is not None and (not isinstance(resume, str) or len(resume) > 512):
            raise MessageError(
                "bad_message", f"resume: expected a cursor of at most 512 characters, got {show(resume)}", id
            )
        self._check_allowed(selection, id)
        self._operate(lambda: self._begin(id, selection, history, resume), id)

    def _check_allowed(self, selection: Selection, id: int) -> None:
        plain = [selector.metric for selector in selection if not set(selector.metric) & {"*", "?"}]
        if len(plain) == len(selection) and not any(map(self._grant.may_subscribe, plain)):
            raise MessageError("forbidden", f"select: the token does not allow {show(plain[0])}", id)

    def _begin(self, id: int, selection: Selection, history: float | None, resume: str | None) -> None:
        if id in self.subscriptions:
            self._refuse(MessageError("bad_message", f"id: {id} is in use by another subscription", id))
            return
        if len(self.subscriptions) >= self._shared.config.subscriptions_max:
            most = self._shared.config.subscriptions_max
            self._count("subscriptions")
            self._refuse(MessageError("bad_message", f"id: at most {most} subscriptions a connection", id))
            return
        self._look_up(selection, lambda records: self._begun(id, selection, history, resume, list(records)))

    def _begun(
        self, id: int, selection: Selection, history: float | None, resume: str | None, records: list[Record]
    ) -> None:
        """Its series are known."""
        self.subscriptions[id], self._matchers[id] = selection, compile_selection(selection)  # as it was looked up by
        _, seq = self._join(records if self._section is None else [*self._section.records, *records])
        hub = self._shared.hub
        assert self._section is not None and self._coverage is not None
        backfill = Backfill(hub.history, self._section, self._coverage, seq)
        resumed = False
        if resume is not None:
            at = messages.parse_cursor(resume)
            known = at is not None and at[0] == hub.history.epoch and at[1] <= hub.history.seq
            resumed = at is not None and known and hub.history.holds_after(records, at[1])
            backfill.since_seq(records, at[1] if resumed and at else -1)
        elif history:
            backfill.since_time(records, time.time() - history)
        descriptors = (record.descriptor() for record in records)
        cursor = messages.cursor(hub.history.epoch, seq)
        self._outlet.send(messages.subscribed(id, seq, cursor, resumed, descriptors), new_chain=True)
        self._run(backfill)

    def _run(self, backfill: Backfill) -> None:
        self._backfill, self._outlet.detour = backfill, backfill.pass_by
        self._outlet.pull(backfill.payloads(), self._ended)

    def _ended(self) -> None:
        self._backfill = self._outlet.detour = None
        self._go_on()

    @property
    def undescribed(self) -> Iterable[Record]:
        return self._section.undescribed if self._section is not None else ()

    def _wish(self, selection: Selection) -> Wish:
        grant = self._grant
        _kept = compile_selection(selection, list(self._matchers.values()))  # until the wish has it
        return Wish(selection, self.max_rate, None if grant is EVERYTHING else grant.may_subscribe, grant.sight)

    def _look_up(self, selection: Selection, then: Found) -> None:
        """Calls `then` with what the connection may see of a selection, now or later; until then it is occupied."""

        def found(records: Iterable[Record]) -> None:
            self._sought = None
            then(records)
            self._go_on()

        self._sought = Sought(selection, then, self._wish(selection), found)
        self._shared.searcher.find(self._sought.wish, found)

    def _cancel(self) -> None:
        if (sought := self._sought) is not None:
            self._shared.searcher.cancel(sought.wish, sought.found)
            self._sought = None

    def _union(self) -> Selection:
        return frozenset().union(*self.subscriptions.values())

    def _join(self, records: Iterable[Record] | None = None, wish: Wish | None = None) -> tuple[int, int]:
        """Makes the connection a member of the audience of all its subscriptions, or of `wish`, which has `records`.

        Returns the seq where its chain ended (0: it had none), and the one where it goes on. Nothing is between them.
        """
        hub = self._shared.hub
        before, undescribed, end = self._section, dict[Record, None](), 0
        if before is not None:
            undescribed = before.undescribed  # known to it, but perhaps without a batch that could have brought it here
            end = hub.leave(self._outlet, before)
        section, seq = hub.join(self._outlet, wish or self._wish(self._union()), records)
        self._section = section
        if before is None or self._coverage is None:
            self._coverage = Coverage(seq)
        else:
            self._coverage.keep(section.records)
            for record in section.records:
                if record not in before.records:
                    self._coverage.begin(record, record.ring.end_index)
        section.undescribed.update((record, None) for record in undescribed if record in section.records)
        return end, seq

    def unsubscribe(self, message: Mapping[str, Any]) -> None:
        id = message_id(message, required=True)
        assert id is not None
        self._operate(lambda: self._end(id), id)

    def _end(self, id: int) -> None:
        if self.subscriptions.pop(id, None) is None:
            self._refuse(MessageError("unknown_id", f"id: no subscription {id}", id))
            return
        self._matchers.pop(id, None)
        if self.subscriptions and self._section is not None:
            self._look_up(self._union(), lambda records: self._rejoin(id, records))
        else:
            self._rejoin(id)

    def _rejoin(self, id: int | None, records: Iterable[Record] | None = None, wish: Wish | None = None) -> None:
        """Changes the audience after a subscription ended (`id`) or the credentials changed (None)."""
        end = seq = self._shared.hub.history.seq
        if self.subscriptions:
            end, seq = self._join(records, wish)
        else:
            self._quit()
        if id is not None:
            self._outlet.send(messages.unsubscribed(id, seq), new_chain=True)
        elif seq != end:  # nothing is lost: this only tells where the chain goes on
            self._outlet.send(messages.Gap(end, seq, 0, 0).encode(), new_chain=True)

    def stop(self) -> None:
        """Nothing is begun any more."""
        self._left = True
        self._operations.clear()

    def leave(self) -> None:
        """Takes the connection out of its audience, for good."""
        self.stop()
        self._cancel()
        self._quit()

    def _quit(self) -> None:
        if self._section is not None:
            self._shared.hub.leave(self._outlet, self._section)
            self._section = self._coverage = None

    def forget(self) -> None:
        """It has left, and lets go of who is no more."""
        self._outlet, self._refuse, self._backfill = NULL_OUTLET, _unheard, None


def _unheard(problem: MessageError) -> None:
    """Nobody is there any more."""
