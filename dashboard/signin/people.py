"""The accounts of the password file, read again when it changes. Any thread may call."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from broadcaster.credentials.watched import Watched
from dashboard.signin import passwords
from dashboard.signin.passwords import Account, Cost, PasswordError


@dataclass(frozen=True, slots=True)
class Known:
    """What the file says. `decoys` are accounts that nobody has, one for each cost of a hash in it."""

    accounts: Mapping[str, Account]
    decoys: Mapping[Cost, Account]


class People:
    """A changed file that cannot be used is logged once; what was read before stays."""

    def __init__(self, path: str) -> None:
        """Raises CommandError, which says what is wrong with the file."""
        self._lock = threading.Lock()
        self._file = Watched("password_file", path, known_in)

    def get(self, name: str) -> Account | None:
        return self._current().accounts.get(name)

    def verify(self, name: str, password: str) -> Account | None:
        """Takes as long whatever the name, and whoever's: it is verified once at each cost that the file has."""
        known = self._current()
        account = known.accounts.get(name)
        mine = {} if account is None else {passwords.cost(account.hash): account}
        tried = [each for each in {**known.decoys, **mine}.values() if passwords.verify(each, password)]
        return account if account in tried else None

    def _current(self) -> Known:
        with self._lock:
            self._file.refresh()
            return self._file.content


def known_in(data: bytes) -> Known:
    """Raises ValueError."""
    accounts = accounts_in(data)
    return Known(accounts, passwords.decoys(accounts))


def accounts_in(data: bytes) -> dict[str, Account]:
    """Raises ValueError."""
    try:
        return passwords.parse(data.decode())
    except UnicodeDecodeError:
        raise ValueError("expected text in UTF-8") from None
    except PasswordError as error:
        raise ValueError(str(error)) from None
