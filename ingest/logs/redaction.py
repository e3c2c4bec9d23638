"""Credentials stay out of logs, whoever puts them in. Pure.

What is known to be one by its name goes whatever it looks like; in running text, what looks like one does.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "***"
NAMES: Final = "authorization|proxy-authorization|cookie|set-cookie|x-api-key"
SECRETS: Final = "access_token|api[_-]?key|id_token|jwt|password|passwd|refresh_token|secret|session|token"
SECRET_KEY: Final = re.compile(rf"(?:{NAMES}|{SECRETS})", re.IGNORECASE)

_PATTERNS: Final = (
    # A JSON Web Token: its first part is a JSON object in base64url, which begins with {" .
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]*(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)([\s.]+)[^\s,;\"'\\<>]+"), rf"\1\2{HIDDEN}"),
    # A header as a line, as h11's pair of bytes, or as an entry of a dictionary.
    (
        re.compile(rf"(?i)\b({NAMES})(['\"]?\s*[:,=]\s*(?:b(?=['\"]))?['\"]?)(?!{re.escape(HIDDEN)})[^'\"\r\n]+"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(rf"(?i)\b({SECRETS})(=)[^\s&,;\"']+"), rf"\1\2{HIDDEN}"),
    (re.compile(rf"(?i)(['\"])({SECRETS})(\1\s*[:,]\s*b?)(['\"]).*?\4"), rf"\1\2\3\4{HIDDEN}\4"),
    (re.compile(r"//[^/\s@]+@"), f"//{HIDDEN}@"),  # credentials in a URL
)


def redact(text: str) -> str:
    """The text without what looks like a credential."""
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def redact_value(value: Any) -> Any:
    """The same for whatever an event is told with."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(each) for each in value]
    if value is None or isinstance(value, int | float):
        return value
    return redact(str(value))


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, those that are named like a credential without their values."""
    return {
        name: HIDDEN if SECRET_KEY.fullmatch(str(name)) and value is not None else redact_value(value)
        for name, value in fields.items()
    }
