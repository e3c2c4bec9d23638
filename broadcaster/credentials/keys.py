"""Keys that tokens are checked with. Each is good for one algorithm, whatever a token says of itself. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

SECRET_LEAST: Final = 32  # bytes: as long as the digest of HS256
RSA_LEAST: Final = 2_048  # bits
KEYS_MAX: Final = 100
KID_MAX: Final = 256
PUBLIC: Final = "expected a JWKS file, or a public key of RSA (2048 bits or more) or Ed25519 in PEM"
PRIVATE: Final = "expected a private key of RSA (2048 bits or more) or Ed25519 in PEM, without a passphrase"


@dataclass(frozen=True, slots=True)
class Key:
    """`value` is what PyJWT takes; `id` is the `kid` that names it in a token's header, if it has one."""

    algorithm: str
    value: Any
    id: str | None = None

    def __repr__(self) -> str:  # never its value
        return f"Key({self.algorithm}, {self.id})"


def secret(data: bytes) -> Key:
    """Shared by those who mint and those who check (HS256). Raises ValueError."""
    if b"-----BEGIN" in data:  # a public key is known to anybody, who could then sign with it
        raise ValueError("expected a secret, got a key in PEM: public ones go to token_keys")
    stripped = data.strip()
    if len(stripped) < SECRET_LEAST:
        raise ValueError(f"expected a secret of at least {SECRET_LEAST} bytes, got {len(stripped)}")
    return Key("HS256", stripped)


def public_keys(data: bytes) -> tuple[Key, ...]:
    """Of a JWKS file or one PEM public key. Raises ValueError, which shows nothing of the keys."""
    if b"-----BEGIN" in data:
        return (_of_public(data),)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(PUBLIC) from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= KEYS_MAX:
        raise ValueError(f"keys: expected an array of 1 to {KEYS_MAX} keys (JWKS)")
    usable, others = list[Key](), list[OtherKeyError]()
    for index, each in enumerate(listed):
        try:
            usable.append(_of_jwk(each, f"keys[{index}]"))
        except OtherKeyError as other:
            others.append(other)
    if not usable:
        raise others[0]
    ids = [key.id for key in usable]
    if len(set(ids)) < len(ids):
        raise ValueError("keys: expected a kid of its own for each")
    return tuple(usable)


def _of_public(data: bytes) -> Key:
    if b"PRIVATE KEY" in data:
        raise ValueError(f"{PUBLIC}, got a private key, which whoever checks tokens need not have")
    try:
        return _key(load_pem_public_key(data))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(PUBLIC) from None


def private_key(data: bytes) -> Key:
    """To mint with. Raises ValueError."""
    try:
        return _key(load_pem_private_key(data, None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(PRIVATE) from None


def _key(value: Any, id: str | None = None) -> Key:
    if isinstance(value, Ed25519PublicKey | Ed25519PrivateKey):
        return Key("EdDSA", value, id)
    if isinstance(value, RSAPublicKey | RSAPrivateKey) and value.key_size >= RSA_LEAST:
        return Key("RS256", value, id)
    raise ValueError("expected RSA of 2048 bits or more, or Ed25519")


class OtherKeyError(ValueError):
    """A key for something else, or of a kind that is not known here: it is passed over (RFC 7517, 5)."""


def _of_jwk(jwk: object, where: str) -> Key:
    """One key of a JWKS (RFC 7517). Its own `alg`, `use` and `key_ops` must allow what it is for.

    Raises ValueError.
    """
    if not isinstance(jwk, Mapping):
        raise ValueError(f"{where}: expected an object")
    id = jwk.get("kid")
    if id is not None and not (isinstance(id, str) and 1 <= len(id) <= KID_MAX):
        raise ValueError(f"{where}.kid: expected a text of 1 to {KID_MAX} characters")
    if "d" in jwk:
        raise ValueError(f"{where}: got a private key, which whoever checks tokens need not have")
    if jwk.get("use", "sig") != "sig":
        raise OtherKeyError(f"{where}.use: expected sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, Sequence) or "verify" not in operations:
        raise OtherKeyError(f"{where}.key_ops: expected verify among them")
    kind = jwk.get("kty")
    algorithm = {"RSA": "RS256", "OKP": "EdDSA", "oct": "HS256"}.get(kind) if isinstance(kind, str) else None
    if algorithm is None:
        raise OtherKeyError(f"{where}.kty: expected RSA, OKP or oct")
    if jwk.get("alg", algorithm) != algorithm:
        raise OtherKeyError(f"{where}.alg: expected {algorithm}")
    if kind == "OKP" and jwk.get("crv") != "Ed25519":
        raise OtherKeyError(f"{where}.crv: expected Ed25519")
    try:
        value = PyJWK({**jwk, "alg": algorithm}).key
        key = secret(value) if algorithm == "HS256" else _key(value)
    except (ValueError, TypeError, AttributeError, KeyError, UnsupportedAlgorithm, PyJWTError):
        raise ValueError(f"{where}: damaged, or too short") from None
    return Key(key.algorithm, key.value, id)
