"""Every page of the dashboard in every state, for the tests that walk all of them."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import WebSocketRoute

from tests.e2e import wire
from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import REFUSED, Server, View
from tests.e2e.wire import sample

BOARD = """\
title = "Shop floor"

[[panels]]
title = "Slow"
metric = "shop.latency"
tags = { quantile = "p9*" }
width = 2

[[panels]]
metric = "shop.requests"

[[panels]]
metric = "nothing.yet"
"""
KINDS = """\
[[panels]]
metric = "shop.latency"
kind = "stat"
thresholds = [{ above = 0.8, level = "bad" }, { above = 0.2, level = "warn" }]

[[panels]]
metric = "shop.requests"
kind = "bars"
thresholds = [{ above = 700, level = "bad" }, { above = 400, level = "warn" }]

[[panels]]
title = "Spread"
metric = "shop.requests"
kind = "heat"

[[panels]]
metric = "shop.requests"
kind = "table"
width = 2
thresholds = [{ above = 700, level = "bad" }, { above = 400, level = "warn" }]

[[panels]]
title = "Bounds"
metric = "shop.requests"
thresholds = [{ above = 700, level = "bad" }, { below = 100, level = "warn" }]

[[panels]]
title = "Silent"
metric = "old.value"
kind = "stat"
"""
BROKEN = 'title = "no end\n'
ROUTES = ("/", "/cart", "/checkout", "/search", "/login", "/help", "/about", "/item", "/terms")

Drawn = tuple[str, dict[str, str]]  # a metric and the tags of a line


class Producer(Publisher):
    """With a name."""

    def __init__(self, backstage: Backstage, url: str, client: str) -> None:
        self._backstage = backstage
        self._wire = backstage.run(partial(wire.connect, hello={"client": client}), url)
        self._id = 0


@dataclass
class Stage:
    view: View
    url: str
    server: Server
    backstage: Backstage

    def fill(self) -> None:
        """A shop that is busy, with lines that are silent, events, a unit, and a panel of many lines."""
        now = time.time()
        producer = Producer(self.backstage, self.server.url, "shop 1")
        ages = (30, 25, 20, 15, 10, 5, 1, 0.1)
        for quantile, value in (("p50", 0.1), ("p95", 0.3), ("p99", 0.9)):
            tags = {"quantile": quantile}
            producer.publish(
                *[sample("shop.latency", value * (1 + age / 40), now - age, tags=tags, unit="s") for age in ages]
            )
        for at, route in enumerate(ROUTES):
            producer.publish(
                *[
                    sample("shop.requests", at * 100.0 + age, now - age, tags={"route": route}, unit="1/s")
                    for age in ages
                ]
            )
        producer.publish(
            sample("shop.deploys", "deploy 1", now - 12, kind="event"),
            sample("old.value", 1.0, now - 40),
            sample("old.value", 1.0, now - 41, tags={"line": "b"}),
        )
        producer.close()

    def open(
        self, path: str = "", painted: tuple[str, dict[str, str]] | None = ("shop.requests", {"route": "/"})
    ) -> None:
        self.view.open(self.url + path)
        if painted:
            self.view.until_painted(painted[0], 8, **painted[1])
        self.view.until("document.querySelector('#board')")


def live(stage: Stage) -> None:
    stage.fill()
    stage.open()
    stage.view.until("document.querySelector('.entry.stale')")


def empty(stage: Stage) -> None:
    stage.open(painted=None)
    stage.view.until("!document.querySelector('#empty').hidden")


def no_match(stage: Stage) -> None:
    live(stage)
    stage.view.page.fill("#filter", "zzz")
    stage.view.until("!document.querySelector('.no-match').hidden")


def paused(stage: Stage) -> None:
    live(stage)
    stage.view.page.click("#pause")
    stage.view.until("document.querySelector('#pause').textContent === 'Resume'")
    stage.view.page.locator(".entry").first.click()
    stage.view.until("document.querySelector('.entry[aria-pressed=false]')")


def looking_back(stage: Stage) -> None:
    live(stage)
    stage.view.page.keyboard.press("ArrowLeft")
    stage.view.until("streamgauge.view.state === 'looking back'")


def reconnecting(stage: Stage) -> None:
    stage.view.expect_in_console(REFUSED)
    live(stage)
    stage.server.stop(signal.SIGKILL)
    stage.view.until_state("reconnecting")
    stage.view.until("!document.querySelector('#banner').hidden")


def nothing_in_view(stage: Stage) -> None:
    live(stage)
    stage.view.page.keyboard.press("1")  # 10 s
    stage.view.until("document.querySelector(\"[data-metric='old.value'] .panel-note\").checkVisibility()")


def pointed_at(stage: Stage) -> None:
    live(stage)
    plot = stage.view.page.locator("[data-metric='shop.latency'] .plot")
    plot.hover(position={"x": 250, "y": 90})
    stage.view.until("document.querySelector('.tip:not([hidden]) .tip-value')?.checkVisibility()")


def closed(stage: Stage) -> None:
    sockets: list[WebSocketRoute] = []

    def route(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    stage.view.page.route_web_socket("**/v1/stream", route)
    live(stage)
    sockets[0].close(code=4503, reason="forbidden")
    stage.view.until_state("closed")
    stage.view.until("!document.querySelector('#banner').hidden")


def broken_files(stage: Stage) -> None:
    stage.fill()
    stage.open()
    stage.view.page.click(".broken summary")
    stage.view.until("document.querySelector('.broken li').checkVisibility()")


def connections(stage: Stage) -> None:
    stage.fill()
    stage.open("connections", painted=None)
    stage.view.page.wait_for_selector(".line")
    stage.view.page.locator(".who").first.click()
    stage.view.page.wait_for_selector(".details")


def board(stage: Stage) -> None:
    stage.fill()
    stage.open("?dashboard=floor", ("shop.latency", {"quantile": "p95"}))
    stage.view.until("document.querySelector('.panel-none')")


def kinds(stage: Stage) -> None:
    stage.fill()
    stage.open("?dashboard=kinds", ("shop.latency", {"quantile": "p99"}))
    stage.view.until("document.querySelector('.rank tbody tr') && document.querySelector('.stat-tile.stale')")
    stage.view.until("document.querySelector('.heat-step')")


def no_board(stage: Stage) -> None:
    stage.view.expect_in_console("404|dashboards/missing")
    stage.open("?dashboard=missing", painted=None)
    stage.view.page.wait_for_selector(".board-note")


def editing(stage: Stage) -> None:
    board(stage)
    stage.view.page.click("#edit")
    stage.view.page.wait_for_selector(".panel-tools")


def form(stage: Stage) -> None:
    editing(stage)
    stage.view.page.click("[data-panel='0'] [data-action=configure]")
    stage.view.page.wait_for_selector(".panel-form[open]")


def help_dialog(stage: Stage) -> None:
    live(stage)
    stage.view.page.keyboard.press("?")
    stage.view.page.wait_for_selector(".help[open]")


def menu(stage: Stage) -> None:
    live(stage)
    stage.view.page.locator(".panel [aria-haspopup=menu]").first.click()
    stage.view.page.wait_for_selector(".menu:popover-open")


def full_screen(stage: Stage) -> None:
    live(stage)
    stage.view.page.keyboard.press("j")
    stage.view.page.keyboard.press("f")
    stage.view.page.wait_for_selector(".panel.is-full")


def wall(stage: Stage) -> None:
    stage.fill()
    stage.open("?kiosk=1")


def embedded(stage: Stage) -> None:
    stage.fill()
    stage.open("embed?metric=shop.requests")


STAGES: dict[str, Callable[[Stage], None]] = {
    function.__name__: function
    for function in (
        live,
        empty,
        no_match,
        paused,
        looking_back,
        reconnecting,
        nothing_in_view,
        pointed_at,
        closed,
        broken_files,
        connections,
        board,
        kinds,
        no_board,
        editing,
        form,
        help_dialog,
        menu,
        full_screen,
        wall,
        embedded,
    )
}


def write_boards(folder: Path) -> None:
    (folder / "floor.toml").write_text(BOARD)
    (folder / "kinds.toml").write_text(KINDS)
    (folder / "broken.toml").write_text(BROKEN)
