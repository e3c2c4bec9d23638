"""`streamgauge passwd`: who may sign in to the dashboard."""

import contextlib
import getpass
import os
import sys
import tempfile
from pathlib import Path

from dashboard.signin import passwords
from dashboard.signin.passwords import Account, PasswordError
from dashboard.signin.people import accounts_in
from dashboard.signin.roles import Role
from ingest.errors import CommandError
from ingest.printing import say

MODE = 0o600


def run(file: str, name: str, role: Role | None, *, remove: bool) -> None:
    """Changes one line of the file, or adds it. Raises CommandError; then the file is as it was."""
    path = Path(file)
    try:
        before = path.read_bytes() if path.exists() else b""
        accounts = accounts_in(before)
    except ValueError as error:
        raise CommandError(f"{file}: {error}") from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from None
    try:
        passwords.check_name(name)
        known = accounts.get(name)
        if remove:
            if known is None:
                raise PasswordError(f"{name} is not in {file}")
            del accounts[name]
        else:
            chosen = role or (known.role if known else "viewer")
            accounts[name] = Account(name, passwords.hasher.hash(_asked(name)), chosen)
        replace(path, passwords.write(accounts, before.decode()))
    except PasswordError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from None
    done = "may no longer sign in" if remove else f"may sign in as {accounts[name].role}"
    say(f"{name} {done}: {file}")


def _asked(name: str) -> str:
    """From the terminal, twice and unseen; else one line of standard input. Raises PasswordError."""
    if sys.stdin.isatty():
        try:
            password = getpass.getpass(f"Password of {name}: ")
            again = getpass.getpass("Again: ")
        except EOFError:
            raise PasswordError("password: none was given") from None
        if password != again:
            raise PasswordError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    passwords.check_password(password)
    return password


def replace(path: Path, text: str) -> None:
    """All of it or nothing, and for nobody's eyes but the owner's. Raises OSError."""
    path = path.resolve()  # a link stays one
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        os.fchmod(descriptor, MODE)
        with contextlib.suppress(FileNotFoundError, PermissionError):
            found = path.stat()
            if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, found.st_uid, found.st_gid)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
