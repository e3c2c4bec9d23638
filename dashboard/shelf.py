"""Saved dashboards as files of one directory: NAME.toml each, so that they can be versioned and edited by hand."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from broadcaster import revisions
from dashboard.boards import NAME, SIZE_MAX, Board, BoardError, parse, write
from ingest.errors import CommandError

BOARDS_MAX = 500
SUFFIX = ".toml"


class ShelfError(Exception):
    """Why a dashboard is not read or written; `code` is one of the HTTP side's."""

    def __init__(self, code: str, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Saved:
    """A dashboard as it is in its file; `revision` names that text."""

    name: str
    revision: str
    board: Board


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list says of a dashboard."""

    name: str
    title: str
    panels: int
    revision: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be read as a dashboard."""

    file: str
    line: int  # 0: nowhere in particular
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@dataclass(slots=True)
class Shelf:
    """The directory, or none (`directory` is None): then nothing is saved. Any thread may call."""

    directory: Path | None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # By file: its revision, and what it is.
    _seen: dict[str, tuple[str, Listed | Problem]] = field(default_factory=dict)

    @classmethod
    def at(cls, directory: str) -> "Shelf":
        """Makes the directory if it is not there. An empty text: no directory. Raises CommandError."""
        if not directory:
            return cls(None)
        path = Path(directory)
        try:
            path.mkdir(parents=True, exist_ok=True)
            next(path.iterdir(), None)
        except FileExistsError:
            raise CommandError(f"--dashboards: {directory}: expected a directory") from None
        except OSError as error:
            raise CommandError(f"--dashboards: {directory}: {error.strerror or error}") from None
        return cls(path)

    def everything(self) -> tuple[list[Listed], list[Problem]]:
        """What can be read, by name, and what cannot. A text is parsed once: that takes up to 20 ms, reading it 0.1."""
        seen = {path.name: self._looked_at(path) for path in self._files()}
        self._seen = seen
        found = [each for _, each in seen.values()]
        return [each for each in found if isinstance(each, Listed)], [
            each for each in found if isinstance(each, Problem)
        ]

    def _looked_at(self, path: Path) -> tuple[str, Listed | Problem]:
        revision = ""
        try:
            source = self._bytes(path)
            revision = revisions.revision_of(source or b"")
            known = self._seen.get(path.name)
            if known is not None and known[0] == revision:
                return known
            saved = self._saved(path, source)
        except ShelfError as error:
            return revision, Problem(path.name, error.line, error.message)
        return revision, Listed(saved.name, saved.board.title, len(saved.board.panels), revision)

    def _files(self) -> Iterator[Path]:
        """In order of name. A file whose name is no dashboard's is still shown, as a problem."""
        if self.directory is None:
            return
        paths = sorted(each for each in self.directory.glob(f"*{SUFFIX}") if not each.name.startswith("."))
        yield from paths[:BOARDS_MAX]

    def get(self, name: str) -> Saved:
        """Raises ShelfError: not_found, bad_name, bad_board."""
        return self._read(self._path(name))

    def put(self, name: str, board: Board, expected: str | None) -> Saved:
        """Writes all of it or nothing. `expected`: the revision that is to be replaced; None: there must be none yet.

        Raises:
            ShelfError: bad_name, read_only, changed (somebody else saved meanwhile), too_large, too_many, cannot_write.
        """
        path = self._writable(name)
        with self._lock:
            before = self._bytes(path)
            self._check_revision(name, before, expected)
            source = (revisions.remarks(before or b"") + write(board)).encode()
            if len(source) > SIZE_MAX:
                raise ShelfError("too_large", f"{name}: at most {SIZE_MAX} bytes, got {len(source)}")
            if before is None and sum(1 for _ in self._files()) >= BOARDS_MAX:
                raise ShelfError("too_many", f"at most {BOARDS_MAX} dashboards")
            self._replace(path, source)
        return Saved(name, revisions.revision_of(source), board)

    def delete(self, name: str, expected: str) -> None:
        """Raises ShelfError: not_found, bad_name, read_only, changed, cannot_write."""
        path = self._writable(name)
        with self._lock:
            before = self._bytes(path)
            if before is None:
                raise ShelfError("not_found", f"{name}: no such dashboard")
            self._check_revision(name, before, expected)
            try:
                path.unlink()
            except OSError as error:
                raise ShelfError("cannot_write", f"{name}: {error.strerror}") from None

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ShelfError("bad_name", "name: expected 1 to 64 of a-z, 0-9, - and _, a letter or digit first")
        if self.directory is None:
            raise ShelfError("not_found", f"{name}: no such dashboard")
        return self.directory / f"{name}{SUFFIX}"

    def _writable(self, name: str) -> Path:
        if self.directory is None:
            raise ShelfError("read_only", "dashboards are not saved here: start it with --dashboards DIR")
        return self._path(name)

    def _read(self, path: Path) -> Saved:
        return self._saved(path, self._bytes(path))

    def _saved(self, path: Path, source: bytes | None) -> Saved:
        if not NAME.fullmatch(path.stem):
            raise ShelfError("bad_board", "file name: expected 1 to 64 of a-z, 0-9, - and _, then .toml")
        if source is None:
            raise ShelfError("not_found", f"{path.stem}: no such dashboard")
        try:
            return Saved(path.stem, revisions.revision_of(source), parse(source))
        except BoardError as error:
            raise ShelfError("bad_board", error.message, error.line) from None

    def _bytes(self, path: Path) -> bytes | None:
        """The text, and a little more if it is too long; None if there is no file."""
        try:
            return revisions.read(path, SIZE_MAX)
        except OSError as error:
            raise ShelfError("bad_board", error.strerror or str(error)) from None

    def _check_revision(self, name: str, before: bytes | None, expected: str | None) -> None:
        if problem := revisions.conflict(before, expected):
            raise ShelfError("changed", f"{name}: {problem}")

    def _replace(self, path: Path, source: bytes) -> None:
        try:
            revisions.replace(path, source)
        except OSError as error:
            raise ShelfError("cannot_write", f"{path.name}: {error.strerror}") from None
