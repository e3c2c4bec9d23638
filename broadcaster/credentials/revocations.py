"""Tokens that are refused although they are signed and not expired: by their id, or all of a subject. Pure."""

import re

SUBJECT = "sub:"
ENTRIES_MAX = 100_000
EXPECTED = "expected a token's id (jti) or sub:NAME on each line, # before a comment"
WHOLE = "got a whole token, expected its id: `streamgauge token inspect` shows it as jti"
NEARLY = "expected sub:NAME, in small letters and without a space after the colon"
_JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")


class Revocations:
    """A set of ids and of subjects."""

    def __init__(self, ids: frozenset[str] = frozenset(), subjects: frozenset[str] = frozenset()) -> None:
        self.ids = ids
        self.subjects = subjects

    def covers(self, id: str | None, subject: str) -> bool:
        return subject in self.subjects or (id is not None and id in self.ids)


def parse_revocations(data: bytes) -> Revocations:
    """Raises ValueError, which names the line."""
    try:
        text = data.decode("utf-8-sig")  # some editors begin a file with a mark, which would be of the first entry
    except UnicodeDecodeError:
        raise ValueError("expected UTF-8") from None
    ids, subjects = set[str](), set[str]()
    for number, line in enumerate(text.splitlines(), 1):
        entry = re.sub(r"(^|\s)#.*", "", line).strip()
        if _is_nearly_subject(entry):
            raise ValueError(f"line {number}: {NEARLY}")
        if _JWT.fullmatch(entry):
            raise ValueError(f"line {number}: {WHOLE}")
        if entry.startswith(SUBJECT) and len(entry) > len(SUBJECT):
            subjects.add(entry.removeprefix(SUBJECT))
        elif entry and not re.search(r"\s", entry) and entry != SUBJECT:
            ids.add(entry)
        elif entry:
            raise ValueError(f"line {number}: {EXPECTED}")
    if len(ids) + len(subjects) > ENTRIES_MAX:
        raise ValueError(f"at most {ENTRIES_MAX} entries")
    return Revocations(frozenset(ids), frozenset(subjects))


def _is_nearly_subject(entry: str) -> bool:
    """Taken for another subject, or for an id, it would revoke nothing, and nobody would notice."""
    kind, name = entry[: len(SUBJECT)], entry[len(SUBJECT) :]
    return kind.lower() == SUBJECT and (kind != SUBJECT or name[:1].isspace())
