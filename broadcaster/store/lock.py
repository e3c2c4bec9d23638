"""One broadcaster a directory."""

import fcntl
import os
from pathlib import Path


class InUseError(OSError):
    """Another broadcaster has the directory."""


class Lock:
    """Held until `release`, or until the process is gone, however it went."""

    def __init__(self, directory: Path) -> None:
        """Raises InUseError; OSError if there can be no file."""
        self._file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign()
        except BlockingIOError:
            owner = os.pread(self._file, 20, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise InUseError(f"in use by another broadcaster (process {owner or 'unknown'})") from None
        except OSError:
            os.close(self._file)
            raise

    def _sign(self) -> None:
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError:  # a full disk: only the number is missing, which is for people
            os.ftruncate(self._file, 0)

    def release(self) -> None:
        os.close(self._file)
