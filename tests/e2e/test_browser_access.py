"""Every page and state, in both themes, on a desk and on a phone: by axe-core, by contrast, and by the size of what is touched."""

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
GRAVE = {"critical", "serious", "moderate"}
TEXT = 4.5
LARGE_TEXT = 3.0

RUN_AXE = """async () => {
    const { violations, passes } = await axe.run(document, { resultTypes: ['violations', 'passes'] });
    return {
        passed: passes.length,
        violations: violations.map(({ id, impact, nodes }) => ({
            id, impact, nodes: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
        })),
    };
}"""

# Of every text in sight, WCAG 2.2, 1.4.3: colours are painted one over another on a canvas, so that any notation and any
# opacity counts as it is seen. What cannot be used (`disabled`) is exempt.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const painted = (layers) => {
        canvas.globalAlpha = 1;
        canvas.fillStyle = 'white';
        canvas.fillRect(0, 0, 1, 1);
        for (const [colour, opacity] of layers) {
            canvas.globalAlpha = opacity;
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
        }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => colour.map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const lineage = (node) => (node ? [...lineage(node.parentElement), node] : []);
    const own = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    const found = [];
    for (const node of document.querySelectorAll('body *')) {
        if (!own(node) || !node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
        if (node.closest('script, style, .visually-hidden, [disabled], option, dialog:not([open]), footer')) continue;
        if (document.querySelector('dialog:modal') && !node.closest('dialog:modal')) continue;
        const box = node.getBoundingClientRect();
        if (!box.width || box.bottom < 0) continue;
        let opacity = 1;
        const layers = [];
        for (const each of lineage(node)) {
            const style = getComputedStyle(each);
            opacity *= Number(style.opacity);
            layers.push([style.backgroundColor, opacity]);
        }
        const style = getComputedStyle(node);
        const behind = light(painted(layers));
        const colour = node instanceof SVGElement ? style.fill : style.color;
        const front = light(painted([...layers, [colour, opacity]]));
        const [low, high] = [behind, front].sort((a, b) => a - b);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        found.push({ text: `${node.tagName}.${node.className.baseVal ?? node.className} ${node.textContent.trim().slice(0, 40)}`,
            ratio: (high + 0.05) / (low + 0.05), large });
    }
    return found;
}"""

# WCAG 2.2, 2.5.8: 24 px, or a circle of 24 px around its middle that touches no other target. What a person needs first is 44 px.
TARGETS = """() => {
    const modal = document.querySelector('dialog:modal');
    const all = [...document.querySelectorAll('a[href], button, input, select, summary, label:has(input)')]
        .filter((node) => node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true, opacityProperty: true }) && !node.disabled)
        .filter((node) => !node.closest('.visually-hidden, .skip') && (!modal || modal.contains(node)))
        .filter((node) => !node.matches('label input'))
        .map((node) => ({ node, box: node.getBoundingClientRect() }))
        .filter(({ box }) => box.width && box.height);
    const apart = ({ node, box }) => all.every((other) => other.node === node || other.node.contains(node) || node.contains(other.node)
        || Math.hypot(Math.max(other.box.left - (box.left + box.right) / 2, (box.left + box.right) / 2 - other.box.right, 0),
            Math.max(other.box.top - (box.top + box.bottom) / 2, (box.top + box.bottom) / 2 - other.box.bottom, 0)) >= 12);
    const told = ({ node, box }) => `${node.tagName}#${node.id}.${node.className} ${node.textContent.trim().slice(0, 20)}: ${box.width.toFixed(0)}x${box.height.toFixed(0)}`;
    const first = '.top :is(a, button, input, select, label), .edit-bar :is(button, input), dialog :is(button, input:not([type=checkbox])), .health #retry, #back-to-live, .menu-item, .copy';
    return {
        count: all.length,
        small: all.filter((each) => Math.min(each.box.width, each.box.height) < 23.5 && !apart(each)).map(told),
        narrow: all.filter(({ node, box }) => node.matches(first) && box.height < 43.5).map(told),
    };
}"""

OUTSIDE = """() => [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility() && !node.closest('.visually-hidden, .skip, .plot, .legend, footer'))
    .map((node) => [node, node.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
    .map(([node, box]) => `${node.tagName}#${node.id}.${node.className} ${box.left.toFixed(0)}..${box.right.toFixed(0)}`)"""


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
    view.js(AXE + "; undefined")
    found = view.js(RUN_AXE)
    assert found["passed"] > 10, "axe has looked"
    return [
        f"{each['impact']} {each['id']}: {node}"
        for each in found["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("name", STAGES)
def test_axe_finds_nothing(name: str, stage: Stage) -> None:
    STAGES[name](stage)
    for theme in THEMES:
        for size in (WIDE, PHONE):
            dress(stage.view, theme, size)
            found = violations(stage.view)
            assert not found, "\n".join([f"{theme}, {size['width']} px", *found])


@pytest.mark.parametrize("name", STAGES)
def test_every_text_can_be_read(name: str, stage: Stage) -> None:
    STAGES[name](stage)
    for theme in THEMES:
        for size in (WIDE, PHONE):
            dress(stage.view, theme, size)
            texts = stage.view.js(CONTRASTS)
            assert len(texts) > 3
            weak = {
                each["text"]: round(each["ratio"], 2)
                for each in texts
                if each["ratio"] < (LARGE_TEXT if each["large"] else TEXT)
            }
            assert not weak, (theme, size)


@pytest.mark.parametrize("name", STAGES)
def test_a_phone_is_enough(name: str, stage: Stage) -> None:
    stage.view.page.set_viewport_size(PHONE)
    STAGES[name](stage)
    for size in (PHONE, SMALL):
        stage.view.page.set_viewport_size(size)
        stage.view.page.wait_for_timeout(300)
        assert stage.view.js("document.documentElement.scrollWidth") <= size["width"]
        assert stage.view.js(OUTSIDE) == []
        targets = stage.view.js(TARGETS)
        assert targets["count"] or name in ("wall", "embedded")
        assert (targets["small"], targets["narrow"]) == ([], []), size


def test_on_a_phone_panels_have_the_screen(stage: Stage) -> None:
    stage.view.page.set_viewport_size(PHONE)
    STAGES["live"](stage)
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
    return view.js(
        """() => {
            const node = document.activeElement;
            const shown = node.matches('.segments input') ? node.closest('label') : node.matches('.filter, #filter') ? node.closest('.dash-input-container') ?? node : node;
            const { outlineStyle, outlineWidth } = getComputedStyle(shown);
            const box = shown.getBoundingClientRect();
            return { node: `${node.tagName}#${node.id}.${node.className}`, ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth),
                seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight, body: node === document.body };
        }"""
    )


@pytest.mark.parametrize("name", ["live", "connections", "editing", "help_dialog"])
def test_the_focus_is_seen_wherever_it_goes(name: str, stage: Stage, open_view: Callable[..., View]) -> None:
    STAGES[name](stage)
    stage.view.page.keyboard.press("Tab")
    stops = []
    for _ in range(60):
        stop = focus_ring(stage.view)
        if stop["body"] and stops:
            break
        if not stop["body"]:
            stops.append(stop)
        stage.view.page.keyboard.press("Tab")
    assert len(stops) >= (2 if name == "help_dialog" else 12)
    assert not [each for each in stops if each["ring"] < 1.5 or not each["seen"]]
