"""What all sessions of a broadcaster share, and what each needs of its transport."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import trio

from broadcaster.addresses import Addresses
from broadcaster.audience import Batch, Deliver, Member
from broadcaster.auth import Authenticator, Grant
from broadcaster.config import BroadcasterConfig
from broadcaster.errors import Close
from broadcaster.hub import Hub
from broadcaster.ledger import Account, Ledger
from broadcaster.mailbox import Overflow
from broadcaster.publishing import PublishCounts
from broadcaster.refusals import Refusals
from broadcaster.searcher import Searcher
from broadcaster.subjects import Subjects


class Store(Protocol):
    """The stored history. Nothing here waits."""

    withholds: bool
    """True: acks are sent after what they are for was stored."""

    def admit(self, id: int | None) -> None:
        """Raises MessageError (rate_limited) if what is published now could not be acknowledged soon."""

    def touched(self, producer: str, account: Account) -> None:
        """A message of the producer was applied, or refused."""

    def after(self, done: Callable[[], None], *, applied: bool = True) -> None:
        """Calls `done` when all that was published until now is stored, in order; of what is not `applied` now, but
        was before, when that is.
        """

    def sweep(self, now: float) -> None: ...


class Outlet(Member, Protocol):
    """The way to the client. Nothing here waits."""

    detour: Deliver | None
    """Where batches go instead, as long as a backfill is under way."""

    def send(self, payload: bytes, *, new_chain: bool = False) -> None:
        """An answer, which is never dropped."""

    def when_heard(self) -> None:
        """Behind what was sent: `Session.heard` is to be called when the client has all of that."""

    def pull(self, payloads: Iterator[bytes], done: Callable[[], None]) -> None:
        """Send these one by one as fast as the client takes them, then call `done`.

        One that is empty is not sent: others have their turn before the next.
        """

    def configure(self, overflow: Overflow) -> None: ...

    def close(self, close: Close) -> None: ...


class NullOutlet:
    """The outlet of who has gone: takes everything, and keeps nothing."""

    @property
    def detour(self) -> Deliver | None:
        return None

    @detour.setter
    def detour(self, deliver: Deliver | None) -> None: ...

    def deliver(self, batch: Batch, preface: bytes | None) -> None: ...

    def send(self, payload: bytes, *, new_chain: bool = False) -> None: ...

    def when_heard(self) -> None: ...

    def pull(self, payloads: Iterator[bytes], done: Callable[[], None]) -> None: ...

    def configure(self, overflow: Overflow) -> None: ...

    def close(self, close: Close) -> None: ...


NULL_OUTLET = NullOutlet()


@dataclass(slots=True)
class Shared:
    """What all sessions of a broadcaster share."""

    config: BroadcasterConfig
    hub: Hub
    ledger: Ledger
    authenticator: Authenticator
    counts: PublishCounts
    searcher: Searcher
    clock: Callable[[], float]  # steady seconds
    hold: Callable[[], None]  # before messages that came together are handled
    release: Callable[[], None]  # and after
    errors: dict[str, int] = field(default_factory=dict)
    store: Store | None = None
    refusals: Refusals = field(default_factory=Refusals)
    pages: trio.Lock = field(default_factory=trio.Lock)  # held by whoever goes on with a page that takes several turns
    subjects: Subjects = field(init=False)
    addresses: Addresses = field(init=False)

    def __post_init__(self) -> None:
        self.subjects = Subjects(self.config)
        self.addresses = Addresses(self.config.connections_per_address, self.config.trusted_networks)

    def subject(self, grant: Grant, address: str) -> str | None:
        """Under which name a client's limits are kept: that of its credentials, or else of its address."""
        return self.addresses.key(address) if grant.subject is None else f"sub:{grant.subject}"
