import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.credentials.keys import private_key, public_keys, secret
from tests.broadcaster.credentials import material as m


def test_a_secret_has_a_least_length() -> None:
    assert secret(m.SECRET + b"\n").value == m.SECRET
    with pytest.raises(ValueError, match="at least 32 bytes, got 5"):
        secret(b"short\n\n")


@pytest.mark.parametrize("pem", [m.public_pem, m.private_pem])
def test_a_key_in_pem_is_no_secret(pem: Callable[[Any], bytes]) -> None:
    """Taken for one, a public key would let anybody who knows it sign."""
    with pytest.raises(ValueError, match="expected a secret, got a key in PEM"):
        secret(pem(m.ed25519_key(0)))


def test_each_key_has_one_algorithm() -> None:
    assert [key.algorithm for key in public_keys(m.public_pem(m.rsa_key()))] == ["RS256"]
    assert [key.algorithm for key in public_keys(m.public_pem(m.ed25519_key(0)))] == ["EdDSA"]
    found = public_keys(m.jwks(m.rsa_jwk(kid="r"), m.ed25519_jwk(kid="e"), m.secret_jwk(kid="s")))
    assert [(key.algorithm, key.id) for key in found] == [("RS256", "r"), ("EdDSA", "e"), ("HS256", "s")]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "expected a JWKS file"),
        (b"\xff\xfe", "expected a JWKS file"),
        (b"[" * 100_000, "expected a JWKS file"),
        (b"[]", "expected an array of 1 to 100 keys"),
        (b'{"keys": []}', "expected an array of 1 to 100 keys"),
        (b'{"keys": [5]}', r"keys\[0\]: expected an object"),
        (b'{"keys": [{"kty": "oct"}]}', r"keys\[0\]: damaged"),
        (b'{"keys": [{"kty": ["oct"]}]}', r"keys\[0\].kty: expected RSA, OKP or oct"),
        (m.jwks(m.ed25519_jwk(kid="")), r"keys\[0\].kid: expected a text"),
        (m.jwks(m.ed25519_jwk(kid=5)), r"keys\[0\].kid: expected a text"),
        (m.jwks(m.ed25519_jwk(), m.ed25519_jwk(1)), "a kid of its own for each"),
        (m.jwks(m.ed25519_jwk(use="enc")), r"keys\[0\].use: expected sig"),
        (m.jwks(m.ed25519_jwk(key_ops=["sign"])), r"keys\[0\].key_ops: expected verify"),
        (m.jwks(m.ed25519_jwk(alg="HS256")), r"keys\[0\].alg: expected EdDSA"),
        (m.jwks(m.rsa_jwk(alg="RS512")), r"keys\[0\].alg: expected RS256"),
        (m.jwks(m.ed25519_jwk(d="AAAA")), r"keys\[0\]: got a private key"),
        (m.jwks({"kty": "EC", "crv": "P-256"}), r"keys\[0\].kty: expected RSA, OKP or oct"),
        (m.jwks(m.ed25519_jwk(crv="X25519")), r"keys\[0\].crv: expected Ed25519"),
        (m.jwks(m.ed25519_jwk(x="!")), r"keys\[0\]: damaged"),
        (m.jwks(m.rsa_jwk(1024)), r"keys\[0\]: damaged, or too short"),
        (m.jwks(m.secret_jwk(b"short")), r"keys\[0\]: damaged, or too short"),
        (m.public_pem(m.rsa_key(1024)), "RSA .2048 bits or more"),
        (m.public_pem(m.ec_key()), "RSA .2048 bits or more"),
        (m.private_pem(m.ed25519_key(0)), "got a private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "expected a JWKS file"),
    ],
    ids=map(str, range(22)),  # keys are made anew in each process
)
def test_what_is_no_key_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        public_keys(data)


def test_keys_for_something_else_are_passed_over() -> None:
    """As an identity provider lists them, which has one for encryption, and others by algorithms not known here."""
    others = [m.rsa_jwk(use="enc"), m.rsa_jwk(alg="RS512"), {"kty": "EC", "crv": "P-256"}, m.ed25519_jwk(crv="X25519")]
    found = public_keys(m.jwks(*others, m.ed25519_jwk(kid="ours"), *others, m.rsa_jwk(kid="too")))
    assert [key.id for key in found] == ["ours", "too"]
    for damaged in (m.rsa_jwk(1024), m.ed25519_jwk(x="!")):
        with pytest.raises(ValueError, match=r"keys\[1\]: damaged, or too short"):
            public_keys(m.jwks(m.ed25519_jwk(), damaged))


def test_private_keys_are_for_minting() -> None:
    assert private_key(m.private_pem(m.ed25519_key(0))).algorithm == "EdDSA"
    assert private_key(m.private_pem(m.rsa_key())).algorithm == "RS256"
    for data in (m.private_pem(m.ec_key()), m.private_pem(m.rsa_key(1024)), m.public_pem(m.ed25519_key(0)), b"x"):
        with pytest.raises(ValueError, match="expected a private key of RSA"):
            private_key(data)


def test_a_key_does_not_show_itself() -> None:
    assert "secret" not in repr(secret(m.SECRET))
    assert repr(secret(m.SECRET)) == "Key(HS256, None)"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "n", "e", "k", "kid", "alg", "use", "key_ops", "keys"]), inner, max_size=6
    ),
)  # fmt: skip


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps({"keys": value}).encode()))
def test_any_file_is_keys_or_is_refused(data: bytes) -> None:
    try:
        assert public_keys(data)
    except ValueError as error:
        assert str(error)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "n", "e", "k", "kid", "alg", "use", "key_ops"]), JSON))
def test_any_key_of_a_set_is_one_or_is_refused(changes: dict[str, Any]) -> None:
    for jwk in (m.ed25519_jwk(**changes), m.rsa_jwk(**changes), m.secret_jwk(**changes)):
        try:
            assert public_keys(m.jwks(jwk))
        except ValueError as error:
            assert str(error)
