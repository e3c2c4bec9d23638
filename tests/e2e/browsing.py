"""What the tests of the page share: a broadcaster and a dashboard as processes, and a page that is looked into.

The fixtures are imported by `conftest.py`. A Chromium that is not there is an error of each test: none is skipped.
"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, TimeoutError, ViewportSize, sync_playwright

from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browser import FLAGS, executable
from tests.e2e.command import running, url_in
from tests.e2e.ports import free_ports

WIDE: ViewportSize = {"width": 1440, "height": 900}
WAIT_S = 15.0
OPEN_S = 30.0  # the first page of a profile compiles everything, on a machine that others use too
# Else it is an expression, which a strict policy would let nobody evaluate again and again.
FUNCTION = re.compile(r"\s*(async )?(\([^()]*\)|\w+) =>")
REFUSED = r"WebSocket connection to '.*' failed|ERR_CONNECTION_REFUSED"

Json = Any


class Server:
    """`streamgauge serve`, on ports that stay the same when it is started again."""

    def __init__(self, ports: list[int], settings: dict[str, object]) -> None:
        self.port = ports[0]
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        self.url = f"ws://{self.addresses[0]}/v1/stream"
        self._settings = {f"STREAMGAUGE_BROADCASTER_{name}".upper(): str(value) for name, value in settings.items()}
        self._stack = ExitStack()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it accepts connections."""
        flags = ["--bind", self.addresses[0], "--http-bind", self.addresses[1]]
        self._process = self._stack.enter_context(running("serve", *flags, **self._settings))
        url_in(self._process, "ws")

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Returns when it is gone."""
        self.send(number)
        self.until_gone()

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def until_gone(self) -> None:
        if self._process is not None:
            self._process.wait(WAIT_S)
        self._stack.close()


@dataclass(frozen=True)
class Line:
    """What the page holds of a series, or has painted of it."""

    times: list[float]
    values: list[float | str | None]
    breaks: list[int]
    samples: int
    decimated: bool
    path: str

    @property
    def pairs(self) -> list[tuple[float, float | str | None]]:
        return list(zip(self.times, self.values, strict=True))

    @property
    def points(self) -> list[list[tuple[float, float]]]:
        """Pixels of the path in the document, run by run."""
        runs = [part for part in self.path.split("M") if part]
        return [[(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", run)] for run in runs]


class View:
    """One page. Errors in its console fail the test, except those that were announced."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.url = ""
        self._complaints: list[str] = []
        self._expected: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))
        page.on("response", lambda response: self._heard("error" if response.status >= 400 else "", response.url))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self._complaints.append(f"{kind}: {text}")

    def expect_in_console(self, pattern: str) -> None:
        """What a browser cannot help writing, e.g. of a connection that is refused."""
        self._expected.append(pattern)

    @property
    def complaints(self) -> list[str]:
        return [each for each in self._complaints if not any(re.search(known, each) for known in self._expected)]

    def open(self, url: str, state: str = "live") -> None:
        self.url = url
        self.page.goto(url)
        self.until_state(state, OPEN_S)
        self.until("document.querySelector('#panels') && window.streamgaugeControls")

    def js(self, expression: str, argument: object = None) -> Json:
        return self.page.evaluate(expression, argument)

    def until(self, expression: str, argument: object = None, bound_s: float = WAIT_S) -> None:
        """Asks again and again, hidden or not."""
        function = expression if FUNCTION.match(expression) else f"() => {expression}"
        try:
            self.page.wait_for_function(function, arg=argument, timeout=bound_s * 1000, polling=30)
        except TimeoutError:
            raise AssertionError(f"not within {bound_s:g} s: {expression} {argument or ''}\n{self.account}") from None

    @property
    def account(self) -> str:
        """What may tell why something did not come."""
        connection = self.js("window.streamgauge?.connection ?? document.readyState")
        return f"connection: {connection}\nconsole: {self._complaints}"

    def until_state(self, state: str, bound_s: float = WAIT_S) -> None:
        self.until("(state) => window.streamgauge?.connection.state === state", state, bound_s)

    @property
    def connection(self) -> Json:
        return self.js("window.streamgauge.connection")

    @property
    def counters(self) -> Json:
        return self.js("window.streamgauge.counters")

    @property
    def health(self) -> Json:
        return self.js("window.streamgauge.health")

    def panel(self, metric: str) -> Json:
        return self.js("(metric) => window.streamgauge.panels().find((each) => each.metric === metric)", metric)

    def ring(self, metric: str, **tags: str) -> Line:
        held = self.js("([metric, tags]) => window.streamgauge.ring(metric, tags)", [metric, tags])
        assert held is not None, f"{metric} {tags} is unknown to the page"
        return Line(samples=len(held["times"]), decimated=False, path="", **held)

    def painted(self, metric: str, **tags: str) -> Line:
        line = self.js("([metric, tags]) => window.streamgauge.painted(metric, tags)", [metric, tags])
        assert line is not None, f"{metric} {tags} was never painted"
        return Line(breaks=[], **line)

    def until_held(self, metric: str, count: int, **tags: str) -> None:
        held = "([metric, tags, n]) => (window.streamgauge.ring(metric, tags)?.times.length ?? 0) >= n"
        self.until(held, [metric, tags, count])

    def until_painted(self, metric: str, count: int, **tags: str) -> None:
        painted = "([metric, tags, n]) => (window.streamgauge.painted(metric, tags)?.samples ?? 0) >= n"
        self.until(painted, [metric, tags, count])

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def figure(self, name: str) -> str:
        """Of the health bar, once it was rendered anew."""
        self.page.wait_for_timeout(300)
        return self.text(f"[data-health={name}]")

    def entry(self, metric: str, tags: dict[str, str]) -> str:
        """Selector of a legend entry."""
        identity = json.dumps([metric, sorted(map(list, tags.items()))], separators=(",", ":"), ensure_ascii=False)
        escaped = identity.replace("\\", "\\\\").replace("'", "\\'")
        return f"[data-series='{escaped}']"

    def devtools(self) -> CDPSession:
        return self.page.context.new_cdp_session(self.page)


