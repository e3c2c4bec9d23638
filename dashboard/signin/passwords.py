"""The file of those who may sign in: lines NAME:ARGON2-HASH:ROLE. Pure, but for the hashing, which takes its time."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.signin.roles import NAME, NAME_EXPECTED, ROLES, Role, role_of

PASSWORD_LEAST = 8
PASSWORD_MOST = 1024
MEMORY_MOST_KIB = 1 << 20

Cost = tuple[int, int, int]

hasher = argon2.PasswordHasher()  # argon2id, RFC 9106's second choice: 64 MiB, three passes


class PasswordError(Exception):
    """What is wrong with a file or a password; the message says where."""


@dataclass(frozen=True, slots=True)
class Account:
    """A line of the file. Two with the same hash have the same password and nothing changed between them."""

    name: str
    hash: str
    role: Role


def parse(text: str) -> dict[str, Account]:
    """By name. Empty lines and those that begin with # are left out. Raises PasswordError, which names the line."""
    accounts: dict[str, Account] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            account = _account(line.strip())
            if account.name in accounts:
                raise PasswordError(f"{account.name} is there twice")
        except PasswordError as error:
            raise PasswordError(f"line {number}: {error}") from None
        accounts[account.name] = account
    return accounts


def _account(line: str) -> Account:
    parts = line.split(":")
    if len(parts) != 3:
        raise PasswordError("expected NAME:ARGON2-HASH:ROLE")
    name, hashed, role_text = parts
    check_name(name)
    role = role_of(role_text)
    if role is None:
        raise PasswordError(f"role: expected one of {', '.join(ROLES)}")
    _check_hash(hashed)
    return Account(name, hashed, role)


def check_name(name: str) -> None:
    """Raises PasswordError."""
    if not NAME.fullmatch(name):
        raise PasswordError(f"name: {NAME_EXPECTED}")


def _check_hash(hashed: str) -> None:
    """The hash itself is not shown: it would end up in logs."""
    try:
        parameters = argon2.extract_parameters(hashed)
    except InvalidHashError:
        raise PasswordError("hash: expected one of argon2, as streamgauge passwd writes it") from None
    if parameters.type is not argon2.Type.ID or parameters.memory_cost > MEMORY_MOST_KIB:
        raise PasswordError("hash: expected argon2id with at most 1 GiB of memory")


def check_password(password: str) -> None:
    """Of a new one. Raises PasswordError."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise PasswordError(f"password: expected {PASSWORD_LEAST} to {PASSWORD_MOST} characters, got {len(password)}")


def write(accounts: Mapping[str, Account], before: str = "") -> str:
    """The text of a file; remarks and the order of `before` are kept."""
    remaining = dict(accounts)
    lines = []
    for line in before.splitlines():
        name = line.strip().partition(":")[0]
        if not line.strip() or line.startswith("#"):
            lines.append(line)
        elif name in remaining:
            lines.append(_line(remaining.pop(name)))
    return "".join(f"{line}\n" for line in [*lines, *map(_line, remaining.values())])


def _line(account: Account) -> str:
    return f"{account.name}:{account.hash}:{account.role}"


def verify(account: Account, password: str) -> bool:
    """Takes some 100 ms and the memory that the hash says, and lets other threads run meanwhile."""
    try:
        return hasher.verify(account.hash, password)
    except VerificationError:
        return False


def cost(hashed: str) -> Cost:
    """What verifying a password by this hash takes: memory in KiB, passes, lanes."""
    parameters = argon2.extract_parameters(hashed)
    return parameters.memory_cost, parameters.time_cost, parameters.parallelism


def decoys(accounts: Mapping[str, Account]) -> dict[Cost, Account]:
    """An account that nobody has for each cost of theirs, or of new ones if there is none."""
    own = hasher.memory_cost, hasher.time_cost, hasher.parallelism
    costs = {cost(account.hash): None for account in accounts.values()} or {own: None}
    return {each: Account("", _nobodys(each), "viewer") for each in costs}


def _nobodys(cost: Cost) -> str:
    """A hash of no password. Made up, because making one takes its time."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return "$argon2id$v=19$m={},t={},p={}${}${}".format(*cost, salt, digest)
