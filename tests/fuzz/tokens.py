"""Targets of the credentials: tokens, what is signed in them, and the files of keys and revocations."""

import base64
import hashlib
import hmac
import json

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from broadcaster.credentials.keys import Key, private_key, public_keys, secret
from broadcaster.credentials.revocations import parse_revocations
from broadcaster.credentials.tokens import BadToken, check, mint

NOW = 1_700_000_000.0
SECRET = b"not a secret, but long enough for one"
PAIR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = (secret(SECRET), Key("EdDSA", PAIR.public_key(), "k1"))
SCOPE = "publish:host.* subscribe:* admin"

HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "a", "scope": SCOPE, "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "x", "aud": ["a"], "iss": "i"}
TOKENS = [
    mint(KEYS[0], subject="a", scope=SCOPE, expires_s=60, now=NOW).encode(),
    mint(Key("EdDSA", PAIR, "k1"), subject="b", scope="", expires_s=60, now=NOW).encode(),
]
SIGNED = [orjson.dumps([HEADER, CLAIMS]), orjson.dumps([{**HEADER, "kid": "k1"}, {"sub": "a", "exp": NOW + 1}])]
KEY_FILES = [
    orjson.dumps({"keys": [{**json.loads(OKPAlgorithm.to_jwk(PAIR.public_key())), "kid": "k1", "alg": "EdDSA"}]}),
    orjson.dumps({"keys": [{"kty": "oct", "k": "A" * 64, "alg": "HS256", "kid": "s"}, {"kty": "RSA", "n": "AQAB"}]}),
    PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
]
REVOCATIONS = [b"# gone\nabc123\nsub:alice # left\n\nsub:bob smith\nx-y_z\n"]


def token(data: bytes) -> None:
    """A token as it was sent."""
    _judge(data.decode("latin-1"))
    _judge(data.decode(errors="replace"))


def signed(data: bytes) -> None:
    """A header and claims that an issuer with the right key signed, whatever is in them."""
    try:
        parts = json.loads(data)
        header, claims = (json.dumps(part).encode() for part in parts)
    except (ValueError, TypeError, RecursionError):
        header, claims = orjson.dumps(HEADER), data
    text = b".".join(map(_encoded, (header, claims)))
    for key in KEYS:
        by_secret = key.algorithm == "HS256"
        signature = hmac.new(SECRET, text, hashlib.sha256).digest() if by_secret else PAIR.sign(text)
        _judge((text + b"." + _encoded(signature)).decode())


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _judge(text: str) -> None:
    try:
        claims = check(text, KEYS, NOW)
    except BadToken as error:
        orjson.dumps(error.message)
        return
    assert claims.expires > NOW and claims.subject
    for metric in ("host.cpu", "a", ""):
        claims.scope.may_publish(metric)
        claims.scope.may_subscribe(metric)


def key_files(data: bytes) -> None:
    """Nothing of a key may be shown."""
    for read in (public_keys, private_key, secret):
        try:
            read(data)
        except ValueError as error:
            assert len(str(error)) < 200


def revocations(data: bytes) -> None:
    try:
        found = parse_revocations(data)
    except ValueError as error:
        orjson.dumps(str(error))
        return
    assert all(found.covers(id, "") for id in found.ids)
    assert all(found.covers(None, subject) for subject in found.subjects)