class Site:
    """`streamgauge dashboard` as a process, told where the broadcaster will be."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.ports = free_ports(2)
        self.url = self.serve(f"ws://127.0.0.1:{self.ports[0]}")

    def serve(self, stream: str, **settings: str) -> str:
        """The URL of one more page, of another broadcaster."""
        command = ["dashboard", "--bind", "127.0.0.1:0", "--broadcaster", stream]
        http = f"http://127.0.0.1:{self.ports[1]}"
        process = self._stack.enter_context(running(*command, "--broadcaster-http", http, **settings))
        return url_in(process, "http") + "/"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


@pytest.fixture(scope="module")
def window() -> Iterator[BrowserContext]:
    """Its pages share a profile, as a person's do: what was compiled once is not compiled again."""
    with sync_playwright() as playwright, TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=executable(), args=FLAGS, viewport=WIDE, timezone_id="UTC", locale="en-GB"
        )
        try:
            yield context
        finally:
            context.close()


@pytest.fixture
def backstage() -> Iterator[Backstage]:
    with Backstage() as running_backstage:
        yield running_backstage


@pytest.fixture
def serving(site: Site) -> Iterator[Callable[..., Server]]:
    """Starts the broadcaster that the page is told of, with these settings."""
    started: list[Server] = []

    def start(**settings: object) -> Server:
        server = Server(site.ports, {"telemetry_interval_s": 0, "drain_s": 1, **settings})
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def open_view(window: BrowserContext) -> Iterator[Callable[..., View]]:
    """Opens pages that are still blank."""
    views: list[View] = []

    def open_one() -> View:
        views.append(View(window.new_page()))
        return views[-1]

    yield open_one
    complaints = [complaint for view in views for complaint in view.complaints]
    for view in views:
        view.page.close()
    assert not complaints, complaints


@pytest.fixture
def view(open_view: Callable[..., View]) -> View:
    return open_view()


@pytest.fixture
def server(serving: Callable[..., Server]) -> Server:
    return serving()


@pytest.fixture
def publisher(server: Server, backstage: Backstage) -> Iterator[Publisher]:
    one = Publisher(backstage, server.url)
    yield one
    one.close()


@pytest.fixture
def live(server: Server, site: Site, view: View) -> View:
    """A page that is live."""
    view.open(site.url)
    return view


def series(metric: str, count: int, *, back_s: float = 20.0, step_s: float = 0.01, first: int = 0) -> list[Json]:
    """Samples of which each is told from every other, the first so long ago."""
    begin = round(time.time() - back_s, 3)
    return [{"metric": metric, "time": begin + index * step_s, "value": float(first + index)} for index in range(count)]


def pairs(samples: list[Json]) -> list[tuple[float, float | None]]:
    return [(sample["time"], sample["value"]) for sample in samples]
