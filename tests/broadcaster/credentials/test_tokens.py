import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.credentials.keys import Key, private_key, public_keys, secret
from broadcaster.credentials.scopes import ScopeError
from broadcaster.credentials.tokens import TOKEN_MAX, BadToken, check, mint
from tests.broadcaster.credentials import material as m

NOW = 1_800_000_000.0
SECRET = secret(m.SECRET)
ED = private_key(m.private_pem(m.ed25519_key(0)))
RSA = private_key(m.private_pem(m.rsa_key()))
ED_PUBLIC = public_keys(m.public_pem(m.ed25519_key(0)))
RSA_PUBLIC = public_keys(m.public_pem(m.rsa_key()))


def token(key: Key = SECRET, **changes: object) -> str:
    """One that is good, but for the changes; None leaves a claim out."""
    claims = {"sub": "ann", "scope": "subscribe:*", "exp": NOW + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key.value, key.algorithm)


def problem(text: str, keys: tuple[Key, ...] = (SECRET,), **options: str) -> str:
    with pytest.raises(BadToken) as caught:
        check(text, keys, NOW, **options)
    assert caught.value.code == "bad_token"
    return caught.value.message


@pytest.mark.parametrize(("key", "keys"), [(SECRET, (SECRET,)), (ED, ED_PUBLIC), (RSA, RSA_PUBLIC)])
def test_what_is_minted_is_good(key: Key, keys: tuple[Key, ...]) -> None:
    claims = check(mint(key, subject="ann", scope="publish:a.* admin", expires_s=60, now=NOW, id="7"), keys, NOW)
    assert (claims.subject, claims.expires, claims.id, claims.scope.admin) == ("ann", NOW + 60, "7", True)
    assert claims.scope.may_publish("a.b") and not claims.scope.may_subscribe("a.b")


def test_ids_differ() -> None:
    one, other = (check(mint(SECRET, subject="a", scope="", expires_s=9, now=NOW), [SECRET], NOW).id for _ in range(2))
    assert one and other and one != other


def test_nonsense_is_not_minted() -> None:
    with pytest.raises(ScopeError):
        mint(SECRET, subject="a", scope="publish:", expires_s=9, now=NOW)


def test_every_kind_of_key_at_once() -> None:
    keys = (SECRET, *ED_PUBLIC, *RSA_PUBLIC)
    assert {check(token(key), keys, NOW).subject for key in (SECRET, ED, RSA)} == {"ann"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": NOW}, "expired"),
        ({"exp": None}, "expected exp in Unix seconds"),
        ({"exp": "soon"}, "expected exp in Unix seconds"),
        ({"exp": True}, "expected exp in Unix seconds"),
        ({"exp": float("inf")}, "expected exp in Unix seconds"),
        ({"exp": 10**400}, "expected exp in Unix seconds"),
        ({"nbf": NOW + 31}, "not good yet"),
        ({"nbf": "x"}, "expected nbf in Unix seconds"),
        ({"sub": None}, "expected sub"),
        ({"sub": ""}, "expected sub to be a printable text"),
        ({"sub": 5}, "expected sub to be a printable text"),
        ({"sub": "a\nb"}, "expected sub to be a printable text"),
        ({"sub": "a" * 257}, "expected sub to be a printable text of 1 to 256"),
        ({"jti": ["x"]}, "expected jti to be a printable text"),
        ({"scope": ["admin"]}, "expected scope to be a text"),
        ({"scope": "publish:"}, "scope: expected publish:GLOB"),
    ],
)
def test_claims_that_are_wrong(changes: dict[str, Any], said: str) -> None:
    if changes.get("sub") == 5 or "jti" in changes:  # which PyJWT does not mint
        claims = {"sub": "ann", "exp": NOW + 60, **changes}
        text = signed({"alg": "HS256"}, claims)
    else:
        text = token(**changes)
    assert said in problem(text)


def signed(header: dict[str, object], claims: dict[str, object]) -> str:
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    parts = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = base64.urlsafe_b64encode(algorithm.sign(parts, m.SECRET)).rstrip(b"=")
    return (parts + b"." + signature).decode()


