"""Thresholds of a saved panel and of alerts on one chart."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

RULES = '[latency]\nmetric = "shop.latency"\nabove = 0.4\n'
BOARD = """
[[panels]]
metric = "shop.latency"
thresholds = [{ above = 0.4, level = "warn" }, { above = 0.41, level = "bad" }]
"""
BOXES = "[...document.querySelectorAll('.sg-band-text')].map((each) => each.getBoundingClientRect())"
CLEAR = f"(([a, b, c]) => b.top >= a.bottom - 4 && c.top >= b.bottom - 4)({BOXES}.sort((a, b) => a.top - b.top))"


def test_words_of_alerts_and_of_thresholds_keep_clear_of_each_other(
    serving: Callable[..., Server], site: Site, view: View, backstage: Backstage, tmp_path: Path
) -> None:
    folders = {name: tmp_path / name for name in ("alerts", "boards")}
    for (name, folder), text in zip(folders.items(), (RULES, BOARD), strict=True):
        folder.mkdir()
        (folder / f"{name}.toml").write_text(text)
    server = serving(alerts=folders["alerts"])
    publisher = Publisher(backstage, server.url)
    publisher.publish(sample("shop.latency", [0.1, 0.5], [time.time() - 2, time.time() - 1], unit="s"))
    publisher.close()
    url = site.serve(f"ws://{server.addresses[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(folders["boards"]))
    view.open(url + "?dashboard=boards")
    view.until("document.querySelector('.sg-bands[data-alerts] line')?.y1.baseVal.value > 0")
    view.until("document.querySelectorAll('.sg-band-text').length === 3")
    view.until(CLEAR)
