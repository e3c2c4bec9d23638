from collections.abc import Callable
from pathlib import Path

import argon2
import pytest

from dashboard.config import DashboardConfig
from dashboard.signin import passwords

PASSWORD = "correct horse"
Configured = Callable[..., DashboardConfig]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take no time."""
    monkeypatch.setattr(passwords, "hasher", argon2.PasswordHasher(1, 8, 1))


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A password file with one person of each role, who all have the same password."""
    file = tmp_path / "users"
    lines = (f"{name}:{passwords.hasher.hash(PASSWORD)}:{name}" for name in ("viewer", "editor", "admin"))
    file.write_text("# who may\n" + "".join(f"{line}\n" for line in lines))
    return file


@pytest.fixture
def configured(accounts: Path) -> Configured:
    def make(**settings: object) -> DashboardConfig:
        return DashboardConfig.model_validate({"password_file": str(accounts), **settings})

    return make
