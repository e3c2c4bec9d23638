"""Which messages of each producer were applied, so that one sent again is not applied twice. Pure."""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

HOLD_S = 0.5  # longer than a message is under way: its producer rests that long, and then begins with the refused one
REFUSED_MAX = 1_000
REFUSED_IN_ALL_MAX = 1_000_000  # some 100 MB
PRODUCERS_MAX = 100_000


@dataclass(slots=True)
class Account:
    """One producer's messages. An id up to `last` was applied, unless it is among the refused."""

    last: int = -1
    refused: "OrderedDict[int, None]" = field(default_factory=OrderedDict)
    used: float = 0.0
    held_until: float = -math.inf
    counted: int = 0  # refused ids, of those that the ledger counted

    def hold(self, wait_s: float, now: float) -> float:
        """A message was refused for now; so is what its producer had sent behind it, or it would overtake.

        Returns for how long.
        """
        if now >= self.held_until:
            self.held_until = now + max(wait_s, HOLD_S)
        return self.held_until - now

    def applied(self, id: int) -> bool:
        return id <= self.last and id not in self.refused

    def apply(self, id: int) -> None:
        self.refused.pop(id, None)
        self.last = max(self.last, id)

    def refuse(self, id: int) -> None:
        """A message that was refused as a whole: it may come again, even after later ones were applied."""
        if id > self.last or id in self.refused:
            self.refused[id] = None
            self.last = max(self.last, id)
        while len(self.refused) > REFUSED_MAX:
            self.refused.popitem(last=False)


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
