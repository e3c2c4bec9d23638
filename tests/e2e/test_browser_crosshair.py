"""One moment for all panels: the rule and the values where a person points, in each of them."""

from typing import Any

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import View, series

PLOT_LEFT, PLOT_RIGHT = 68, 14  # margins of the plot area in a panel
METRICS = ("cross.first", "cross.second", "cross.third")


def fill(publisher: Publisher, live: View) -> list[Any]:
    samples = series("cross.first", 50, back_s=55, step_s=1)
    publisher.publish(*samples)
    publisher.publish(*[{**each, "metric": "cross.second", "value": each["value"] * 10} for each in samples])
    publisher.publish({**samples[0], "metric": "cross.third"})
    for metric, count in zip(METRICS, (50, 50, 1), strict=True):
        live.until_painted(metric, count)
    live.page.click("#pause")
    live.until("document.documentElement.classList.contains('paused')")
    live.until("[...document.querySelectorAll('.xtick text')].every(({ textContent }) => textContent.includes(':'))")
    return samples


def rule(live: View, metric: str) -> float | None:
    """Pixels of the plot area."""
    node = f"document.querySelector('[data-metric=\"{metric}\"] .sg-rule')"
    found = live.js(f"{node}.style.display === 'none' ? null : new DOMMatrix(getComputedStyle({node}).transform).e")
    return None if found is None else float(found)


def value(live: View, metric: str) -> str:
    return live.text(f"[data-metric='{metric}'] .entry-value")


def test_all_panels_show_the_moment_that_is_pointed_at(live: View, publisher: Publisher) -> None:
    samples = fill(publisher, live)
    before = {metric: value(live, metric) for metric in METRICS}
    assert [rule(live, metric) for metric in METRICS] == [None] * 3
    x, _ = live.painted("cross.first").points[0][20]
    live.page.locator("[data-metric='cross.first'] .plot").hover(position={"x": PLOT_LEFT + x, "y": 90})
    live.until("document.querySelector('[data-metric=\"cross.second\"] .entry-value').textContent === '200'")
    assert [value(live, metric) for metric in METRICS] == ["20", "200", "\u2013"], "nothing of the third is near"
    assert [rule(live, metric) for metric in METRICS] == pytest.approx([x, x, x], abs=0.6)
    assert live.page.locator(".tip:visible").count() == 1
    when = f"new Date({samples[20]['time']} * 1000).toTimeString().slice(0, 8)"
    told = live.js("document.querySelector('[data-metric=\"cross.second\"] .sg-rule text').textContent")
    assert abs(int(told[-2:]) - int(live.js(when)[-2:])) in (0, 1, 59)
    live.page.mouse.move(5, 5)
    live.until("!document.querySelector('.legend.pointed')")
    assert [rule(live, metric) for metric in METRICS] == [None] * 3
    assert {metric: value(live, metric) for metric in METRICS} == before


def test_the_moment_moves_with_the_time_while_live(live: View, publisher: Publisher) -> None:
    publisher.publish(*series("cross.first", 300, back_s=30, step_s=0.1))
    publisher.publish(*series("cross.second", 300, back_s=30, step_s=0.1))
    live.until_painted("cross.second", 300)
    box = live.page.locator("[data-metric='cross.first'] .plot").bounding_box()
    assert box is not None
    live.page.mouse.move(box["x"] + PLOT_LEFT + (box["width"] - PLOT_LEFT - PLOT_RIGHT) * 0.75, box["y"] + 90)
    text = "document.querySelector('[data-metric=\"cross.second\"] .entry-value').textContent"
    live.until("document.querySelector('.legend.pointed')")
    live.until(f"/^1[0-9]{{2}}$/.test({text})")  # 15 s ago of 60 s
    first = live.js(text)
    live.until(f"Number({text}) >= {int(first) + 5}")
    assert rule(live, "cross.second") == pytest.approx(rule(live, "cross.first"), abs=0.2)


def test_a_panel_of_another_width_shows_the_same_moment(live: View, publisher: Publisher) -> None:
    fill(publisher, live)
    live.js("document.querySelector('[data-metric=\"cross.second\"]').style.gridColumn = 'span 2'")
    wide = "document.querySelector('[data-metric=\"cross.second\"] .main-svg').getBoundingClientRect().width"
    live.until(f"{wide} > 700")
    live.until("streamgauge.painted('cross.second').path.length > 10")
    x, _ = live.painted("cross.first").points[0][40]
    live.page.locator("[data-metric='cross.first'] .plot").hover(position={"x": PLOT_LEFT + x, "y": 60})
    live.until("document.querySelector('[data-metric=\"cross.second\"] .entry-value').textContent === '400'")
    there, _ = live.painted("cross.second").points[0][40]
    assert there > x * 1.5
    assert rule(live, "cross.second") == pytest.approx(there, abs=1.2)
