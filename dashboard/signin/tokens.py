"""Tokens for the broadcaster, which the page gets for as long as somebody is signed in. Any thread may call."""

import threading
import time

from broadcaster.credentials.keys import Key, private_key, secret
from broadcaster.credentials.tokens import mint
from broadcaster.credentials.watched import Watched
from dashboard.config import DashboardConfig
from dashboard.signin.roles import Person, scope_of


class Minter:
    """Without a key there are no tokens: the broadcaster wants none. Its file is read again when it changes."""

    def __init__(self, config: DashboardConfig) -> None:
        """Raises CommandError: the key cannot be used."""
        self._token_s = config.token_s
        self._metrics = config.metrics
        claims = {"iss": config.token_issuer, "aud": config.token_audience}
        self._claims = {name: value for name, value in claims.items() if value is not None}
        self._lock = threading.Lock()
        self._file: Watched[Key] | None = None
        if config.token_secret is not None:
            self._file = Watched("token_secret", config.token_secret, secret)
        elif config.token_key is not None:
            self._file = Watched("token_key", config.token_key, private_key)

    @property
    def mints(self) -> bool:
        return self._file is not None

    def mint(self, person: Person, left_s: float) -> tuple[str, float] | None:
        """A token, and for how many seconds it is good: no longer than the session."""
        if self._file is None:
            return None
        with self._lock:
            self._file.refresh()
            key = self._file.content
        scope, good_s = scope_of(person.role, self._metrics), min(self._token_s, left_s)
        token = mint(key, subject=person.name, scope=scope, expires_s=good_s, now=time.time(), **self._claims)
        return token, good_s
