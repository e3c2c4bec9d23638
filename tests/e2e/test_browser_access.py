"""Every page and state, in both themes, at a desk and on a phone: axe-core, contrast, sizes of what is touched."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import ViewportSize

from tests.e2e.backstage import Backstage
from tests.e2e.browsing import WIDE, Json, Server, Site, View
from tests.e2e.stages import STAGES, Stage, write_boards

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, Theme] = ("light", "dark")
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL: ViewportSize = {"width": 320, "height": 640}
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
CHECKS = (Path(__file__).parent / "access_checks.js").read_text().strip()
GRAVE = {"critical", "serious", "moderate"}
TEXT = 4.5
LARGE_TEXT = 3.0


@pytest.fixture(scope="module")
def boards_url(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("boards")
    write_boards(folder)
    return site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(folder))


@pytest.fixture
def stage(boards_url: str, server: Server, view: View, backstage: Backstage) -> Stage:
    return Stage(view, boards_url, server, backstage)


def dress(view: View, theme: Theme, size: ViewportSize) -> None:
    view.page.set_viewport_size(size)
    view.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    view.page.wait_for_timeout(300)  # no colour is on its way from one to the other, and Plotly has drawn


def violations(view: View) -> list[str]:
    view.js(f"if (!window.axe) {{ {AXE} }}; undefined")
    found = view.js(f"({CHECKS}).violations()")
    assert found["passed"] > 10, "axe has looked"
    return [
        f"{each['impact']} {each['id']}: {node}"
        for each in found["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("name", STAGES)
def test_everybody_can_use_it(name: str, stage: Stage) -> None:
    """One test for each state, because to bring a page into it is most of the work."""
    STAGES[name](stage)
    for size in (WIDE, PHONE):
        for theme in THEMES:
            dress(stage.view, theme, size)
            found = violations(stage.view)
            assert not found, "\n".join([f"axe: {theme}, {size['width']} px", *found])
            every_text_can_be_read(stage.view, theme, size)
    for size in (PHONE, SMALL):
        a_phone_is_enough(name, stage.view, size)


def every_text_can_be_read(view: View, theme: Theme, size: ViewportSize) -> None:
    texts = view.js(f"({CHECKS}).contrasts()")
    assert len(texts) > 3
    weak = {
        each["text"]: round(each["ratio"], 2)
        for each in texts
        if each["ratio"] < (LARGE_TEXT if each["large"] else TEXT)
    }
    assert not weak, (theme, size)


def a_phone_is_enough(name: str, view: View, size: ViewportSize) -> None:
    view.page.set_viewport_size(size)
    view.page.wait_for_timeout(300)
    assert view.js("document.documentElement.scrollWidth") <= size["width"]
    assert view.js(f"({CHECKS}).outside()") == []
    targets = view.js(f"({CHECKS}).targets()")
    assert targets["count"] or name in ("wall", "embedded")
    assert (targets["small"], targets["narrow"]) == ([], []), size


def test_on_a_phone_panels_have_the_screen(stage: Stage) -> None:
    STAGES["live"](stage)
    stage.view.page.set_viewport_size(PHONE)
    top = stage.view.js("document.querySelector('.panel').getBoundingClientRect().top")
    assert top < 0.4 * PHONE["height"], "the header leaves room for the first panel"
    stage.view.page.mouse.wheel(0, 500)
    stage.view.until("scrollY > 300")
    bar = stage.view.js("document.querySelector('#health').getBoundingClientRect().toJSON()")
    assert (bar["top"], bar["height"] < 60) == (0, True), "what stays is one line"
    stage.view.page.click("#more-figures")
    stage.view.until("document.querySelector('[data-health=subscribers]').checkVisibility()")
    assert stage.view.page.get_attribute("#more-figures", "aria-expanded") == "true"
    stage.view.page.click("#more-figures")
    stage.view.until("!document.querySelector('[data-health=subscribers]').checkVisibility()")


def focus_ring(view: View) -> Json:
    """Of what has the focus: its outline against what is behind, or null."""
    return view.js(f"({CHECKS}).focusRing()")


@pytest.mark.parametrize("name", ["live", "connections", "editing", "help_dialog"])
def test_the_focus_is_seen_wherever_it_goes(name: str, stage: Stage, open_view: Callable[..., View]) -> None:
    STAGES[name](stage)
    stage.view.page.keyboard.press("Tab")
    stops = []
    for _ in range(40):
        stop = focus_ring(stage.view)
        if not stop["body"]:
            stops.append(stop)
        stage.view.page.keyboard.press("Tab")
    assert len({stop["node"] for stop in stops}) >= (2 if name == "help_dialog" else 9)
    assert not [each for each in stops if each["ring"] < 1.5 or not each["seen"]]
