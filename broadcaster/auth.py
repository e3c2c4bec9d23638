"""The seam of credentials: a token becomes a grant, or is refused. Pure.

Without credentials configured everybody may do everything, which is why such a broadcaster binds to loopback only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

NOTHING: Final = frozenset[str]()
"""The `sight` of grants that may see nothing."""


class Grant(Protocol):
    """What a connection may do."""

    def may_publish(self, metric: str) -> bool: ...

    def may_subscribe(self, metric: str) -> bool: ...

    @property
    def subscribe(self) -> frozenset[str]:
        """Globs of the metrics that `may_subscribe` allows."""

    @property
    def admin(self) -> bool: ...

    @property
    def subject(self) -> str | None:
        """Whose it is; None: nobody's in particular."""

    @property
    def sight(self) -> object:
        """Equal for grants that may see the same, so that those who have them can share an audience."""

    @property
    def revoked(self) -> bool:
        """True as soon as what it came from is no longer good."""

    @property
    def expires(self) -> float | None:
        """Unix seconds, or None: never."""


Authenticator = Callable[[str | None], Grant]
"""From a bearer token (None: none was sent) to a grant. Raises MessageError (bad_token)."""


@dataclass(frozen=True, slots=True)
class Everything:
    """The grant of a broadcaster without credentials."""

    admin: bool = True
    subject: str | None = None
    sight: object = None
    revoked: bool = False
    expires: float | None = None
    subscribe: frozenset[str] = frozenset({"*"})

    def may_publish(self, metric: str) -> bool:
        return True

    def may_subscribe(self, metric: str) -> bool:
        return True


EVERYTHING = Everything()


def anybody(token: str | None) -> Grant:
    """The authenticator of a broadcaster without credentials."""
    return EVERYTHING
