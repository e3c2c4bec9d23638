import logging
import os
from pathlib import Path

import pytest

from broadcaster.auth import anybody
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.authenticator import TokenAuthenticator, authenticator_of
from broadcaster.credentials.keys import Key, private_key, secret
from broadcaster.credentials.tokens import BadToken, mint
from ingest.errors import CommandError
from tests.broadcaster.credentials import material as m

NOW = 1_800_000_000.0


def token(key: Key | None = None, subject: str = "ann", id: str | None = None, scope: str = "subscribe:a*") -> str:
    return mint(key or secret(m.SECRET), subject=subject, scope=scope, expires_s=60, now=NOW, id=id)


class Files:
    """Keys and revocations; each writing is seen as a change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        self.write("secret", m.SECRET)

    def write(self, name: str, data: bytes) -> None:
        self._written += 1
        path = self.folder / name
        path.write_bytes(data)
        os.utime(path, ns=(self._written, self._written))

    def authenticator(self, **settings: str) -> TokenAuthenticator:
        paths = {name: str(self.folder / file) for name, file in settings.items()}
        return TokenAuthenticator(BroadcasterConfig.model_validate(paths), lambda: NOW)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def reason(authenticator: TokenAuthenticator, token: str | None) -> str:
    with pytest.raises(BadToken) as caught:
        authenticator(token)
    return caught.value.reason


def test_without_keys_everybody_may_do_everything() -> None:
    assert authenticator_of(BroadcasterConfig()) is anybody


def test_a_token_becomes_a_grant(files: Files) -> None:
    grant = files.authenticator(token_secret="secret")(token())
    assert (grant.subject, grant.expires, grant.admin, grant.revoked) == ("ann", NOW + 60, False, False)
    assert [grant.may_subscribe(metric) for metric in ("a.b", "b")] == [True, False]
    assert not grant.may_publish("a.b")


def test_who_may_see_the_same_shares_an_audience(files: Files) -> None:
    authenticator = files.authenticator(token_secret="secret")
    ann, bob = (authenticator(token(subject=who, scope=f"publish:{who} subscribe:x subscribe:y")) for who in "ab")
    carl = authenticator(token(scope="subscribe:x"))
    assert ann.sight == bob.sight != carl.sight
    assert len({ann.sight, bob.sight, carl.sight, None}) == 3  # and none is that of who may see everything


def test_reasons_are_told_apart(files: Files) -> None:
    files.write("revoked", b"gone\nsub:bob\n")
    authenticator = files.authenticator(token_secret="secret", token_revoked="revoked")
    old = mint(secret(m.SECRET), subject="ann", scope="", expires_s=-1, now=NOW)
    refused = [None, "x", old, token(id="gone"), token(subject="bob")]
    assert [reason(authenticator, each) for each in refused] == [
        "no_token",
        "bad_token",
        "expired",
        "revoked",
        "revoked",
    ]


def test_a_revocation_ends_a_grant(files: Files) -> None:
    files.write("revoked", b"")
    authenticator = files.authenticator(token_secret="secret", token_revoked="revoked")
    grant, other = authenticator(token(id="7")), authenticator(token(id="8"))
    files.write("revoked", b"7\n")
    assert not grant.revoked  # until the file is looked at
    authenticator.refresh()
    assert (grant.revoked, other.revoked) == (True, False)


def test_keys_rotate(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    old, new = (Key("EdDSA", m.ed25519_key(number), name) for number, name in ((0, "old"), (1, "new")))
    files.write("keys", m.jwks(m.ed25519_jwk(0, kid="old")))
    authenticator = files.authenticator(token_keys="keys")
    assert reason(authenticator, token(new)) == "bad_token"
    files.write("keys", m.jwks(m.ed25519_jwk(0, kid="old"), m.ed25519_jwk(1, kid="new")))
    authenticator.refresh()
    assert [authenticator(token(key)).subject for key in (old, new)] == ["ann", "ann"]
    files.write("keys", m.jwks(m.ed25519_jwk(1, kid="new")))
    authenticator.refresh()
    assert reason(authenticator, token(old)) == "bad_token"
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_a_broken_change_is_told_once_and_not_used(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    authenticator = files.authenticator(token_secret="secret")
    files.write("secret", b"too short")
    for _ in range(4):
        authenticator.refresh()
    assert authenticator(token()).subject == "ann"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "expected a secret of at least 32 bytes, got 9" in caplog.text
    (files.folder / "secret").unlink()
    for _ in range(3):
        authenticator.refresh()
    assert authenticator(token()).subject == "ann"
    assert "No such file" in caplog.text


def test_both_kinds_of_key(files: Files) -> None:
    files.write("keys", m.public_pem(m.ed25519_key(0)))
    authenticator = files.authenticator(token_secret="secret", token_keys="keys")
    by_pair = token(private_key(m.private_pem(m.ed25519_key(0))))
    assert [authenticator(each).subject for each in (token(), by_pair)] == ["ann", "ann"]


@pytest.mark.parametrize(("setting", "data"), [("token_secret", b"x"), ("token_keys", b"{"), ("token_revoked", b"a b")])
def test_a_file_that_cannot_be_used_is_named_at_the_start(files: Files, setting: str, data: bytes) -> None:
    files.write("broken", data)
    with pytest.raises(CommandError, match=rf"{setting}: .*broken: "):
        files.authenticator(**{"token_secret": "secret", setting: "broken"})
    with pytest.raises(CommandError, match=rf"{setting}: .*missing: No such file"):
        files.authenticator(**{"token_secret": "secret", setting: "missing"})
