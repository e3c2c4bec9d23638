"""A file that is read again when it changes."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from broadcaster.complaint import Complaint
from ingest.errors import CommandError

log = logging.getLogger("streamgauge.broadcaster")

T = TypeVar("T")
State = tuple[int, int, int] | None
SIZE_MAX = 4_194_304


class _Unread(ValueError):
    """Nothing is known of what is in the file."""


class Watched(Generic[T]):
    """What `read` makes of the file. `read` raises ValueError, whose text must not show what is in the file."""

    def __init__(self, name: str, path: str, read: Callable[[bytes], T]) -> None:
        """`name` is of the setting. Raises CommandError."""
        self._name = name
        self._path = Path(path)
        self._read = read
        self._state = self._stat()
        self._complaint = Complaint()
        try:
            self.content = self._load()
        except ValueError as error:
            raise CommandError(f"{name}: {path}: {error}") from None

    def _stat(self) -> State:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> T:
        try:
            with self._path.open("rb") as file:
                data = file.read(SIZE_MAX + 1)
        except OSError as error:
            raise _Unread(os.strerror(error.errno) if error.errno else str(error)) from None
        if len(data) > SIZE_MAX:
            raise ValueError(f"expected at most {SIZE_MAX} bytes")
        return self._read(data)

    def refresh(self) -> bool:
        """True if a changed file is in use now. A broken one is logged once, and what was read before stays.

        To be called again and again: it complains of a file only when it finds it unchanged the next time, because
        somebody may be writing it. One that could not be read is tried again: neither a permission that is given later
        nor a descriptor that is free again changes the file.
        """
        state = self._stat()
        if state == self._state:
            return False
        try:
            self.content = self._load()
        except ValueError as error:
            if self._complaint.is_due((state, str(error))):
                log.error(
                    "%s: %s: the changed file is not used, what was read before stays: %s",
                    self._name,
                    self._path,
                    error,
                )
                if not isinstance(error, _Unread):
                    self._state = state
            return False
        self._state = state
        self._complaint.settle()
        log.warning("%s: %s: the changed file is in use", self._name, self._path)
        return True
