"""Tokens over HTTP against a core that is a few lines long; no sockets."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from broadcaster.credentials.authenticator import TokenGrant
from broadcaster.credentials.keys import secret
from broadcaster.credentials.revocations import Revocations
from broadcaster.credentials.tokens import BadToken, check, mint
from broadcaster.http_core import Caller
from tests.broadcaster.credentials import material as m
from tests.broadcaster.test_http import SAMPLE, Core, posted

KEY = secret(m.SECRET)


@dataclass
class Guarded(Core):
    """With real tokens, of the year 1970."""

    now: float = 0.0
    revoked: Revocations = field(default_factory=Revocations)

    def authorise(self, token: str | None) -> Caller:
        assert token is not None
        claims = check(token, [KEY], self.now)
        if self.revoked.covers(claims.id, claims.subject):
            raise BadToken("token: revoked", "revoked")
        return TokenGrant(
            claims.subject, claims.scope, claims.expires, claims.id, lambda *who: self.revoked.covers(*who)
        )


REQUESTS: list[tuple[str, str, dict[str, str], object]] = [
    ("POST", "/v1/publish", {}, {"samples": [SAMPLE]}),
    ("PUT", "/v1/alerts/hot", {"if_none_match": "*", "content_type": "application/json"}, {"metric": "a", "above": 1}),
]


@pytest.mark.parametrize(
    ("good_s", "change", "why"),
    [(1e10, {"revoked": Revocations(subjects=frozenset(["ann"]))}, "revoked"), (60, {"now": 61.0}, "expired")],
)
@pytest.mark.parametrize(("method", "path", "headers", "body"), REQUESTS)
async def test_a_token_has_to_be_good_still_when_the_body_is_there(
    method: str, path: str, headers: dict[str, str], body: object, good_s: float, change: dict[str, Any], why: str
) -> None:
    core = Guarded()
    token = mint(KEY, subject="ann", scope="publish:* admin", expires_s=good_s, now=0.0)

    async def receive() -> dict[str, Any]:
        vars(core).update(change)
        return {"type": "http.request", "body": orjson.dumps(body)}

    status, answer = await posted(core, receive, method, path, authorization=f"Bearer {token}", **headers)
    assert (status, answer) == (401, {"code": "bad_token", "message": f"token: {why}"})
    assert (core.published, core.alerting.done) == ([], [])