def test_a_little_ahead_is_good() -> None:
    assert check(token(nbf=NOW + 29, iat=NOW + 29), [SECRET], NOW).subject == "ann"


def test_without_scope_nothing_is_allowed() -> None:
    scope = check(token(scope=None), [SECRET], NOW).scope
    assert (scope.may_publish("a"), scope.may_subscribe("a"), scope.admin) == (False, False, False)


def test_unsigned_tokens_are_refused() -> None:
    claims = {"sub": "ann", "exp": NOW + 60}
    unsigned = jwt.encode(claims, "", "none")
    assert "signed by no key" in problem(unsigned)
    for name in ("none", "None", "NONE", "", None, 5, "HS384"):
        text = signed({"alg": name, "typ": "JWT"}, dict(claims))
        assert problem(text) in ("token: signed by no key that is known here", "token: expected a JWT")


def test_a_public_key_is_no_secret() -> None:
    """The classical confusion: signed by HMAC, with the published key as the secret."""
    pem = m.public_pem(m.rsa_key())
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    claims = {"sub": "ann", "exp": NOW + 60}
    header = {"alg": "HS256", "typ": "JWT"}
    parts = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    text = (parts + b"." + base64.urlsafe_b64encode(algorithm.sign(parts, pem)).rstrip(b"=")).decode()
    assert "signed by no key" in problem(text, RSA_PUBLIC)


def test_a_key_of_another_is_refused() -> None:
    other = private_key(m.private_pem(m.ed25519_key(1)))
    assert "signed by no key" in problem(token(other), ED_PUBLIC)
    assert "signed by no key" in problem(token(ED), (SECRET,))


def test_keys_are_found_by_name() -> None:
    old, new = (Key("EdDSA", m.ed25519_key(number), name) for number, name in ((0, "old"), (1, "new")))
    both = public_keys(m.jwks(m.ed25519_jwk(0, kid="old"), m.ed25519_jwk(1, kid="new")))
    for key in (old, new):
        assert check(mint(key, subject="ann", scope="", expires_s=9, now=NOW), both, NOW).subject == "ann"
    lying = mint(Key("EdDSA", old.value, "new"), subject="ann", scope="", expires_s=9, now=NOW)
    assert "signed by no key" in problem(lying, both)
    gone = mint(Key("EdDSA", old.value, "gone"), subject="ann", scope="", expires_s=9, now=NOW)
    assert "signed by no key" in problem(gone, both)
    assert check(gone, ED_PUBLIC, NOW).subject == "ann"  # a key without a name is tried for every name


def test_issuer_and_audience() -> None:
    assert check(token(iss="x", aud=["a", "b"]), [SECRET], NOW, issuer="x", audience="b").subject == "ann"
    assert check(token(iss="x", aud="b"), [SECRET], NOW).subject == "ann"
    assert "another issuer" in problem(token(), issuer="x")
    assert "another audience" in problem(token(aud=["a"]), audience="b")
    assert "another audience" in problem(token(), audience="b")


def test_a_token_has_a_length() -> None:
    assert f"at most {TOKEN_MAX} characters" in problem("a" * (TOKEN_MAX + 1))


@given(st.text(max_size=300) | st.lists(st.text("abcXYZ019-_=", max_size=40), min_size=2, max_size=4).map(".".join))
def test_any_text_is_refused(text: str) -> None:
    message = problem(text, (SECRET, *ED_PUBLIC, *RSA_PUBLIC))
    assert message.startswith("token: ")
    assert len(text) < 12 or text not in message


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    good = token(ED)
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + data.draw(st.characters(codec="utf-8")) + good[at + 1 :]
    try:
        claims = check(changed, ED_PUBLIC, NOW)
    except BadToken:
        return
    assert claims == check(good, ED_PUBLIC, NOW)  # only bits of the last character that do not count


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk"]), JSON),
    st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "scope", "jti", "aud", "iss"]), JSON) | JSON,
)
def test_whoever_has_the_secret_breaks_nothing(header: dict[str, object], claims: dict[str, object]) -> None:
    text = signed({"alg": "HS256", **header}, claims)
    try:
        check(text, (SECRET,), NOW, issuer="x", audience="y")
    except BadToken as refused:
        assert refused.message.startswith("token: ")
