"""From a token to what it allows, by keys and revocations in files that may change at any time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broadcaster.auth import Authenticator, anybody
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.keys import Key, public_keys, secret
from broadcaster.credentials.revocations import Revocations, parse_revocations
from broadcaster.credentials.scopes import Scope
from broadcaster.credentials.tokens import BadToken, check
from broadcaster.credentials.watched import Watched

UNSENT: Final = "no token: send Authorization: Bearer TOKEN, or offer the subprotocol bearer.TOKEN"


@dataclass(frozen=True, slots=True, eq=False)
class TokenGrant:
    """What one token allows. `sight` is equal for grants that may see the same."""

    subject: str
    scope: Scope
    expires: float | None
    _id: str | None
    _revoked: Callable[[str | None, str], bool]

    @property
    def admin(self) -> bool:
        return self.scope.admin

    @property
    def subscribe(self) -> frozenset[str]:
        return self.scope.subscribe

    @property
    def sight(self) -> object:
        return self.scope.subscribe

    @property
    def revoked(self) -> bool:
        return self._revoked(self._id, self.subject)

    def may_publish(self, metric: str) -> bool:
        return self.scope.may_publish(metric)

    def may_subscribe(self, metric: str) -> bool:
        return self.scope.may_subscribe(metric)


class TokenAuthenticator:
    """Checks tokens by the files of the settings. `refresh` reads again what has changed."""

    def __init__(self, config: BroadcasterConfig, clock: Callable[[], float] = time.time) -> None:
        """Raises CommandError, which names the setting and the file."""
        self._issuer, self._audience = config.token_issuer, config.token_audience
        self._clock = clock
        self._secret: Watched[Key] | None = None
        self._public: Watched[tuple[Key, ...]] | None = None
        self._list: Watched[Revocations] | None = None
        if config.token_secret is not None:
            self._secret = Watched("token_secret", config.token_secret, secret)
        if config.token_keys is not None:
            self._public = Watched("token_keys", config.token_keys, public_keys)
        if config.token_revoked is not None:
            self._list = Watched("token_revoked", config.token_revoked, parse_revocations)

    @property
    def keys(self) -> tuple[Key, ...]:
        return (
            *(() if self._public is None else self._public.content),
            *(() if self._secret is None else (self._secret.content,)),
        )

    def refresh(self) -> None:
        for file in (self._secret, self._public, self._list):
            if file is not None:
                file.refresh()

    def revoked(self, id: str | None, subject: str) -> bool:
        return self._list is not None and self._list.content.covers(id, subject)

    def __call__(self, token: str | None) -> TokenGrant:
        """Raises BadToken."""
        if token is None:
            raise BadToken(UNSENT, "no_token")
        claims = check(token, self.keys, self._clock(), issuer=self._issuer, audience=self._audience)
        if self.revoked(claims.id, claims.subject):
            raise BadToken("token: revoked", "revoked")
        return TokenGrant(claims.subject, claims.scope, claims.expires, claims.id, self.revoked)


def authenticator_of(config: BroadcasterConfig) -> Authenticator:
    """Without keys in the settings everybody may do everything. Raises CommandError."""
    if config.token_secret is None and config.token_keys is None:
        return anybody
    return TokenAuthenticator(config)
