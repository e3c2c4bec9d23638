"""Which messages of each producer were applied, so that none is applied twice or overtakes another. Pure."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from broadcaster.id_ranges import IdRanges

HOLD_S = 0.5  # at least so long a producer rests after a refusal
PATIENCE_S = 60.0  # longer than messages are under way
REFUSED_MAX = 1_000  # ranges of ids
REFUSED_IN_ALL_MAX = 1_000_000  # some 100 MB
PRODUCERS_MAX = 100_000


@dataclass(slots=True)
class Hold:
    """The ids from `low` to `high` that were sent are refused for now: what comes after them may not overtake them.

    Their producer sends them again, in their order. If it goes on with others although it has heard of all refusals,
    it has given them up.
    """

    low: int
    high: int
    until: float  # nothing is taken of it before
    refusals: int = 0
    heard: int = 0  # of these its producer knows


@dataclass(slots=True)
class Account:
    """One producer's messages. An id up to `last` was applied, unless it is among the refused."""

    last: int = -1
    refused: IdRanges = field(default_factory=IdRanges)
    used: float = 0.0
    held: Hold | None = None
    counted: int = 0  # refused ranges, of those that the ledger counted

    def applied(self, id: int) -> bool:
        return id <= self.last and id not in self.refused

    def apply(self, id: int) -> None:
        self.refused.discard(id)
        self._settle(id)

    def refuse(self, id: int) -> None:
        """A message that was refused as a whole: it may come again, even after later ones were applied."""
        if id > self.last:
            self._settle(id)
            self.refused.add(id, id, REFUSED_MAX)

    def _settle(self, id: int) -> None:
        """What was held before it is given up, and may still come."""
        if id <= self.last:
            return
        if (hold := self.held) is not None:
            if hold.low < id:
                self.refused.add(hold.low, min(hold.high, id - 1), REFUSED_MAX)
            hold.low = max(hold.low, id + 1)
            if hold.low > hold.high:
                self.held = None
        self.last = id

    def waits(self, id: int, now: float) -> float:
        """For how many seconds it has to be refused, so that nothing is overtaken; 0: it may be applied."""
        hold = self.held
        if hold is None or id < hold.low or id <= self.last or now >= hold.until + PATIENCE_S:
            return 0.0
        if now < hold.until:
            return hold.until - now
        return HOLD_S if id > hold.low and hold.heard < hold.refusals else 0.0

    def hold(self, id: int, wait_s: float, now: float) -> float:
        """A message is over a rate, or cannot be stored now. Returns in how many seconds it may come again."""
        if id <= self.last:  # it came before, so nothing waits for it
            return wait_s
        until = now + max(wait_s, HOLD_S)
        if self.held is None:
            self.held = Hold(id, id, until)
        elif now >= self.held.until:
            self.held.until = until
        self.held_back(id)
        return self.held.until - now

    def held_back(self, id: int) -> None:
        """It was refused because of what `waits` said."""
        if (hold := self.held) is not None:
            hold.low, hold.high = min(hold.low, id), max(hold.high, id)
            hold.refusals += 1


class Ledger:
    """The accounts of all producers, each remembered for `memory_s` seconds after its last message."""

    def __init__(self, memory_s: float) -> None:
        self.memory_s = memory_s
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._refused = 0

    def __len__(self) -> int:
        return len(self._accounts)

    def account(self, producer: str, now: float) -> Account:
        account = self._accounts.get(producer)
        if account is None:
            account = self._accounts[producer] = Account()
        account.used = now
        self._accounts.move_to_end(producer)
        self.count(account)
        return account

    def count(self, account: Account) -> None:
        """Of what was refused since it was asked for the last time. Forgets others, if that is too much."""
        self._refused += len(account.refused) - account.counted
        account.counted = len(account.refused)
        while len(self._accounts) > PRODUCERS_MAX or (self._refused > REFUSED_IN_ALL_MAX and len(self._accounts) > 1):
            self._forget()

    def _forget(self) -> None:
        """Who was not heard of for longest."""
        _, account = self._accounts.popitem(last=False)
        self._refused -= account.counted

    def accounts(self) -> Iterable[tuple[str, Account]]:
        """Those not heard of for longest come first."""
        return self._accounts.items()

    def sweep(self, now: float) -> None:
        """Forgets who was not heard of for long. The oldest come first."""
        while self._accounts:
            account = next(iter(self._accounts.values()))
            if now - account.used <= self.memory_s:
                return
            self._forget()
