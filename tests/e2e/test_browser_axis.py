"""The axis of values, and where a line is a gap, on the page."""

import time
from pathlib import Path

import pytest

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

TICKS = "[...document.querySelectorAll('.ytick text')].map((each) => each.textContent)"
PATH = "document.querySelector('.sg-line')?.getAttribute('d') ?? ''"


@pytest.fixture
def board(server: Server, site: Site, tmp_path: Path) -> str:
    text = 'title = "Run"\n[[panels]]\nmetric = "training.loss"\n'
    (tmp_path / "free.toml").write_text(text)
    (tmp_path / "fixed.toml").write_text(text + "min = 0\nmax = 1\n")
    return site.serve(server.url, STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path)) + "?dashboard="


def test_chosen_ends_stay_and_what_lies_beyond_is_cut_off(publisher: Publisher, board: str, view: View) -> None:
    now = time.time()
    publisher.publish(*(sample("training.loss", value, now - 3 + at) for at, value in enumerate((0.5, 40.0, 0.25))))
    view.open(board + "fixed")
    view.until_painted("training.loss", 3)
    assert view.js(TICKS) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    plot = view.js("document.querySelector('.gridlayer').getBoundingClientRect().top")
    assert view.js("document.querySelector('.sg-line').getBoundingClientRect().top") < plot, "the line goes on"
    assert view.js("document.querySelector('.sg-layer').closest('[clip-path]') !== null"), "and is cut off"
    view.page.click("#edit")
    view.page.click("[data-action=configure]")
    assert view.page.input_value(".panel-form [name=max]") == "1"
    view.page.fill(".panel-form [name=max]", "")
    view.page.keyboard.press("Enter")
    view.until("[...document.querySelectorAll('.ytick text')].at(-1)?.textContent === '50'")


def test_a_script_that_is_run_again_begins_a_line_of_its_own(publisher: Publisher, board: str, view: View) -> None:
    now = time.time()
    times = [now - 20 + at / 10 for at in range(50)] + [now - 5 + at / 10 for at in range(50)]
    publisher.publish(*(sample("training.loss", 2 - at % 50 / 50, each) for at, each in enumerate(times)))
    view.open(board + "free")
    view.until_painted("training.loss", 100)
    assert view.js(PATH).count("M") == 2
    assert view.page.locator(".sg-losses path").count() == 0, "nothing was lost"


def test_an_axis_that_began_with_one_sample_lets_go_of_zero(publisher: Publisher, board: str, view: View) -> None:
    publisher.publish(sample("training.loss", 900.0))
    view.open(board + "free")
    view.until("document.querySelectorAll('.ytick').length > 1")
    assert view.js(TICKS)[0] == "0"
    publisher.publish(sample("training.loss", 960.0), sample("training.loss", 840.0))
    view.until("document.querySelector('.ytick text').textContent === '800'")
