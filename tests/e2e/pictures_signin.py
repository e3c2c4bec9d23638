"""The pictures of signing in: the page, what it says of a wrong password, and a session that has ended.

python -m tests.e2e.pictures_signin     into docs/images
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e.browser import chromium
from tests.e2e.command import ANYWHERE, running, url_in
from tests.e2e.pictures import IMAGES, SETTLED_MS, SIZES, THEMES, Theme, keep, opened
from tests.e2e.signing_in import PASSWORD, House

FILLED_S = 30


def take(browser: Browser, url: str, size: str, theme: Theme) -> None:
    page = opened(browser, size, theme, f"{url}/?filter=shop&window=30")

    def keep_as(name: str) -> None:
        page.wait_for_timeout(SETTLED_MS)
        keep(page.screenshot(), IMAGES / f"{name}-{size}-{theme}.webp")

    keep_as("signin")
    for password in ("wrong", PASSWORD):
        page.fill("#name", "editor")
        page.fill("#password", password)
        page.keyboard.press("Enter")
        if password == "wrong":
            page.get_by_role("alert").wait_for()
            keep_as("signin-wrong")
    page.wait_for_function("() => window.streamgauge?.connection.state === 'live'")
    page.wait_for_timeout(2 * SETTLED_MS)
    page.context.clear_cookies()
    page.locator("#session-ended").wait_for()
    keep_as("session-ended")
    page.context.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running("serve", **ANYWHERE) as serve, chromium() as browser:
        house = House.at(Path(folder))
        stream = url_in(serve, "ws")
        signed = {"PASSWORD_FILE": "people", "TOKEN_SECRET": "secret", "DASHBOARDS": "boards"}
        settings = {f"STREAMGAUGE_DASHBOARD_{name}": str(house.folder / file) for name, file in signed.items()}
        settings |= {"STREAMGAUGE_DASHBOARD_TOKEN_S": "3"}
        page = ("dashboard", "--bind", "127.0.0.1:0", "--broadcaster", stream)
        with running("push", "--to", stream, "shop"), running(*page, **settings) as dashboard:
            url = url_in(dashboard, "http")
            time.sleep(FILLED_S)
            for size in SIZES:
                for theme in THEMES:
                    take(browser, url, size, theme)


if __name__ == "__main__":
    main()
