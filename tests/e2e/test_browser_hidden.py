"""A tab that is really hidden: its timers are slow, its frames do not come, and its socket goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browser import FLAGS, executable
from tests.e2e.browsing import REFUSED, Server, Site, View, pairs, series
from tests.e2e.ports import free_ports
from tests.e2e.wire import sample

HIDDEN_S = 60.0
# With these, and with Playwright's emulation of the focus, a tab is never really hidden.
KEPT_AWAKE = [
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
]


@contextmanager
def plain_chromium() -> Iterator[BrowserContext]:
    """As a person starts it: whichever tab is not in front is hidden."""
    (port,) = free_ports(1)
    arguments = [*FLAGS, f"--remote-debugging-port={port}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=arguments, ignore_default_args=KEPT_AWAKE
        )
        plain = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
        try:
            yield plain.contexts[0]
        finally:
            plain.close()
            browser.close()


def publish_for(seconds: float, publisher: Publisher, meanwhile: Callable[[], object]) -> list[Any]:
    """Fifty samples a second. Halfway, something happens."""
    begin, samples, due = time.time(), list[Any](), meanwhile
    while time.time() < begin + seconds:
        part = series("hidden.value", 5, back_s=0.1, step_s=0.02, first=len(samples))
        publisher.publish(*part)
        samples += part
        if time.time() > begin + seconds / 2:
            due()
            due = lambda: None  # noqa: E731
        time.sleep(0.1)
    return samples


@pytest.mark.timeout(150)
def test_a_tab_hidden_for_a_minute_has_missed_nothing(
    publisher: Publisher, server: Server, site: Site, backstage: Backstage
) -> None:
    with plain_chromium() as context, backstage.proxy(server.port) as network:
        view = View(context.new_page())
        view.expect_in_console(REFUSED)
        view.open(site.serve(network.url))
        other = context.new_page()
        other.bring_to_front()
        view.until("document.visibilityState === 'hidden'")
        frames = view.counters["frames"]
        samples = publish_for(HIDDEN_S, publisher, network.cut)
        assert view.js("document.visibilityState") == "hidden"
        assert view.counters["frames"] == frames, "what nobody sees is not drawn"
        view.page.bring_to_front()
        shown = time.time()
        view.until_painted("hidden.value", 100)
        assert time.time() - shown < 5, "no stall"
        assert_nothing_missed(view, samples)
        publisher.publish(sample("hidden.value", -1.0))
        view.until("streamgauge.painted('hidden.value').values.at(-1) === -1")
        assert not view.complaints


def assert_nothing_missed(view: View, samples: list[Any]) -> None:
    view.until_held("hidden.value", len(samples))
    held = view.ring("hidden.value")
    assert sorted(held.pairs) == sorted(pairs(samples))
    assert held.breaks == []
    counters = view.counters
    assert counters["connections"] == 2, "it came back while it was hidden"
    assert counters["resumed"] == 1
    assert counters["chainBreaks"] == counters["gaps"] == counters["merged"] == 0
    view.until("(newest) => streamgauge.painted('hidden.value').times.at(-1) === newest", held.times[-1])
    painted = view.painted("hidden.value")
    in_view = [pair for pair in held.pairs if pair[0] > view.panel("hidden.value")["from"] + 1]
    assert len(in_view) > 1000
    assert not painted.decimated or set(painted.pairs) <= set(held.pairs)
    assert painted.samples >= len(in_view)
    assert all(earlier <= later for earlier, later in pairwise(painted.times))
