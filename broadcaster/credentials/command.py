"""`streamgauge token`: making keys, minting tokens, and saying what a token says."""

import base64
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from broadcaster.credentials.keys import Key, private_key, public_keys, secret
from broadcaster.credentials.scopes import ADMIN, PUBLISH, SUBSCRIBE, ScopeError
from broadcaster.credentials.tokens import ID_MAX, SUBJECT_MAX, TOKEN_MAX, BadToken, check, mint
from broadcaster.figures import duration
from ingest.credentials import expiry
from ingest.errors import CommandError
from ingest.printing import say

SECRET_BYTES = 48
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
ID = re.compile(r"(?!sub:|#)\S+", re.IGNORECASE)  # what a list of revocations can name
ID_EXPECTED = f"expected a printable text of 1 to {ID_MAX} characters without a space, and without sub: or # in front"
T = TypeVar("T")


def keygen(path: str, *, pair: bool) -> None:
    """Writes a new secret, or with `pair` an Ed25519 key and, beside it, its public half. Raises CommandError."""
    if not pair:
        _write(path, base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n", 0o600)
        say(f"{path}: a secret, for --token-secret of the broadcaster and of whoever mints")
        return
    key = Ed25519PrivateKey.generate()
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(f"{path}.pub", key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    say(f"{path}: a private key, for whoever mints\n{path}.pub: its public half, for --token-keys of the broadcaster")


def _write(path: str, data: bytes, mode: int) -> None:
    """A new file that nobody else could ever read, if `mode` says so."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def jwks(paths: Iterable[str]) -> None:
    """Prints public keys in PEM as one JWKS; a key's `kid` is its file's name without suffix. Raises CommandError."""
    found: dict[str, object] = {}
    for path in paths:
        data = _read(path)
        if b"-----BEGIN" not in data:
            raise CommandError(f"{path}: expected a public key in PEM")
        try:
            key = public_keys(data)[0]
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from None
        if (id := Path(path).stem) in found:
            raise CommandError(f"{path}: expected a name of its own, there is a key {id} before it")
        algorithm = OKPAlgorithm if key.algorithm == "EdDSA" else RSAAlgorithm
        found[id] = json.loads(algorithm.to_jwk(key.value)) | {"alg": key.algorithm, "kid": id}
    text = json.dumps({"keys": list(found.values())}, indent=2)
    try:
        public_keys(text.encode())  # what a broadcaster would refuse is not printed
    except ValueError as error:
        raise CommandError(str(error)) from None
    say(text)


def mint_token(
    key_file: str, subject: str, scope: Iterable[str], expires: str, *, id: str | None, kid: str | None, **claims: str
) -> None:
    """Prints a token. Raises CommandError."""
    if not 1 <= len(subject) <= SUBJECT_MAX or not subject.isprintable():
        raise CommandError(f"--subject: expected a printable text of 1 to {SUBJECT_MAX} characters")
    if id is not None and not (len(id) <= ID_MAX and ID.fullmatch(id) and id.isprintable()):
        raise CommandError(f"--id: {ID_EXPECTED}")
    words = [word for text in scope for word in text.split()]
    key = _key(key_file, lambda data: private_key(data) if b"-----BEGIN" in data else secret(data))
    try:
        token = mint(
            Key(key.algorithm, key.value, kid),
            subject=subject,
            scope=" ".join(words),
            expires_s=seconds(expires),
            now=time.time(),
            id=id,
            **claims,
        )
    except ScopeError as error:
        raise CommandError(f"--{error}") from None
    if len(token) > TOKEN_MAX:
        raise CommandError(f"--scope: expected a token of at most {TOKEN_MAX} characters, got {len(token)}")
    for word in words:
        if word != ADMIN and not word.startswith((PUBLISH, SUBSCRIBE)):
            print(f"streamgauge token: --scope: {word!r} allows nothing here", file=sys.stderr)
    say(token)


def seconds(text: str) -> float:
    """Of `90s`, `15m`, `1h`, `30d`. Raises CommandError."""
    if not (match := re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])", text)) or not float(match[1]):
        raise CommandError(f"--expires: expected a time such as 90s, 15m, 1h or 30d, got {text!r}")
    return float(match[1]) * UNITS[match[2]]


def inspect(token_file: str, key_file: str | None) -> int:
    """Says what a token says, and with a key whether it is good; returns the exit status. Raises CommandError."""
    token = _read(token_file).decode(errors="replace").strip()
    claims = _claims(token)
    for name, value in claims.items():
        say(f"{_printable(name)}: {_told(name, value)}")
    if key_file is None:
        left = (expiry(token) or 0.0) - time.time()
        say("signature: not checked (--key FILE checks it)" + ("" if left > 0 else "; expired"))
        return 0 if left > 0 else 1
    keys = _key(key_file, lambda data: public_keys(data) if _is_public(data) else (secret(data),))
    try:
        good = check(token, keys, time.time())
    except BadToken as problem:
        say(f"refused: {problem.message}")
        return 1
    say(f"good: for {duration(good.expires - time.time())}")
    return 0


def _is_public(data: bytes) -> bool:
    """Of PEM or JWKS. One secret in 64 begins with a dash, too."""
    return b"-----BEGIN" in data or data.lstrip().startswith(b"{")


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        raise CommandError("expected a JWT") from None
    if not isinstance(claims, dict):
        raise CommandError("expected a JWT")
    return claims


def _told(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if name in ("exp", "iat", "nbf") and isinstance(value, int | float) and 0 <= value < 253_402_300_799:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(value))
    return _printable(text)


def _printable(text: str) -> str:
    """Whoever made the token chose it: it must not write lines of its own, nor speak to the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _key(path: str, read: Callable[[bytes], T]) -> T:
    try:
        return read(_read(path))
    except ValueError as error:
        raise CommandError(f"--key: {path}: {error}") from None
