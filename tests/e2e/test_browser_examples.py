"""The example dashboards, each with what it is made for: every panel has something to show."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dashboard.boards import parse
from tests.e2e.browsing import Server, Site, View
from tests.e2e.command import COMMAND, environment
from tests.e2e.kinds_board import CELLS

EXAMPLES = Path(__file__).parents[2] / "examples"
HOST = [COMMAND, "push", "--to", "{url}", "host"]
SOURCES = {
    "host": [HOST],
    "web-shop": [[COMMAND, "push", "--to", "{url}", "shop"]],
    "training": [[sys.executable, str(EXAMPLES / "training_loss.py"), "{url}"], HOST],
}
# A panel has lines that are painted, or marks of its kind with a number.
SHOWS = """[...document.querySelectorAll('.panel')].map((panel) => {
    const paths = [...panel.querySelectorAll('.sg-line')].filter((each) => each.getAttribute('d')?.includes('L'));
    const marks = [...panel.querySelectorAll('.stat-number, .kind-bar-value, .rank-value, .heat-step')];
    return paths.length > 0 || marks.some((each) => /\\d/.test(each.textContent));
})"""


@contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    pipe = subprocess.DEVNULL
    arguments = [part.format(url=url) for part in command]
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, env=environment()) as process:
        try:
            yield
        finally:
            process.kill()


def test_each_has_a_source() -> None:
    assert {path.stem for path in (EXAMPLES / "dashboards").glob("*.toml")} == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_every_panel_of_an_example_shows_something(name: str, server: Server, site: Site, view: View) -> None:
    board = parse((EXAMPLES / "dashboards" / f"{name}.toml").read_text())
    folder = str(EXAMPLES / "dashboards")
    url = site.serve(f"ws://{server.addresses[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=folder)
    view.page.set_viewport_size({"width": 1440, "height": 2400})  # all of it is in sight
    with ExitStack() as stack:
        for command in SOURCES[name]:
            stack.enter_context(running(command, f"ws://{server.addresses[0]}"))
        view.open(f"{url}?dashboard={name}")
        view.until(f"document.querySelectorAll('.panel').length === {len(board.panels)}")
        view.until(f"{SHOWS}.every(Boolean)")
        assert view.page.locator(".panel-none").count() == 0
        if any(panel.kind == "heat" for panel in board.panels):
            view.until(f"({CELLS})().found.length > 5")
