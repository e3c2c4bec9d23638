"""What a token allows: `publish:GLOB`, `subscribe:GLOB` and `admin`, separated by spaces. Pure.

Other words are left alone: an issuer may give one token for several services.
"""

from collections.abc import Callable
from functools import lru_cache

from broadcaster.selection import GLOB_MAX, compile_glob

WORDS_MAX = 100
REMEMBERED = 4_096  # answers, of one scope

ADMIN = "admin"
PUBLISH, SUBSCRIBE = "publish:", "subscribe:"


class ScopeError(ValueError):
    """The scope cannot be read; the text says what is wrong with it."""


class Scope:
    """Equal scopes are one object, so that whoever has them may share an audience, and its answers are found once."""

    __slots__ = ("admin", "may_publish", "may_subscribe", "publish", "subscribe")

    def __init__(self, publish: frozenset[str], subscribe: frozenset[str], admin: bool) -> None:
        self.publish = publish
        self.subscribe = subscribe
        self.admin = admin
        self.may_publish = _any_of(publish)
        self.may_subscribe = _any_of(subscribe)

    def __str__(self) -> str:
        words = [PUBLISH + glob for glob in sorted(self.publish)] + [
            SUBSCRIBE + glob for glob in sorted(self.subscribe)
        ]
        return " ".join(words + [ADMIN] * self.admin)


def _any_of(globs: frozenset[str]) -> Callable[[str], bool]:
    """A test for metrics, which remembers its answers."""
    tests = [compile_glob(glob) for glob in sorted(globs)]
    if not tests:
        return lambda metric: False
    if "*" in globs:
        return lambda metric: True
    return lru_cache(REMEMBERED)(lambda metric: any(test(metric) for test in tests))


@lru_cache(1_024)
def _scope(publish: frozenset[str], subscribe: frozenset[str], admin: bool) -> Scope:
    return Scope(publish, subscribe, admin)


def parse_scope(text: str) -> Scope:
    """Raises ScopeError."""
    words = text.split()
    if len(words) > WORDS_MAX:
        raise ScopeError(f"scope: at most {WORDS_MAX} words, got {len(words)}")
    globs: dict[str, set[str]] = {PUBLISH: set(), SUBSCRIBE: set()}
    for word in words:
        kind, colon, glob = word.partition(":")
        if (kind := kind + colon) in globs:
            if not 1 <= len(glob) <= GLOB_MAX:
                raise ScopeError(f"scope: expected {kind}GLOB with a glob of 1 to {GLOB_MAX} characters")
            globs[kind].add(glob)
    return _scope(frozenset(globs[PUBLISH]), frozenset(globs[SUBSCRIBE]), ADMIN in words)
