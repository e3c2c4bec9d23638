"""Whatever comes from producers, clients, files and links is only ever text, on every page and in every state."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog

from tests.e2e.backstage import Backstage
from tests.e2e.browsing import Server, Site, View
from tests.e2e.stages import Producer
from tests.e2e.wire import sample

HOSTILE = (
    """<img src=x onerror="window.owned=1"><script>window.owned=2</script><b class=foreign>b</b>"""
    """<a href="javascript:window.owned=3">a</a><svg onload="window.owned=4">'">"""
    """<style>*{display:none}</style>&lt;i&gt;"""
)
UNIT = """<b class=foreign onclick="window.owned=5">s</b>"""
BOARD = f"""\
title = '''{HOSTILE[:120]}'''

[[panels]]
title = '''{HOSTILE[:120]}'''
metric = "hostile.value"
"""

# Nothing that the markup speaks of exists: no element, no attribute that is code.
FOREIGN = """() => {
    const found = [...document.querySelectorAll('body *')].filter((node) =>
        node.matches('.foreign, img, iframe, object, embed, #app script, #app style, .panel a, i')
        || [...node.attributes].some(({ name, value }) => name.startsWith('on') || /^\\s*javascript:/i.test(value)));
    const seen = document.body.checkVisibility();
    return { owned: window.owned ?? null, found: found.map((node) => node.outerHTML.slice(0, 200)), seen };
}"""


class Witness:
    """Of what a page does on its own account."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.events: list[str] = []
        view.page.on("dialog", self._asked_by)
        view.page.on("request", lambda request: self._asked(request.url))
        view.page.on("popup", lambda _: self.events.append("popup"))

    def _asked_by(self, dialog: Dialog) -> None:
        self.events.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if url.rstrip("/").endswith("/x") or "owned" in url.partition("?")[0]:
            self.events.append(f"request: {url}")

    def check(self, what: str) -> None:
        told = self.view.js(FOREIGN)
        assert (told["owned"], told["found"], self.events) == (None, [], []), what
        assert told["seen"], what


@pytest.fixture
def hostile(server: Server, backstage: Backstage) -> Iterator[Producer]:
    producer = Producer(backstage, server.url, HOSTILE)
    tags = [{"name": HOSTILE[:256]}, {"name": "plain"}, {"a": "<b class=foreign>", "b": "javascript:window.owned=6"}]
    times = [time.time() - age for age in range(30, -1, -1)]
    for at, each in enumerate(tags):
        producer.publish(sample("hostile.value", [float(at)] * 31, times, tags=each, unit=UNIT, help=HOSTILE))
    producer.publish(
        sample("hostile.event", HOSTILE, tags=tags[0], kind="event"),
        sample("shop.alarms", HOSTILE, kind="event"),
        sample("streamgauge.alerts", HOSTILE, kind="event"),
    )
    yield producer
    producer.close()


@pytest.fixture
def url(site: Site, tmp_path: Path) -> str:
    (tmp_path / "evil.toml").write_text(BOARD)
    (tmp_path / "broken.toml").write_text(f"title = '''{HOSTILE}''' {HOSTILE}")
    return site.serve(
        f"ws://127.0.0.1:{site.ports[0]}",
        STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path),
        STREAMGAUGE_DASHBOARD_TITLE=f"Rig {HOSTILE[:70]}",
    )


def hover(view: View) -> None:
    """Somewhere in the half minute in which there are samples."""
    plot = view.page.locator(".plot .nsewdrag").first
    for step in range(20):  # it may be laid out anew while the pointer is on its way
        box = plot.bounding_box()
        assert box is not None
        view.page.mouse.move(box["x"] + box["width"] * 0.7 + step, box["y"] + box["height"] / 2)
        view.page.wait_for_timeout(50)
        if view.js("document.querySelector('.tip').textContent"):
            return
    raise AssertionError("nothing is told where the pointer is")


def open_menu(view: View) -> None:
    view.page.locator(".panel [aria-haspopup=menu]").first.click()
    view.page.wait_for_selector(".menu:popover-open")


def open_broken(view: View) -> None:
    view.page.click(".broken summary")
    view.until("document.querySelector('.broken').open && document.querySelector('.broken li')")


def configure(view: View) -> None:
    view.page.click("#edit")
    view.page.locator("[data-action=configure]").first.click()
    view.page.wait_for_selector(".panel-form[open]")


def whole_screen(view: View) -> None:
    view.page.keyboard.press("j")
    view.page.keyboard.press("f")
    view.page.wait_for_selector(".panel.is-full")


def details(view: View) -> None:
    view.page.locator(".who").first.click()
    view.page.wait_for_selector(".details")


def ask_help(view: View) -> None:
    view.page.keyboard.press("?")
    view.page.wait_for_selector(".help[open]")


HARM = quote(HOSTILE)
EVERYWHERE = "&".join(
    f"{name}={HARM}" for name in ("filter", "dashboard", "theme", "window", "hide", "only", "at", "sort")
)
PAGES: dict[str, tuple[str, str, list[Callable[[View], None]]]] = {
    "dashboard": ("", ".entry-label", [hover, open_menu]),
    "help": ("", ".entry-label", [whole_screen, ask_help]),
    "broken file": ("", ".entry-label", [open_broken]),
    "saved": ("?dashboard=evil", ".entry-label", [hover, configure]),
    "embedded": ("embed?metric=hostile.value", ".entry-label", [hover]),
    "wall": ("?kiosk=1", ".entry-label", []),
    "connections": ("connections", ".who-name", [details]),
    "links": (f"?{EVERYWHERE}", "#panels", []),
    "embedded link": (f"embed?metric={HARM}&panel={HARM}", "#panels", []),
    "connections link": (f"connections?sort={HARM}&role={HARM}", ".who-name", []),
}


@pytest.mark.parametrize("name", PAGES)
def test_texts_are_only_texts(name: str, hostile: Producer, url: str, view: View) -> None:
    path, arrived, steps = PAGES[name]
    witness = Witness(view)
    view.page.emulate_media(reduced_motion="reduce")
    view.open(url + path)
    view.page.wait_for_selector(arrived, state="attached")
    if arrived != "#panels":
        view.until("(selector) => document.querySelector(selector).checkVisibility()", arrived)
    if arrived == ".entry-label":
        view.until_painted("hostile.value", 1, name="plain")
        view.until("document.querySelector('.sg-event-text title')?.textContent.includes('onerror')")
        labels = view.page.locator(".entry-label").all_text_contents()
        assert any(HOSTILE[:256] in label for label in labels), "it is shown as it is"
    if arrived == ".who-name":
        assert HOSTILE in view.page.locator(".who-name").all_inner_texts()
    witness.check(name)
    for step in steps:
        step(view)
        witness.check(f"{name}: {step.__name__}")
