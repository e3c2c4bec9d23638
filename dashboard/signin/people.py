"""The accounts of the password file, read again when it changes. Any thread may call."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from dashboard.signin import passwords
from dashboard.signin.passwords import FILE_MOST, Account, PasswordError
from ingest.errors import CommandError

log = logging.getLogger("streamgauge.dashboard")

State = tuple[int, int, int] | None


class People:
    """A file that can no longer be read, or not as accounts, is logged once; what was read before stays."""

    def __init__(self, path: str) -> None:
        """Raises CommandError, which says what is wrong with the file."""
        self._path = Path(path)
        self._lock = threading.Lock()
        self._state = self._stat()
        try:
            self._accounts = read(self._path)
        except PasswordError as error:
            raise CommandError(f"--password-file: {path}: {error}") from None
        self._decoy = passwords.decoy(self._accounts)

    def _stat(self) -> State:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def get(self, name: str) -> Account | None:
        return self._current().get(name)

    def verify(self, name: str, password: str) -> Account | None:
        """Takes as long for a name that nobody has."""
        account = self._current().get(name)
        right = passwords.verify(account or self._decoy, password)
        return account if right else None

    def _current(self) -> Mapping[str, Account]:
        with self._lock:
            state = self._stat()
            if state != self._state:
                self._state = state
                self._read_again()
            return self._accounts

    def _read_again(self) -> None:
        try:
            accounts = read(self._path)
        except PasswordError as error:
            log.error("the changed password file is not used, what was read before stays: %s: %s", self._path, error)
            return
        self._accounts = accounts
        log.warning("a changed password file is in use: %s", self._path)


def read(path: Path) -> dict[str, Account]:
    """Raises PasswordError."""
    try:
        if path.stat().st_size > FILE_MOST:
            raise PasswordError(f"expected at most {FILE_MOST} bytes")
        return passwords.parse(path.read_text("utf-8"))
    except OSError as error:
        raise PasswordError(os.strerror(error.errno) if error.errno else str(error)) from None
    except UnicodeDecodeError:
        raise PasswordError("expected text in UTF-8") from None
