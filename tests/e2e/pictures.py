"""The pictures of the docs: every page and state, at two sizes in two themes, and the moving one of the README.

python -m tests.e2e.pictures [STATE...]     into docs/images; all of them, or those named
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.browser import chromium
from tests.e2e.command import ANYWHERE, running, url_in

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("dark", "light")
QUALITY = 80
FILLED_S = 62  # until a window of a minute is full
OPENED_MS, SETTLED_MS, DOOMED_S, TRAINED_S = 2500, 700, 4, 30
MOVING = "moving"
MOVING_SIZE, FRAMES, EVERY_S = (800, 500), 40, 0.125


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the servers of the pictures are."""

    page: str
    empty: str
    broken: str
    doomed: str
    doom: Callable[[], None]
    train: Callable[[], None]


@dataclass(frozen=True, slots=True)
class State:
    """A page in a state: where it is, and what a person does there. `doomed`: its broadcaster goes."""

    path: str = "/"
    act: Callable[[Page], None] = lambda page: None
    server: str = "page"
    trains: bool = False  # a model meanwhile

    @property
    def doomed(self) -> bool:
        return self.server == "doomed"


def _press(*keys: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(400)

    return act


def _click(*selectors: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for selector in selectors:
            page.locator(selector).first.click()
            page.wait_for_timeout(400)

    return act


def _point(page: Page) -> None:
    box = page.locator("[data-metric='shop.latency'] .plot").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"])


def _scroll_down(page: Page) -> None:
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(1500)


def _long_ago(page: Page) -> None:
    page.goto(f"{page.url}&at={time.time() - 3_000:.0f}")
    page.wait_for_timeout(OPENED_MS)


STATES: dict[str, State] = {
    "dashboard": State(),
    "pointed-at": State("/?filter=shop", _point),
    "paused": State("/?filter=shop", _press(" ")),
    "looking-back": State("/?filter=shop", _press("ArrowLeft", "ArrowLeft")),
    "nothing-in-view": State("/?filter=shop", _long_ago),
    "no-match": State("/?filter=nothing+of+that+name"),
    "menu": State("/?filter=shop.latency", _click("[data-metric='shop.latency'] .panel-button")),
    "full-screen": State("/?filter=shop", _press("j", "f")),
    "web-shop": State("/?dashboard=web-shop"),
    "kinds": State("/?dashboard=web-shop", _scroll_down),
    "host": State("/?dashboard=host"),
    "editing": State("/?dashboard=web-shop", _click("#edit")),
    "configure": State("/?dashboard=web-shop", _click("#edit", "[data-action=configure]")),
    "alerts": State("/?dashboard=web-shop", _press("a")),
    "alert-form": State("/?filter=shop.latency", _click("[data-metric='shop.latency'] .panel-button", "text=Alert…")),
    "connections": State("/connections"),
    "help": State("/", _press("?")),
    "kiosk": State("/?dashboard=web-shop&kiosk=1"),
    "embed": State("/embed?metric=shop.latency"),
    "empty": State(server="empty"),
    "no-such-dashboard": State("/?dashboard=missing"),
    "broken-file": State("/?filter=shop", _click(".broken summary"), server="broken"),
    "reconnecting": State("/?filter=shop", server="doomed"),
    "training": State("/?dashboard=training", trains=True),
}


@contextmanager
def scene() -> Iterator[Scene]:
    """The demo, long enough for something to see; a dashboard without producers, and one whose broadcaster can go."""
    http = {"STREAMGAUGE_DASHBOARD_BIND": "127.0.0.1:0"}
    with ExitStack() as stack:

        def start(*arguments: str, **settings: str) -> "subprocess.Popen[str]":
            return stack.enter_context(running(*arguments, **settings))

        demo = start("demo", "--bind", "127.0.0.1:0", "--no-browser", **ANYWHERE)
        empty, doomed = start("serve", **ANYWHERE), start("serve", **ANYWHERE)
        page, live = url_in(demo, "http"), url_in(demo, "ws")
        silent, lost = url_in(empty, "ws"), url_in(doomed, "ws")
        start("push", "--to", lost, "shop")
        lonely, lasting = (start("dashboard", "--broadcaster", stream, **http) for stream in (silent, lost))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        (folder / "floor.toml").write_text('title = "Shop floor\n')
        unread = start("dashboard", "--broadcaster", lost, "--dashboards", str(folder), **http)

        def train() -> None:
            stack.callback(subprocess.Popen([sys.executable, ROOT / "examples" / "training_loss.py", live]).kill)
            time.sleep(TRAINED_S)

        yield Scene(page, url_in(lonely, "http"), url_in(unread, "http"), url_in(lasting, "http"), doomed.kill, train)


def take(browser: Browser, places: Scene, name: str, state: State) -> None:
    if state.trains:
        places.train()
    looks = [(size, theme) for size in SIZES for theme in THEMES]
    pages = {look: opened(browser, *look, getattr(places, state.server) + state.path) for look in looks}
    if state.doomed:
        places.doom()
        time.sleep(DOOMED_S)
    for (size, theme), page in pages.items():
        page.bring_to_front()
        state.act(page)
        page.wait_for_timeout(SETTLED_MS)
        keep(page.screenshot(), IMAGES / f"{name}-{size}-{theme}.webp")
        page.context.close()


def opened(browser: Browser, size: str, theme: Theme, url: str) -> Page:
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=theme, has_touch=size == "phone", locale="en-GB", timezone_id="UTC"
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(OPENED_MS)
    return page


def keep(png: bytes, file: Path) -> None:
    Image.open(BytesIO(png)).convert("RGB").save(file, quality=QUALITY, method=6)
    print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB", flush=True)


def move(browser: Browser, places: Scene) -> None:
    """Some seconds of the page, smaller."""
    for theme in THEMES:
        page = opened(browser, "wide", theme, f"{places.page}/?dashboard=web-shop&window=30")
        frames, due = [], time.monotonic()
        for _ in range(FRAMES):
            shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
            frames.append(shot.resize(MOVING_SIZE, Image.Resampling.LANCZOS))
            due += EVERY_S
            page.wait_for_timeout(1e3 * max(0.0, due - time.monotonic()))
        file = IMAGES / f"moving-{theme}.webp"
        first, *rest = frames
        first.save(file, save_all=True, append_images=rest, duration=int(1e3 * EVERY_S), loop=0, quality=45, method=6)
        print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB", flush=True)
        page.context.close()


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - {*STATES, MOVING}
    if unknown:
        sys.exit(f"no such state: {', '.join(sorted(unknown))}; there are {', '.join([*STATES, MOVING])}")
    with scene() as places, chromium() as browser:
        time.sleep(FILLED_S)
        for name, state in STATES.items():
            if not wanted or name in wanted:
                take(browser, places, name, state)
        if not wanted or MOVING in wanted:
            move(browser, places)


if __name__ == "__main__":
    main(sys.argv[1:])
