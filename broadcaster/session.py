"""One client over any transport: messages in, messages out, nothing that waits."""

import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from orjson import loads

from broadcaster import errors, messages
from broadcaster.audience import Deliver, Member, Section, Wish
from broadcaster.auth import EVERYTHING, Authenticator, Grant
from broadcaster.backfill import Backfill
from broadcaster.config import BroadcasterConfig
from broadcaster.coverage import Coverage
from broadcaster.errors import Close
from broadcaster.history import Record
from broadcaster.hub import Hub
from broadcaster.ledger import Account, Ledger
from broadcaster.limits import TokenBucket
from broadcaster.mailbox import OVERFLOWS, Overflow
from broadcaster.publishing import PublishCounts, Publisher
from broadcaster.selection import Selection, parse_selection
from ingest.messages import MessageError, decode, message_id
from ingest.samples import show

MAX_RATE = (0.1, 1_000.0)
OPERATIONS_MAX = 16
CLIENT_MAX = 256


class Outlet(Member, Protocol):
    """The way to the client. Nothing here waits."""

    detour: Deliver | None
    """Where batches go instead, as long as a backfill is under way."""

    def send(self, payload: bytes, *, new_chain: bool = False) -> None:
        """An answer, which is never dropped."""

    def pull(self, payloads: Iterator[bytes], done: Callable[[], None]) -> None:
        """Send these one by one as fast as the client takes them, then call `done`."""

    def configure(self, overflow: Overflow) -> None: ...

    def close(self, close: Close) -> None: ...


@dataclass(slots=True)
class Shared:
    """What all sessions of a broadcaster share."""

    config: BroadcasterConfig
    hub: Hub
    ledger: Ledger
    authenticator: Authenticator
    counts: PublishCounts
    clock: Callable[[], float]  # steady seconds
    hold: Callable[[], None]  # before messages that came together are handled
    release: Callable[[], None]  # and after
    errors: dict[str, int] = field(default_factory=dict)


