"""One client over any transport: messages in, messages out, nothing that waits."""

import math
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from orjson import loads

from broadcaster import errors, messages
from broadcaster.auth import Grant
from broadcaster.errors import Close
from broadcaster.history import Record
from broadcaster.ledger import Account, Hold
from broadcaster.limits import Overtaking, RateLimited, TokenBucket
from broadcaster.mailbox import OVERFLOWS
from broadcaster.publishing import Publisher
from broadcaster.quota import Quota
from broadcaster.selection import Selection
from broadcaster.shared import NULL_OUTLET, Outlet, Shared
from broadcaster.subscribing import Subscribing
from ingest.messages import MessageError, Publish, decode, message_id
from ingest.samples import show

MAX_RATE = (0.1, 1_000.0)
CLIENT_MAX = 256
UNTOLD = {"unit": None, "help": None}
HELD = "id: a message of this producer that was sent before is refused for now; send them again in their order"


class Session:
    """The protocol's state of one connection. `receive` takes what the client says; answers go to the outlet."""

    __slots__ = (
        "_address", "_asked", "_bad", "_closed", "_left", "_outlet", "_publisher", "_shared", "_spoken", "_subscribing",
        "_to_be_heard", "client", "grant", "id", "producer", "published", "quota",
    )  # fmt: skip

    def __init__(self, shared: Shared, outlet: Outlet, grant: Grant, address: str = "") -> None:
        """`address` is the client's, without its port."""
        self._shared = shared
        self._outlet = outlet
        self.grant = grant
        self.id = uuid.uuid4().hex[:16]
        self.client: str | None = None
        self.producer: str | None = None
        self.published = 0  # samples
        self._publisher: Publisher | None = None
        self.quota = Quota(shared.subjects, shared.refusals, shared.clock())
        self.quota.belongs_to(shared.subject(grant, address), shared.clock())
        self._subscribing = Subscribing(shared, outlet, grant, self.refuse, self.quota.count)
        self._spoken = False
        self._closed = self._left = False
        self._to_be_heard: Hold | None = None
        self._asked: tuple[Hold, int] | None = None  # how many refusals it has heard once that is answered
        self._address = address
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

    def receive_all(self, messages: Sequence[str | bytes], size: int | None = None) -> None:
        """Handles messages of `size` bytes that came together, in order, up to one for which the connection is closed.

        They are charged for together, too; if that is too much, then in halves, and so on as far as it goes.
        """
        if self.quota.pays(len(messages), sum(map(len, messages)) if size is None else size, self._shared.clock()):
            self._handle_all(messages)
        elif len(messages) > 1:
            half = len(messages) // 2
            self.receive_all(messages[:half])
            if not self._closed:
                self.receive_all(messages[half:])
        else:
            self._receive_one(messages[0])

    def controls(self, count: int) -> bool:
        """Pings and pongs came, which count as messages. False: they are too many, and the client is told."""
        try:
            if not self.quota.pays(count, 0, self._shared.clock()):
                self.quota.pay_messages(count, self._shared.clock())
        except RateLimited as problem:
            self.refuse(problem)
            return False
        return True

    def _receive_one(self, data: str | bytes) -> None:
        try:
            self.quota.pay(len(data), self._shared.clock())
        except RateLimited as problem:
            self._refuse_unread(data, problem)
        else:
            self._handle_all((data,))

    def _refuse_unread(self, data: str | bytes, problem: RateLimited) -> None:
        """The client learns which message it was: a producer sends that again."""
        with suppress(MessageError):  # it is not looked at any closer
            message = decode(data)
            problem.id = _id_of(message)
            account = self._account(problem.id) if message.get("type") == "publish" else None
            if account is not None and problem.id is not None:
                self._publishing().refused_for_now(problem.id, account)
                self._refuse_id(account, problem.id, problem)
        self.refuse(problem)

    def _handle_all(self, messages: Sequence[str | bytes]) -> None:
        """Those without id that follow each other and bring one sample each are published in one go."""
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
        if self._to_be_heard is not None:
            self._ask_to_be_heard()
        if isinstance(problem, RateLimited) and problem.over_for_s > shared.config.rate_limited_s:
            self._close(errors.RATE_LIMITED)
        elif problem.code != "rate_limited" and not self._bad.take(1, shared.clock()):
            self._close(errors.FORBIDDEN if problem.code == "forbidden" else errors.BAD_MESSAGES)

    def _close(self, close: Close) -> None:
        self.stop()
        self._outlet.close(close)

    def stop(self) -> None:
        """The connection is being closed: what the client said and is not handled never will be."""
        self._closed = True
        self._subscribing.stop()

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
            self._subscribing.max_rate = min(max(float(max_rate), MAX_RATE[0]), MAX_RATE[1])
        self.client = client[:CLIENT_MAX] if client is not None else None
        self._outlet.configure(overflow)

    def _publish(self, message: Mapping[str, Any]) -> None:
        shared, publisher = self._shared, self._publishing()
        id = message_id(message)
        account = self._account(id)
        if account is not None and id is not None and not publisher.expects(id, account):
            shared.counts.duplicates += 1
            self._confirm(messages.ack(id, 0, (), duplicate=True), applied=False)
            return
        try:
            if account is not None and id is not None and (wait_s := account.waits(id, shared.clock())) > 0:
                raise Overtaking(HELD, id, wait_s)
            if shared.store is not None and id is not None:
                shared.store.admit(id)
            publish = publisher.publish(message, self.grant, time.time())
        except MessageError as problem:
            if account is not None and id is not None:
                self._refuse_id(account, id, problem)
            raise
        if account is not None and id is not None:
            account.apply(id)
            self._touch(account)
        self.published += publish.accepted
        self._acknowledge(id, publish)

    def _refuse_id(self, account: Account, id: int, problem: MessageError) -> None:
        if isinstance(problem, RateLimited):
            if isinstance(problem, Overtaking):
                account.held_back(id)
            else:
                problem.after_s = account.hold(id, problem.after_s, self._shared.clock())
            self._to_be_heard = account.held
        else:
            account.refuse(id)
            self._touch(account)

    def _ask_to_be_heard(self) -> None:
        """Behind the answers: what its client sends once it has heard them does not overtake what it sent before."""
        hold = self._to_be_heard
        if self._asked is None and hold is not None and hold.heard < hold.refusals:
            self._asked = hold, hold.refusals
            self._outlet.when_heard()

    def heard(self) -> None:
        """The client has heard what was sent before the outlet asked."""
        if self._asked is not None:
            hold, refusals = self._asked
            hold.heard, self._asked = max(hold.heard, refusals), None
            self._ask_to_be_heard()

    def _acknowledge(self, id: int | None, publish: Publish) -> None:
        if id is not None:
            self._confirm(messages.ack(id, publish.accepted, publish.rejected), applied=publish.accepted > 0)
        elif publish.rejected:
            first = publish.rejected[0]
            raise MessageError(first.code, first.message)

    def _confirm(self, ack: bytes, *, applied: bool) -> None:
        """At once, or when what was published is stored."""
        store = self._shared.store
        if store is None or not store.withholds:
            self._outlet.send(ack)
        else:
            store.after(lambda: self._stored(ack), applied=applied)

    def _stored(self, ack: bytes) -> None:
        if not self._left:
            self._outlet.send(ack)

    def _touch(self, account: Account) -> None:
        if self._shared.store is not None and self.producer is not None:
            self._shared.store.touched(self._account_name(self.producer), account)

    def _publishing(self) -> Publisher:
        if self._publisher is None:
            shared = self._shared
            self._publisher = Publisher(shared.config, shared.hub, shared.counts, shared.clock, self.quota)
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
        if len(raw) > 1:  # in halves, as far as it goes
            half = len(raw) // 2
            self._publish_singles(raw[:half])
            if not self._closed:
                self._publish_singles(raw[half:])
            return []
        try:
            self._publish({"samples": raw})
        except MessageError as problem:
            self.refuse(problem)
        return []

    def _account(self, id: int | None) -> Account | None:
        if self.producer is None or id is None:
            return None
        return self._shared.ledger.account(self._account_name(self.producer), self._shared.clock())

    def _account_name(self, producer: str) -> str:
        """Nobody else with credentials can speak in its name, whoever knows its UUID."""
        return producer if self.grant.subject is None else f"{producer} {self.grant.subject}"

    def _ping(self, message: Mapping[str, Any]) -> None:
        sent = message.get("time")
        if isinstance(sent, bool) or not isinstance(sent, int | float) or not math.isfinite(sent):
            raise MessageError("bad_message", f"time: expected a finite number, got {show(sent)}")
        self._outlet.send(messages.pong(sent, time.time()))

    def _authenticate(self, message: Mapping[str, Any]) -> None:
        token = message.get("token")
        if not isinstance(token, str):
            raise MessageError("bad_token", f"token: expected a text, got {show(token)}")
        self.grant = self._renewed(token)
        self.quota.belongs_to(self._shared.subject(self.grant, self._address), self._shared.clock())
        self._subscribing.regrant(self.grant)

    def _renewed(self, token: str) -> Grant:
        """Raises MessageError: a bad token costs nothing, the one before it stays."""
        try:
            grant = self._shared.authenticator(token)
            if self.grant.subject not in (None, grant.subject):
                raise MessageError("bad_token", "token: of another subject (sub) than this connection: open a new one")
            return grant
        except MessageError as problem:
            self._shared.refusals.count(getattr(problem, "reason", problem.code))
            raise

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        self._subscribing.subscribe(message)

    def _unsubscribe(self, message: Mapping[str, Any]) -> None:
        self._subscribing.unsubscribe(message)

    @property
    def subscriptions(self) -> Mapping[int, Selection]:
        return self._subscribing.subscriptions

    @property
    def undescribed(self) -> Iterable[Record]:
        """The series that the preface of a batch which is being delivered describes."""
        return self._subscribing.undescribed

    def descriptor(self, record: Record) -> dict[str, Any]:
        """As it is now, but for what may have been said of it since the client may not see it any more."""
        told = record.descriptor()
        return told if self.grant.may_subscribe(record.series.metric) else told | UNTOLD

    def leave(self) -> None:
        """Takes the connection out of its audience, and from its subject."""
        self._left = True
        if self._to_be_heard is not None:  # nothing is under way any more
            self._to_be_heard.heard = self._to_be_heard.refusals
        self._subscribing.leave()
        self.quota.belongs_to(None, self._shared.clock())

    def forget(self) -> None:
        """It has left, and lets go of who is no more."""
        self._outlet = NULL_OUTLET
        self._subscribing.forget()


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
