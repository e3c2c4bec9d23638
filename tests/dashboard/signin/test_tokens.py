import os
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.authenticator import TokenAuthenticator
from dashboard.signin.roles import Person
from dashboard.signin.tokens import Minter
from ingest.errors import CommandError
from ingest.messages import MessageError
from tests.dashboard.signin.conftest import Configured

SECRET = b"s" * 40 + b"\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    return file


def broadcaster(**settings: object) -> TokenAuthenticator:
    return TokenAuthenticator(BroadcasterConfig.model_validate(settings))


def minted(minter: Minter, person: Person, left_s: float = 1e6) -> str:
    found = minter.mint(person, left_s)
    assert found is not None
    return found[0]


def test_the_broadcaster_believes_it(secret: Path, configured: Configured) -> None:
    minter = Minter(configured(token_secret=str(secret), viewer_metrics=["shop.*"]))
    grant = broadcaster(token_secret=str(secret))(minted(minter, Person("vi", "viewer")))
    assert grant.subject == "vi"
    assert [grant.may_subscribe("shop.load"), grant.may_subscribe("host.load")] == [True, False]
    assert not grant.may_publish("shop.load")
    assert not grant.admin
    admin = broadcaster(token_secret=str(secret))(minted(minter, Person("ana", "admin")))
    assert (admin.admin, admin.may_publish("shop.load")) == (True, False)


def test_a_private_key_whose_public_half_the_broadcaster_has(tmp_path: Path, configured: Configured) -> None:
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    minter = Minter(configured(token_key=str(private), token_issuer="us", token_audience="them"))
    authenticator = broadcaster(token_keys=str(public), token_issuer="us", token_audience="them")
    assert authenticator(minted(minter, Person("vi", "viewer"))).subject == "vi"
    plain = Minter(configured(token_key=str(private)))
    with pytest.raises(MessageError, match="issuer"):
        authenticator(minted(plain, Person("vi", "viewer")))


def test_it_is_short_lived_and_never_outlives_the_session(secret: Path, configured: Configured) -> None:
    minter = Minter(configured(token_secret=str(secret), token_s=120))
    for left_s, good_s in ((1e6, 120), (7, 7)):
        found = minter.mint(Person("vi", "viewer"), left_s)
        assert found is not None
        claims = jwt.decode(found[0], SECRET.strip(), ["HS256"])
        assert found[1] == good_s
        assert good_s - 2 <= claims["exp"] - time.time() <= good_s


def test_each_has_an_id_of_its_own_so_that_it_can_be_revoked(secret: Path, configured: Configured) -> None:
    minter = Minter(configured(token_secret=str(secret)))
    ids = {jwt.decode(minted(minter, Person("vi", "viewer")), SECRET.strip(), ["HS256"])["jti"] for _ in range(20)}
    assert len(ids) == 20


def test_a_changed_secret_is_used(secret: Path, configured: Configured) -> None:
    minter = Minter(configured(token_secret=str(secret)))
    before = secret.stat().st_mtime_ns
    secret.write_bytes(b"t" * 40)
    os.utime(secret, ns=(before, before + 1_000_000))
    assert broadcaster(token_secret=str(secret))(minted(minter, Person("vi", "viewer"))).subject == "vi"


def test_without_a_key_there_are_none(configured: Configured) -> None:
    minter = Minter(configured())
    assert not minter.mints
    assert minter.mint(Person("vi", "viewer"), 1e6) is None


def test_a_secret_that_is_too_short_is_an_error_at_the_start(tmp_path: Path, configured: Configured) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(CommandError, match=r"token_secret: .*: expected a secret of at least 32 bytes"):
        Minter(configured(token_secret=str(tmp_path / "secret")))
