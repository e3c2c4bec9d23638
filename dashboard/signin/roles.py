"""Who somebody is, and what a role may do. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
NAME_EXPECTED = "expected 1 to 64 of letters, digits and . _ @ + -, a letter or digit first"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `by_proxy`: a proxy in front vouches for them, and they sign out there."""

    name: str
    role: Role
    by_proxy: bool = False

    def is_at_least(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


def role_of(text: str) -> Role | None:
    """None if there is no such role."""
    return next((role for role in ROLES if role == text), None)


def scope_of(role: Role, metrics: Mapping[Role, Sequence[str]]) -> str:
    """Of a token for the broadcaster: it never may publish.

    Args:
        metrics: globs that each role may subscribe to.
    """
    return " ".join([*(f"subscribe:{glob}" for glob in metrics[role]), *(["admin"] if role == "admin" else [])])
