"""The accounts of the password file, read again when it changes. Any thread may call."""

import threading
from collections.abc import Mapping

from broadcaster.credentials.watched import Watched
from dashboard.signin import passwords
from dashboard.signin.passwords import Account, PasswordError


class People:
    """A changed file that cannot be used is logged once; what was read before stays."""

    def __init__(self, path: str) -> None:
        """Raises CommandError, which says what is wrong with the file."""
        self._lock = threading.Lock()
        self._file = Watched("password_file", path, accounts_in)
        self._decoy = passwords.decoy(self._file.content)

    def get(self, name: str) -> Account | None:
        return self._current().get(name)

    def verify(self, name: str, password: str) -> Account | None:
        """Takes as long for a name that nobody has."""
        account = self._current().get(name)
        right = passwords.verify(account or self._decoy, password)
        return account if right else None

    def _current(self) -> Mapping[str, Account]:
        with self._lock:
            self._file.refresh()
            return self._file.content


def accounts_in(data: bytes) -> dict[str, Account]:
    """Raises ValueError."""
    try:
        return passwords.parse(data.decode())
    except UnicodeDecodeError:
        raise ValueError("expected text in UTF-8") from None
    except PasswordError as error:
        raise ValueError(str(error)) from None