class Session:
    """The protocol's state of one connection. `receive` takes what the client says; answers go to the outlet."""

    __slots__ = (
        "_backfill", "_bad", "_closed", "_coverage", "_max_rate", "_operations", "_outlet", "_publisher",
        "_section", "_shared", "_spoken", "client", "grant", "id", "producer", "published", "subscriptions",
    )  # fmt: skip

    def __init__(self, shared: Shared, outlet: Outlet, grant: Grant) -> None:
        self._shared = shared
        self._outlet = outlet
        self.grant = grant
        self.id = uuid.uuid4().hex[:16]
        self.client: str | None = None
        self.producer: str | None = None
        self.published = 0  # samples
        self.subscriptions: dict[int, Selection] = {}
        self._publisher: Publisher | None = None
        self._max_rate: float | None = None
        self._section: Section | None = None
        self._backfill: Backfill | None = None
        self._coverage: Coverage | None = None  # while it has subscriptions
        self._operations: list[Callable[[], None]] = []
        self._spoken = False
        self._closed = False
        config = shared.config
        self._bad = TokenBucket(config.bad_messages_max / 60, config.bad_messages_max, shared.clock())

    def start(self) -> None:
        config, history = self._shared.config, self._shared.hub.history
        limits = {
            "message_bytes": config.message_bytes,
            "samples_per_message": config.samples_per_message,
            "samples_per_second": config.samples_per_second,
            "series": config.series_max,
        }
        welcome = messages.welcome(history.epoch, history.seq, time.time(), self.id, config.ping_interval_s, limits)
        self._outlet.send(welcome)

    def receive(self, data: str | bytes) -> None:
        """Handles one message. Whatever is wrong with it is answered by `error`."""
        self.receive_all((data,))

    def receive_all(self, messages: Sequence[str | bytes]) -> None:
        """Handles messages that came together, in order, up to one for which the connection is closed.

        Those without id that follow each other and bring one sample each are published in one go.
        """
        singles: list[object] = []
        for data in messages:
            message: Any = None
            try:
                message = loads(data)
                # Without a call: these come by the hundred thousand a second.
                if len(message) == 2 and message["type"] == "publish":
                    (entry,) = message["samples"]
                    if type(entry) is dict and type(entry["value"]) is not list:
                        singles.append(entry)
                        continue
            except (KeyError, TypeError, ValueError):  # it is something else, good or bad
                pass
            if singles:
                singles = self._publish_singles(singles)
            try:
                self._handle(message if type(message) is dict else decode(data))
            except MessageError as problem:
                self.refuse(problem)
            self._spoken = True
            if self._closed:
                return
        if singles:
            self._publish_singles(singles)

    def _handle(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if not isinstance(kind, str):
            raise MessageError("bad_message", f"type: expected a text, got {show(kind)}", _id_of(message))
        handler = HANDLERS.get(kind)
        if handler is None:
            known = ", ".join(HANDLERS)
            raise MessageError("unknown_type", f"type: expected one of {known}, got {show(kind)}", _id_of(message))
        handler(self, message)

    def refuse(self, problem: MessageError) -> None:
        """Answers by an error; a client that goes on like that is closed."""
        shared = self._shared
        shared.errors[problem.code] = shared.errors.get(problem.code, 0) + 1
        self._outlet.send(messages.error(problem))
        if problem.code != "rate_limited" and not self._bad.take(1, shared.clock()):
            self._close(errors.FORBIDDEN if problem.code == "forbidden" else errors.BAD_MESSAGES)

    def _close(self, close: Close) -> None:
        self._closed = True
        self._outlet.close(close)

    def _hello(self, message: Mapping[str, Any]) -> None:
        if self._spoken:
            raise MessageError("bad_message", "hello: expected as the first message only")
        producer, client = message.get("producer"), message.get("client")
        overflow, max_rate = message.get("overflow", "conflate"), message.get("max_rate")
        if producer is not None:
            self.producer = _uuid(producer)
        if client is not None and not isinstance(client, str):
            raise MessageError("bad_message", f"client: expected a text, got {show(client)}")
        if overflow not in OVERFLOWS:
            raise MessageError("bad_message", f"overflow: expected one of {', '.join(OVERFLOWS)}, got {show(overflow)}")
        if max_rate is not None:
            if type(max_rate) not in (int, float) or not max_rate > 0:
                raise MessageError("bad_message", f"max_rate: expected a number above 0, got {show(max_rate)}")
            self._max_rate = min(max(float(max_rate), MAX_RATE[0]), MAX_RATE[1])
        self.client = client[:CLIENT_MAX] if client is not None else None
        self._outlet.configure(overflow)

    def _publish(self, message: Mapping[str, Any]) -> None:
        shared, publisher = self._shared, self._publishing()
        id = message_id(message)
        account = self._account(id)
        if account is not None and id is not None and not publisher.expects(id, account):
            shared.counts.duplicates += 1
            self._outlet.send(messages.ack(id, 0, (), duplicate=True))
            return
        try:
            publish = publisher.publish(message, self.grant, time.time())
        except MessageError as problem:
            if account is not None and id is not None:
                account.refuse(id)
            if publisher.over_for_s > shared.config.rate_limited_s:
                self.refuse(problem)
                self._close(errors.RATE_LIMITED)
                return
            raise
        if account is not None and id is not None:
            account.apply(id)
        self.published += publish.accepted
        if id is not None:
            self._outlet.send(messages.ack(id, publish.accepted, publish.rejected))
        elif publish.rejected:
            first = publish.rejected[0]
            raise MessageError(first.code, first.message)

    def _publishing(self) -> Publisher:
        if self._publisher is None:
            shared = self._shared
            self._publisher = Publisher(shared.config, shared.hub, shared.counts, shared.clock)
        return self._publisher

    def _publish_singles(self, raw: Sequence[object]) -> list[object]:
        """Publishes the only entries of messages without id. Returns an empty list to begin the next with."""
        self._spoken = True
        publish = self._publishing().publish_singles(raw, self.grant, time.time())
        if publish is not None:
            self.published += publish.accepted
            for rejection in publish.rejected:
                self.refuse(MessageError(rejection.code, rejection.message))
                if self._closed:
                    break
            return []
        for entry in raw:
            try:
                self._publish({"samples": [entry]})
            except MessageError as problem:
                self.refuse(problem)
            if self._closed:
                break
        return []

    def _account(self, id: int | None) -> Account | None:
        if self.producer is None or id is None:
            return None
        return self._shared.ledger.account(self.producer, self._shared.clock())

    def _ping(self, message: Mapping[str, Any]) -> None:
        sent = message.get("time")
        if isinstance(sent, bool) or not isinstance(sent, int | float) or not math.isfinite(sent):
            raise MessageError("bad_message", f"time: expected a finite number, got {show(sent)}")
        self._outlet.send(messages.pong(sent, time.time()))

    def _authenticate(self, message: Mapping[str, Any]) -> None:
        token = message.get("token")
        if not isinstance(token, str):
            raise MessageError("bad_token", f"token: expected a text, got {show(token)}")
        self.grant = self._shared.authenticator(token)
        if self.subscriptions:
            self._operate(lambda: self._rejoin(None))

    # Subscribing: one at a time, because a backfill under way must end before the audience changes again.

    def _operate(self, operation: Callable[[], None], id: int | None = None) -> None:
        if self._backfill is None:
            operation()
        elif len(self._operations) < OPERATIONS_MAX:
            self._operations.append(operation)
        else:
            problem = f"subscribe: at most {OPERATIONS_MAX} may wait for a backfill to end"
            raise MessageError("rate_limited", problem, id)

    def _subscribe(self, message: Mapping[str, Any]) -> None:
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
        if len(plain) == len(selection) and not any(map(self.grant.may_subscribe, plain)):
            raise MessageError("forbidden", f"select: the token does not allow {show(plain[0])}", id)

    def _begin(self, id: int, selection: Selection, history: float | None, resume: str | None) -> None:
        if id in self.subscriptions:
            self.refuse(MessageError("bad_message", f"id: {id} is in use by another subscription", id))
            return
        if len(self.subscriptions) >= self._shared.config.subscriptions_max:
            most = self._shared.config.subscriptions_max
            self.refuse(MessageError("bad_message", f"id: at most {most} subscriptions a connection", id))
            return
        self.subscriptions[id] = selection
        _, seq = self._join()
        hub = self._shared.hub
        wish = Wish(selection, None, None if self.grant is EVERYTHING else self.grant.may_subscribe)
        assert self._section is not None and self._coverage is not None
        records = list(self._section.records) if len(self.subscriptions) == 1 else hub.select(wish)
        backfill = Backfill(hub.history, self._section, self._coverage, seq)
        resumed = False
        if resume is not None:
            at = messages.parse_cursor(resume)
            known = at is not None and at[0] == hub.history.epoch and at[1] <= hub.history.seq
            resumed = at is not None and known and hub.history.holds_after(records, at[1])
            backfill.since_seq(records, at[1] if resumed and at else -1)
        elif history:
            backfill.since_time(records, time.time() - history)
        descriptors = [record.descriptor() for record in records]
        cursor = messages.cursor(hub.history.epoch, seq)
        self._outlet.send(messages.subscribed(id, seq, cursor, resumed, descriptors), new_chain=True)
        self._run(backfill)

    def _run(self, backfill: Backfill) -> None:
        self._backfill, self._outlet.detour = backfill, backfill.pass_by
        self._outlet.pull(backfill.payloads(), self._ended)

    def _ended(self) -> None:
        self._backfill = self._outlet.detour = None
        while self._operations and self._backfill is None:
            self._operations.pop(0)()

    def _join(self) -> tuple[int, int]:
        """Makes the connection a member of the audience of all its subscriptions.

        Returns the seq where its chain ended (0: it had none), and the one where it goes on. Nothing is between them.
        """
        hub, grant = self._shared.hub, self.grant
        before, undescribed, end = self._section, dict[Record, None](), 0
        if before is not None:
            undescribed = before.undescribed  # known to it, but perhaps without a batch that could have brought it here
            end = hub.leave(self._outlet, before)
        allows = None if grant is EVERYTHING else grant.may_subscribe
        selection = frozenset().union(*self.subscriptions.values())
        wish = Wish(selection, self._max_rate, allows, None if allows is None else id(grant))
        section, seq = hub.join(self._outlet, wish)
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

    def _unsubscribe(self, message: Mapping[str, Any]) -> None:
        id = message_id(message, required=True)
        assert id is not None
        self._operate(lambda: self._end(id), id)

    def _end(self, id: int) -> None:
        if self.subscriptions.pop(id, None) is None:
            self.refuse(MessageError("unknown_id", f"id: no subscription {id}", id))
            return
        self._rejoin(id)

    def _rejoin(self, id: int | None) -> None:
        """Changes the audience after a subscription ended (`id`) or the credentials changed (None)."""
        end = seq = self._shared.hub.history.seq
        if self.subscriptions:
            end, seq = self._join()
        else:
            self.leave()
        if id is not None:
            self._outlet.send(messages.unsubscribed(id, seq), new_chain=True)
        elif seq != end:  # nothing is lost: this only tells where the chain goes on
            self._outlet.send(messages.Gap(end, seq, 0, 0).encode(), new_chain=True)

    def leave(self) -> None:
        """Takes the connection out of its audience."""
        if self._section is not None:
            self._shared.hub.leave(self._outlet, self._section)
            self._section = self._coverage = None


HANDLERS: Final[Mapping[str, Callable[[Session, Mapping[str, Any]], None]]] = {
    "hello": Session._hello,
    "publish": Session._publish,
    "subscribe": Session._subscribe,
    "unsubscribe": Session._unsubscribe,
    "ping": Session._ping,
    "authenticate": Session._authenticate,
}


def _id_of(message: Mapping[str, Any]) -> int | None:
    value = message.get("id")
    return value if type(value) is int and abs(value) < 2**63 else None


def _uuid(value: object) -> str:
    try:
        return str(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise MessageError("bad_message", f"producer: expected a UUID, got {show(value)}") from None
