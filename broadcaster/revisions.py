"""Small text files that a person edits by hand and a page edits over HTTP.

A revision names a text: whoever saves says which one they read, so that nobody's change is lost unseen. A file is
replaced all at once: who reads meanwhile, or after a crash, sees the old text or the new one.
"""

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path


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


def replace(path: Path, source: bytes) -> None:
    """Writes all of it or nothing. Raises OSError."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(source)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise


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
