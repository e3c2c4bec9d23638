"""Tokens for the broadcaster, which the page gets for as long as somebody is signed in. Any thread may call."""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dashboard.config import DashboardConfig
from dashboard.signin.roles import Person, scope_of
from ingest.errors import CommandError

log = logging.getLogger("streamgauge.dashboard")

SECRET_LEAST = 32
KEY_BITS_LEAST = 2048

State = tuple[int, int, int] | None


class KeyFile:
    """A key to sign with, read again when its file changes; a changed one that cannot be used is logged once."""

    def __init__(self, name: str, path: str, read: Callable[[bytes], tuple[str, Any]]) -> None:
        """Raises CommandError."""
        self._path = Path(path)
        self._read = read
        self._lock = threading.Lock()
        self._state = self._stat()
        try:
            self._key = self._load()
        except ValueError as error:
            raise CommandError(f"{name}: {path}: {error}") from None

    def _stat(self) -> State:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> tuple[str, Any]:
        """Raises ValueError, which shows nothing of what is in the file."""
        try:
            return self._read(self._path.read_bytes())
        except OSError as error:
            raise ValueError(os.strerror(error.errno) if error.errno else str(error)) from None

    @property
    def key(self) -> tuple[str, Any]:
        """The algorithm, and the key for it."""
        with self._lock:
            state = self._stat()
            if state != self._state:
                self._state = state
                try:
                    self._key = self._load()
                except ValueError as error:
                    log.error("the changed key of tokens is not used, the one before stays: %s: %s", self._path, error)
                else:
                    log.warning("a changed key of tokens is in use: %s", self._path)
            return self._key


def secret(content: bytes) -> tuple[str, Any]:
    """Raises ValueError."""
    stripped = content.strip()
    if len(stripped) < SECRET_LEAST:
        raise ValueError(f"expected a secret of at least {SECRET_LEAST} bytes, got {len(stripped)}")
    return "HS256", stripped


def private_key(content: bytes) -> tuple[str, Any]:
    """Raises ValueError."""
    expected = "expected a private key of RSA (2048 bits or more) or Ed25519 in PEM, without a passphrase"
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(expected) from None
    if isinstance(key, Ed25519PrivateKey):
        return "EdDSA", key
    if isinstance(key, RSAPrivateKey) and key.key_size >= KEY_BITS_LEAST:
        return "RS256", key
    raise ValueError(expected)


class Minter:
    """Without a key there are no tokens: the broadcaster wants none."""

    def __init__(self, config: DashboardConfig) -> None:
        """Raises CommandError: the key cannot be used."""
        self._token_s = config.token_s
        self._metrics = config.metrics
        self._file: KeyFile | None = None
        if config.token_secret is not None:
            self._file = KeyFile("token_secret", config.token_secret, secret)
        elif config.token_key is not None:
            self._file = KeyFile("token_key", config.token_key, private_key)

    @property
    def mints(self) -> bool:
        return self._file is not None

    def mint(self, person: Person, left_s: float) -> tuple[str, float] | None:
        """A token, and for how many seconds it is good: no longer than the session."""
        if self._file is None:
            return None
        algorithm, key = self._file.key
        now, good_s = time.time(), min(self._token_s, left_s)
        claims = {
            "sub": person.name,
            "scope": scope_of(person.role, self._metrics),
            "iat": int(now),
            "exp": int(now + good_s),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, key, algorithm), good_s
