"""Small text files that a person edits by hand and a page edits over HTTP.

A revision names a text: whoever saves says which one they read, so that nobody's change is lost unseen. A file is
replaced all at once: who reads meanwhile, or after a crash, sees the old text or the new one.
"""

import hashlib
import json
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

SHARED, PRIVATE = 0o666, 0o600  # less what the process's umask takes away


def revision_of(source: bytes) -> str:
    """Names this very text."""
    return hashlib.sha256(source).hexdigest()[:16]


def read(path: Path, most: int) -> bytes | None:
    """The text, and a little more if it is longer than `most` bytes; None if there is no file. Raises OSError."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        return None


def replace(path: Path, source: bytes, mode: int = SHARED) -> None:
    """Writes all of it or nothing. `mode`: of a new file; one that is replaced keeps its own. Raises OSError."""
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(8)}.part")
    before = None
    with suppress(FileNotFoundError):
        before = path.stat()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode if before is None else PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                _take_after(before, file.fileno())
            file.write(source)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _take_after(before: os.stat_result, descriptor: int) -> None:
    """Whoever could not read a file shall not be able to after a save."""
    mode = before.st_mode & 0o777
    with suppress(OSError):  # who is not root keeps what it writes, and some file systems know no owners
        os.fchown(descriptor, before.st_uid, -1)
    try:
        os.fchown(descriptor, -1, before.st_gid)
    except OSError:
        mode &= ~0o070  # that group would be another one
    os.fchmod(descriptor, mode)


def conflict(before: bytes | None, expected: str | None) -> str | None:
    """Why the text is not the one to be replaced, or None. `expected`: its revision; None: there is none yet."""
    if (None if before is None else revision_of(before)) == expected:
        return None
    return "exists already" if expected is None else "was changed or deleted meanwhile"


def remarks(before: bytes) -> str:
    """The comments that a text edited by hand begins with: saving keeps those."""
    lines = []
    for line in before.decode(errors="replace").splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line)
    return "".join(lines).lstrip("\n") if any(line.startswith("#") for line in lines) else ""


def quoted(text: str) -> str:
    """A basic string of TOML: what JSON escapes, TOML reads; beside that it wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def bare(key: str) -> str:
    """A key of TOML, quoted if it has to be."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key)


def number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
