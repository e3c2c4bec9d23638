"""Real broadcasters for end-to-end tests: in the test's own loop, or as a process that can be killed."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.e2e import wire
from tests.e2e.browsing import (  # noqa: F401 - fixtures of the browser tests
    backstage,
    live,
    open_view,
    publisher,
    server,
    serving,
    site,
    view,
    window,
)
from tests.e2e.kinds_board import kinds  # noqa: F401
from tests.e2e.ports import free_ports
from tests.e2e.wire import Wire
from tests.e2e.wire_frames import open_socket

if TYPE_CHECKING:
    from broadcaster.server import Broadcaster

Start = Callable[..., Awaitable["Broadcaster"]]
Dial = Callable[..., Awaitable[Wire]]

# Nothing on its own account, and quick ends: a test says what else it needs.
QUIET: dict[str, Any] = {
    "bind": "127.0.0.1:0",
    "http_bind": "127.0.0.1:0",
    "telemetry_interval_s": 0,
    "drain_s": 1.0,
    "close_s": 0.5,
}


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a broadcaster in the test's loop survives by logging it is a bug all the same."""
    yield
    for when in ("setup", "call", "teardown"):
        errors = [record for record in caplog.get_records(when) if record.levelno >= logging.ERROR]
        assert not errors, errors


@pytest.fixture
async def start(nursery: trio.Nursery) -> Start:
    """Starts a broadcaster with these settings, and with `authenticator` if given. It ends with the test."""

    from broadcaster.config import BroadcasterConfig
    from broadcaster.server import serve

    async def start_one(*, authenticator: Any = None, **settings: Any) -> "Broadcaster":
        config = BroadcasterConfig(**{**QUIET, **settings})
        options = {"authenticator": authenticator} if authenticator else {}

        async def run(task_status: trio.TaskStatus["Broadcaster"] = trio.TASK_STATUS_IGNORED) -> None:
            await serve(config, task_status=task_status, **options)

        broadcaster: Broadcaster = await nursery.start(run)
        return broadcaster

    return start_one


@pytest.fixture
async def broadcaster(start: Start) -> "Broadcaster":
    """One broadcaster with default bounds."""
    return await start()


@pytest.fixture
async def dial(nursery: trio.Nursery) -> AsyncIterator[Dial]:
    """Connects raw-socket clients, which are cut off at the end of the test."""
    wires: list[Wire] = []

    async def dial_one(to: "Broadcaster | str", **options: Any) -> Wire:
        connection = await wire.connect(to if isinstance(to, str) else to.url, **options)
        wires.append(connection)
        return connection

    yield dial_one
    for connection in wires:
        await connection.aclose()


class BroadcasterProcess:
    """`streamgauge serve` on ports that stay the same when it is started again."""

    def __init__(self, **settings: object) -> None:
        self.ports = free_ports(2)
        self.url = f"ws://127.0.0.1:{self.ports[0]}/v1/stream"
        self.http_url = f"http://127.0.0.1:{self.ports[1]}"
        self._settings = settings
        self._process: trio.Process | None = None

    @property
    def process(self) -> trio.Process:
        assert self._process is not None, "not started"
        return self._process

    async def start(self) -> None:
        """Returns when it accepts connections."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_")}
        settings = {"telemetry_interval_s": 0, **self._settings}
        environment |= {f"STREAMGAUGE_BROADCASTER_{name}".upper(): str(value) for name, value in settings.items()}
        addresses = [f"127.0.0.1:{port}" for port in self.ports]
        command = [sys.executable, "-m", "dashboard", "serve", "--bind", addresses[0], "--http-bind", addresses[1]]
        self._process = await trio.lowlevel.open_process(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        await wire.eventually(self._accepts, 20)

    async def _accepts(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(await self.output())
        try:
            await trio.aclose_forcefully(await open_socket(self.url))
            await trio.aclose_forcefully(await open_socket(self.http_url))
        except OSError:
            return False
        return True

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def wait(self) -> int:
        """The exit status."""
        with trio.fail_after(15):
            return await self.process.wait()

    async def output(self) -> str:
        """All it printed, to its end."""
        assert self.process.stdout is not None
        with trio.fail_after(15):
            return b"".join([chunk async for chunk in self.process.stdout]).decode()

    async def aclose(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            if self._process.stdout is not None:
                await self._process.stdout.aclose()


@pytest.fixture
async def broadcaster_process() -> AsyncIterator[Callable[..., BroadcasterProcess]]:
    """Makes broadcasters that run as processes of their own; settings go by environment variable."""
    made: list[BroadcasterProcess] = []

    def make(**settings: object) -> BroadcasterProcess:
        made.append(BroadcasterProcess(**settings))
        return made[-1]

    yield make
    for process in made:
        await process.aclose()
