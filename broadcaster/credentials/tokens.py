"""Minting tokens and checking them: JWTs with `sub`, `exp` and `scope`. Pure: the time is handed in.

PyJWT checks the signature, with the algorithm of the key and never one that the token names; the claims are judged
here.
"""

import math
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt

from broadcaster.credentials.keys import Key
from broadcaster.credentials.scopes import Scope, ScopeError, parse_scope
from ingest.messages import MessageError

TOKEN_MAX: Final = 8_192  # characters
SUBJECT_MAX: Final = 256
ID_MAX: Final = 256
LEEWAY_S: Final = 30.0  # by which a clock of whoever minted may be ahead of ours (nbf)
NOT_JWT: Final = "token: expected a JWT"
SIGNED_ONLY: Final[Any] = {
    "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False, "verify_jti": False,
    "verify_aud": False, "verify_iss": False,
}  # fmt: skip


class BadToken(MessageError):
    """`reason` is what refusals are counted by: no_token, bad_token, expired, revoked."""

    def __init__(self, message: str, reason: str = "bad_token") -> None:
        super().__init__("bad_token", message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. Times are Unix seconds."""

    subject: str
    scope: Scope
    expires: float
    id: str | None


def mint(
    key: Key, *, subject: str, scope: str, expires_s: float, now: float, id: str | None = None, **more: object
) -> str:
    """A token good for `expires_s` seconds. `more` are other claims, such as `iss`. Raises ScopeError."""
    parse_scope(scope)
    claims = {
        "sub": subject,
        "scope": scope,
        "iat": int(now),
        "exp": int(now + expires_s),
        "jti": id or secrets.token_urlsafe(12),
    }
    headers = {"kid": key.id} if key.id is not None else None
    return jwt.encode({**claims, **more}, key.value, key.algorithm, headers=headers)


def check(
    token: str, keys: Sequence[Key], now: float, *, issuer: str | None = None, audience: str | None = None
) -> Claims:
    """What the token says, if it is signed by one of the keys and good at this time.

    Raises:
        BadToken: what is wrong with it; never what is in it.
    """
    payload = verified(token, keys)
    expires = _time(payload, "exp", required=True)
    assert expires is not None
    if expires <= now:
        raise BadToken("token: expired", "expired")
    if (begins := _time(payload, "nbf")) is not None and begins > now + LEEWAY_S:
        raise BadToken("token: not good yet (nbf)")
    subject = _text(payload, "sub", SUBJECT_MAX)
    if subject is None:
        raise BadToken("token: expected sub")
    if issuer is not None and payload.get("iss") != issuer:
        raise BadToken("token: from another issuer (iss)")
    if audience is not None and audience not in _list(payload.get("aud")):
        raise BadToken("token: for another audience (aud)")
    scope = payload.get("scope", "")
    if not isinstance(scope, str):
        raise BadToken("token: expected scope to be a text")
    try:
        return Claims(subject, parse_scope(scope), expires, _text(payload, "jti", ID_MAX))
    except ScopeError as error:
        raise BadToken(f"token: {error}") from None


def verified(token: str, keys: Sequence[Key]) -> dict[str, Any]:
    """The claims of a token signed by one of the keys. Raises BadToken."""
    if len(token) > TOKEN_MAX:
        raise BadToken(f"token: at most {TOKEN_MAX} characters, got {len(token)}")
    header = _header(token)
    for key in candidates(keys, header.get("alg"), header.get("kid")):
        try:
            return jwt.decode(token, key.value, [key.algorithm], SIGNED_ONLY)
        except jwt.InvalidSignatureError:
            continue  # of another key of that kind
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise BadToken(NOT_JWT) from None
    raise BadToken("token: signed by no key that is known here")


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise BadToken(NOT_JWT) from None


def candidates(keys: Iterable[Key], algorithm: object, id: object) -> list[Key]:
    """Those that may have signed a token with this `alg` and `kid`: the one of that name, or those without one."""
    of_kind = [key for key in keys if key.algorithm == algorithm]
    if id is None:
        return of_kind
    return [key for key in of_kind if key.id == id] or [key for key in of_kind if key.id is None]


def _time(payload: dict[str, Any], name: str, *, required: bool = False) -> float | None:
    value = payload.get(name)
    if value is None and not required:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise BadToken(f"token: expected {name} in Unix seconds")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:  # an int beyond the largest float
        return False


def _text(payload: dict[str, Any], name: str, most: int) -> str | None:
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise BadToken(f"token: expected {name} to be a printable text of 1 to {most} characters")
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
