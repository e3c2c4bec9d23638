"""How far a broadcaster got that acknowledges before it stores, in memory that outlives its process.

After a SIGKILL the file alone cannot tell whether more was accepted than it has. This can, and no disk has to be
waited for: a few bytes of shared memory. They are gone when the machine was restarted, and some systems have no such
memory; then the next broadcaster has to assume that something was lost.
"""

import logging
import mmap
import os
import secrets
import stat
import struct
from contextlib import suppress
from pathlib import Path
from typing import Self

SHARED = Path("/dev/shm")  # noqa: S108  # opened without following links, and only if it is this user's own
NAME_BYTES = 32
SEQ = struct.Struct("<Q")
BYTES = NAME_BYTES + SEQ.size

log = logging.getLogger("streamgauge.store")


class Mark:
    """For whoever has the lock of the directory. `name` is of one life of a broadcaster; the file has it, too."""

    def __init__(self, directory: Path, shared: Path | None = None) -> None:
        """Raises OSError."""
        found = directory.stat()
        self._path = path = (shared or SHARED) / f"streamgauge-{os.getuid()}-{found.st_dev:x}-{found.st_ino:x}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            status = os.fstat(file)
            if status.st_uid != os.getuid() or not stat.S_ISREG(status.st_mode):
                raise PermissionError(f"{path} is somebody else's")
            os.posix_fallocate(file, 0, BYTES)  # memory that is full is noticed here, and not by a signal later
            self._map = mmap.mmap(file, BYTES)
        finally:
            os.close(file)
        self._reached = 0

    @classmethod
    def of(cls, directory: Path) -> Self | None:
        try:
            return cls(directory)
        except (OSError, AttributeError) as error:  # some systems have no posix_fallocate
            log.info("a crash will be taken for a loss: there is no shared memory", extra={"problem": str(error)})
            return None

    def reached(self, name: str) -> int | None:
        """The last batch of that life; None: this is not known."""
        known = bytes(self._map[:NAME_BYTES]).decode(errors="replace")
        return int(SEQ.unpack_from(self._map, NAME_BYTES)[0]) if name and known == name else None

    def begin(self, seq: int) -> str:
        """The name of another life. It is in place once its number is."""
        name = secrets.token_hex(NAME_BYTES // 2)
        self._map[:NAME_BYTES] = bytes(NAME_BYTES)
        self._reached = seq
        SEQ.pack_into(self._map, NAME_BYTES, seq)
        self._map[:NAME_BYTES] = name.encode()
        return name

    def reach(self, seq: int) -> None:
        if seq != self._reached:
            self._reached = seq
            SEQ.pack_into(self._map, NAME_BYTES, seq)

    def remove(self) -> None:
        """All that was accepted is stored."""
        with suppress(OSError):  # somebody else removed it
            self._path.unlink()

    def close(self) -> None:
        self._map.close()
