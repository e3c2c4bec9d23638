"""Where samples were lost, a chart says so; where nobody spoke, it does not."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from playwright.sync_api import WebSocketRoute

from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Site, View, series

PLOT_LEFT = 68

# Columns of the picture in which the colour of warnings is, from the share of the height from to.
WARM = """async ([png, from, to]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    canvas.drawImage(bitmap, 0, 0);
    const { data, width } = canvas.getImageData(0, from, bitmap.width, to - from);
    const columns = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at] - data[at + 2] > 60) columns.add((at / 4) % width);
    return [...columns].sort((a, b) => a - b);
}"""


class Between:
    """Between the page and the broadcaster: passes everything on, and says what the broadcaster did not say."""

    def __init__(self, view: View) -> None:
        self.heard: list[Any] = []
        self._page: WebSocketRoute | None = None
        view.page.route_web_socket("**/v1/stream", self._opened)

    def _opened(self, page: WebSocketRoute) -> None:
        self._page = page
        server = page.connect_to_server()
        server.on_message(lambda message: self._pass(page, message))
        page.on_message(server.send)

    def _pass(self, page: WebSocketRoute, message: str | bytes) -> None:
        self.heard.append(json.loads(message))
        page.send(message)

    def key(self, metric: str) -> int:
        told = [each for message in self.heard for each in message.get("series", []) if isinstance(each, dict)]
        return next(int(each["key"]) for each in told if each["metric"] == metric)

    def lose(self, samples: int, conflated: list[Any]) -> None:
        """A queue ran over: so many samples are gone, and these are the newest."""
        assert self._page is not None
        seq = max(message.get("seq", 0) for message in self.heard)
        self._page.send(json.dumps({"type": "gap", "from": seq, "to": seq, "batches": 3, "samples": samples}))
        self._page.send(
            json.dumps(
                {"type": "samples", "seq": seq, "prev": seq, "cursor": "x", "conflated": True, "series": conflated}
            )
        )


def test_a_loss_is_hatched_and_silence_is_not(
    publisher: Publisher, site: Site, view: View, open_view: Callable[..., View]
) -> None:
    between = Between(view)
    view.page.emulate_media(color_scheme="light")
    view.open(site.url)
    samples = series("loss.value", 30, back_s=50, step_s=1)
    samples[10]["value"] = None
    publisher.publish(*samples)
    view.until_held("loss.value", 30)
    last = samples[-1]["time"]
    between.lose(37, [[between.key("loss.value"), [last + 10], [5.0]]])
    view.until_held("loss.value", 31)
    assert view.ring("loss.value").breaks == [30]
    assert (view.counters["gaps"], view.counters["gapSamples"]) == (1, 37)
    view.page.click("#pause")
    view.until("document.querySelector('#pause').textContent === 'Resume'")
    view.until("document.querySelector('.xtick text').textContent.includes(':')")
    assert view.page.locator(".sg-loss").count() == 1, "the null is only a gap"
    runs = view.painted("loss.value").points
    assert [len(run) for run in runs] == [10, 19, 1]
    begin, end = runs[1][-1][0], runs[2][0][0]
    box = view.js("(({ x, width }) => [x.baseVal.value, width.baseVal.value])(document.querySelector('.sg-loss rect'))")
    assert abs(box[0] - begin) < 0.2
    assert abs(box[0] + box[1] - end) < 0.2
    view.page.mouse.move(5, 5)
    picture = view.page.locator("[data-metric='loss.value'] .plot").screenshot(animations="disabled")
    warm = open_view().page.evaluate(WARM, [b64encode(picture).decode(), 12, 160])
    assert min(warm) >= PLOT_LEFT + begin - 3
    assert max(warm) <= PLOT_LEFT + end + 3
    assert len(warm) > 0.9 * (end - begin), "all of it"
    view.page.locator("[data-metric='loss.value'] .plot").hover(position={"x": PLOT_LEFT + (begin + end) / 2, "y": 90})
    view.until("document.querySelector('.tip-row .tip-label').textContent === 'samples lost'")
    assert view.text(".tip-row .tip-value") == "37 samples of all series"
    view.page.locator("[data-metric='loss.value'] .plot").hover(position={"x": PLOT_LEFT + runs[0][-1][0] + 5, "y": 90})
    view.until("!document.querySelector('.tip').textContent.includes('lost')")


def test_a_short_loss_is_seen_too(publisher: Publisher, site: Site, view: View) -> None:
    between = Between(view)
    view.open(site.url)
    publisher.publish(*series("short.value", 30, back_s=30, step_s=0.02))
    view.until_held("short.value", 30)
    between.lose(1, [[between.key("short.value"), [view.ring("short.value").times[-1] + 0.02], [5.0]]])
    view.until("document.querySelector('.sg-loss rect')?.width.baseVal.value >= 4")
