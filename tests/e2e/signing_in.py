"""What the tests of signing in share: people with passwords, and a broadcaster and a dashboard with one secret."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import argon2

from broadcaster.credentials.keys import secret
from broadcaster.credentials.tokens import mint
from tests.e2e.browsing import Server, Site, View

PASSWORD = "correct horse"
NAMES = ("viewer", "editor", "admin")  # each of the role of that name
TOKEN_S = 3.0  # the shortest there is


@dataclass(frozen=True, slots=True)
class House:
    """The files of one installation."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "House":
        house = cls(folder)
        house.write_people(*NAMES)
        (folder / "secret").write_text("s" * 48 + "\n")
        (folder / "revoked").write_text("")
        (folder / "boards").mkdir()
        (folder / "alerts").mkdir()
        return house

    def write_people(self, *names: str) -> None:
        hasher = argon2.PasswordHasher(1, 8, 1)
        lines = (f"{name}:{hasher.hash(PASSWORD)}:{name}\n" for name in names)
        (self.folder / "people").write_text("".join(lines))

    def broadcaster(self, serving: Callable[..., Server]) -> Server:
        files = {name: self.folder / name for name in ("secret", "revoked", "alerts")}
        return serving(
            token_secret=files["secret"], token_revoked=files["revoked"], alerts=files["alerts"], alerts_writable=True
        )

    def dashboard(self, site: Site, **settings: object) -> str:
        """Its URL, without a slash at its end."""
        named = {
            "password_file": self.folder / "people",
            "token_secret": self.folder / "secret",
            "token_s": TOKEN_S,
            "dashboards": self.folder / "boards",
            **settings,
        }
        variables = {f"STREAMGAUGE_DASHBOARD_{name}".upper(): str(value) for name, value in named.items()}
        return site.serve(f"ws://127.0.0.1:{site.ports[0]}", **variables).rstrip("/")

    def token(self, scope: str) -> str:
        """For somebody else than the page."""
        key = secret((self.folder / "secret").read_bytes())
        return mint(key, subject="test", scope=scope, expires_s=600, now=time.time())


def sign_in(view: View, name: str, password: str = PASSWORD) -> None:
    """By keyboard, from the field that has the focus."""
    view.page.locator("#name:focus, #password:focus").wait_for()
    if view.js("document.activeElement.id") == "name":
        view.page.keyboard.type(name)
        view.page.keyboard.press("Tab")
    view.page.keyboard.type(password)
    view.page.keyboard.press("Enter")
