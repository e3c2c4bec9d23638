"""The token that a client shows, and a newer one before it expires."""

import base64
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import trio

from ingest.errors import CommandError

log = logging.getLogger("streamgauge.credentials")

Token = str | Callable[[], str | None] | None
"""A token, or what gives the newest one whenever it is asked, in a thread of its own (it may take its time)."""

RENEW_SHARE = 0.2  # of a token's remaining life is left when it is renewed
RENEW_S = 0.2, 30.0  # seconds before its end, at least and at most
AGAIN_S = 1.0  # after there was no newer one
OTHER_S = 10.0  # for another token than the one that was refused


class NoToken(OSError):
    """There is no token to be had now."""


class TokenFile:
    """The token in a file, which somebody else may replace at any time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def __call__(self) -> str:
        """Raises OSError: it cannot be read, or holds none."""
        token = Path(self.path).read_text(errors="replace").strip()
        if not is_token(token):
            raise NoToken("token: expected printable ASCII without spaces")
        return token


def token_file(path: str | None) -> TokenFile | None:
    """For the setting of a command. Raises CommandError: there is no token in it at the start."""
    if path is None:
        return None
    file = TokenFile(path)
    try:
        file()
    except OSError as error:
        raise CommandError(f"--token-file: {path}: {error.strerror or error}") from None
    return file


def is_token(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable() and " " not in text and text != ""


def expiry(token: str) -> float | None:
    """When a JWT ends (Unix seconds), by its own word, which nobody has checked. None: it does not say."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        value = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)
    except (ValueError, OverflowError):
        return None


class Credentials:
    """What one client shows on its connections."""

    def __init__(self, token: Token, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._token = token
        self._clock = clock
        self._shown: str | None = None  # newest
        self._opened: str | None = None  # the newest connection was opened with it

    async def fetch(self) -> str | None:
        """The token for a new connection. Raises NoToken."""
        self._shown = self._opened = await self._newest()
        return self._shown

    async def _newest(self) -> str | None:
        if not callable(self._token):
            return self._token
        try:
            token = await trio.to_thread.run_sync(self._token, abandon_on_cancel=True)
        except Exception as error:  # of a function that is not ours: whatever it raises, there is no token now
            raise NoToken(f"no token: {type(error).__name__}: {error}") from error
        if token is not None and not is_token(token):
            raise NoToken("no token: expected printable ASCII without spaces")
        return token

    async def has_newer(self) -> bool:
        """True if there is another token than the one that was refused.

        One that was sent on the same connection may be good for a new one: it can be of another subject.
        """
        if not callable(self._token):
            return False
        with trio.move_on_after(OTHER_S):
            try:
                return await self._newest() not in (None, self._opened)
            except NoToken:
                return False
        log.warning("the token was refused, and no other one came within %g s", OTHER_S)
        return False

    async def renew(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Sends a newer token whenever the one in use is about to end; returns if it never does, or stays the same."""
        while callable(self._token) and self._shown is not None and (end := expiry(self._shown)) is not None:
            left = end - self._clock()
            await trio.sleep(max(0.0, left - min(max(RENEW_SHARE * left, RENEW_S[0]), RENEW_S[1])))
            await self._renewed(send)

    async def _renewed(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Waits until there is a newer token, and sends it."""
        while True:
            try:
                token = await self._newest()
            except NoToken as problem:
                log.warning("the token is about to expire, and there is no newer one: %s", problem)
                token = None
            if token is not None and token != self._shown:
                self._shown = token
                await send(token)
                return
            await trio.sleep(AGAIN_S)
