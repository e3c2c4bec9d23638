"""A dashboard with one panel of each kind, for the tests of what each shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Site, View
from tests.e2e.wire import sample

HOSTILE = "<img src=x onerror='window.hacked=1'>"
LIMITS = 'thresholds = [{ above = 90, level = "bad" }, { above = 70, level = "warn" }]'
BOARD = f"""\
[[panels]]
title = "Stat"
metric = "kind.load"
kind = "stat"
width = 2
{LIMITS}

[[panels]]
title = "Bars"
metric = "kind.load"
kind = "bars"
width = 2
top = 3
{LIMITS}

[[panels]]
title = "Table"
metric = "kind.load"
kind = "table"
width = 4
{LIMITS}

[[panels]]
title = "Lines"
metric = "kind.load"
width = 2
{LIMITS}

[[panels]]
title = "Heat"
metric = "kind.spread"
kind = "heat"
width = 2
height = 2
"""
LOADS = {"a": [40.0, 50.0], "b": [80.0, 95.0], "c": [75.0, 72.0], HOSTILE: [10.0, 10.0]}

Open = Callable[..., View]


@pytest.fixture
def kinds(site: Site, tmp_path: Path, publisher: Publisher, view: View) -> Open:
    """Opens a dashboard with one panel of each kind."""
    (tmp_path / "kinds.toml").write_text(BOARD)
    url = site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))

    def opened(query: str = "", state: str = "live") -> View:
        view.open(f"{url}?dashboard=kinds{query}", state)
        return view

    return opened


def publish_loads(publisher: Publisher, now: float) -> None:
    for host, values in LOADS.items():
        publisher.publish(sample("kind.load", values, [now - 40, now - 1], tags={"host": host}, unit="%"))


def speak_again(publisher: Publisher, view: View) -> None:
    """Nobody is grey."""
    publisher.publish(*[sample("kind.load", values[1], tags={"host": host}) for host, values in LOADS.items()])
    view.until("document.querySelector('.stat-tile') && !document.querySelector('.panel .stale')")


def plain(text: str) -> str:
    """Ordinary spaces and dashes."""
    return " ".join(text.translate({0x202F: " ", 0x2212: "-", 0x2013: "-"}).split())


def texts(view: View, selector: str) -> list[str]:
    return [plain(each) for each in view.page.locator(selector).all_inner_texts()]


def panel(title: str) -> str:
    return f".panel:has(> .panel-header > .panel-title[title='{title}'])"


def until_text(view: View, selector: str, text: str) -> None:
    view.until(
        "([selector, text]) => document.querySelector(selector)?.textContent.replaceAll('\\u202f', ' ') === text",
        [selector, text],
    )


def tile(name: str) -> str:
    return f'.stat-tile:has(.stat-name[title="{name}"])'


CELLS = """() => {
    const canvas = document.querySelector('.heat-cells');
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const found = [];
    for (let at = 0; at < width * height; at++) {
        const [red, green, blue, alpha] = data.slice(4 * at, 4 * at + 4);
        if (alpha === 255) found.push([at % width, Math.floor(at / width), red, green, blue]);
    }
    const box = canvas.getBoundingClientRect();
    return { found, width, height, box: [box.left, box.top, box.width, box.height] };
}"""


def bars(view: View) -> list[list[Any]]:
    found: list[list[Any]] = view.js(
        "[...document.querySelectorAll('.kind-bar')].map((each) => [each.querySelector('.kind-bar-name').textContent,"
        " each.querySelector('.kind-bar-value').textContent, each.querySelector('.kind-level').textContent,"
        " 100 - parseFloat(each.querySelector('.kind-bar-fill').style.clipPath.split(' ')[1])])"
    )
    return [[name, plain(value), level, length] for name, value, level, length in found]
