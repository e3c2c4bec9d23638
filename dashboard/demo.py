"""Everything in one process, so that there is something to see a moment after the first `make demo`.

Nurseries nest in the order in which things need each other: broadcaster > dashboard > producer > sources. Stopping goes
from the inside out, so the sources' last samples are flushed and viewers are told before the broadcaster goes.
"""

import os
import shutil
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from pydantic import BaseModel, ConfigDict, Field

import dashboard.server
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.keys import secret
from broadcaster.credentials.tokens import mint
from broadcaster.server import Broadcaster
from broadcaster.server import serve as serve_broadcaster
from dashboard.config import DashboardConfig
from ingest import open_producer
from ingest.errors import CommandError
from ingest.logs.setup import set_up
from ingest.printing import say
from ingest.settings import LogFormat, LogLevel, load, refuse_exposed
from ingest.signals import until_signalled
from ingest.sources.host import host
from ingest.sources.shop import shop

TOKEN_S = 600


class DemoConfig(BaseModel):
    """Settings of `streamgauge demo` itself; its broadcaster and dashboard read their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    browser: bool = Field(True, description="Open the dashboard in a browser, if there is a display.")
    host_interval_s: float = Field(1.0, gt=0, allow_inf_nan=False, description="Seconds between host metrics.")
    shop_rate_hz: float = Field(10.0, gt=0, allow_inf_nan=False, description="Samples a second of each shop series.")
    state: Path | None = Field(
        None, description="Where its dashboards and alerts are kept; none: a directory of the user, for such."
    )
    log_format: LogFormat = Field("logfmt", description="A line of the log: logfmt, or json.")
    log_level: LogLevel = Field("warning", description="From which level on: debug, info, warning or error.")
    shop_seed: int = Field(7, description="The same seed makes the same shop.")


def run(config_file: str | None, flags: Mapping[str, object], *, browser: bool | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CommandError for bad settings and for ports that are taken."""
    demo = load("demo", DemoConfig, {"browser": browser}, config_file)
    broadcasting = load("broadcaster", BroadcasterConfig, {}, config_file)
    viewing = load("dashboard", DashboardConfig, flags, config_file)
    refuse_exposed("--bind", viewing.bind, insecure=viewing.insecure or viewing.signs_in)
    refuse_exposed("STREAMGAUGE_BROADCASTER_BIND", broadcasting.bind, insecure=broadcasting.insecure)
    refuse_exposed("STREAMGAUGE_BROADCASTER_HTTP_BIND", broadcasting.http_bind, insecure=broadcasting.insecure)
    own_token(broadcasting)
    set_up(demo.log_level, demo.log_format)
    with TemporaryDirectory(prefix="streamgauge-demo-") as fallback:
        state = prepared(demo.state or _state_home(), Path(fallback))
        if broadcasting.alerts is None:
            broadcasting = broadcasting.model_copy(update={"alerts": state / "alerts", "alerts_writable": True})
        if not viewing.dashboards:
            viewing = viewing.model_copy(update={"dashboards": str(state / "dashboards")})
        trio.run(_serve, demo, broadcasting, viewing)
    say("Stopped.")


def _state_home() -> Path | None:
    home = os.environ.get("XDG_STATE_HOME", "")
    try:
        return (Path(home) if os.path.isabs(home) else Path.home() / ".local/state") / "streamgauge/demo"
    except RuntimeError:  # in a container, a user may have none
        return None


def prepared(state: Path | None, fallback: Path) -> Path:
    """The directory, with the examples in it if it is new, so that they can be changed: a checkout stays as it is.

    Where it cannot be made, `fallback` is used, and what is changed is gone at the end.
    """
    examples = Path(str(files("dashboard") / "examples"))
    if not examples.is_dir():
        examples = Path(__file__).parents[1] / "examples"  # a checkout
    for directory in filter(None, (state, fallback)):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name in ("alerts", "dashboards"):
                if not (directory / name).exists():
                    shutil.copytree(examples / name, directory / name)
        except OSError:
            continue
        return directory
    raise CommandError(f"state: {state}: cannot be made, nor {fallback}")


async def _serve(demo: DemoConfig, broadcasting: BroadcasterConfig, viewing: DashboardConfig) -> None:
    async with until_signalled(serving=True), trio.open_nursery() as broadcasters:
        broadcaster = await broadcasters.start(serve_broadcaster, broadcasting)
        async with trio.open_nursery() as dashboards:
            urls = {"broadcaster": broadcaster.url, "broadcaster_http": broadcaster.http_url}
            page = await dashboards.start(dashboard.server.serve, viewing.model_copy(update=urls))
            say(_welcome(page, broadcaster, viewing.dashboards))
            await _feed(demo, broadcaster, page)
            dashboards.cancel_scope.cancel()
        broadcasters.cancel_scope.cancel()


async def _feed(demo: DemoConfig, broadcaster: Broadcaster, page: str) -> None:
    ca = broadcaster.certificate.itself() if broadcaster.certificate is not None else None
    producing = open_producer(broadcaster.url, client="demo", ca=ca, token=own_token(broadcaster.config))
    async with until_signalled(serving=True), producing as producer, trio.open_nursery() as sources:
        sources.start_soon(partial(host, producer, interval_s=demo.host_interval_s))
        sources.start_soon(partial(shop, producer, seed=demo.shop_seed, rate_hz=demo.shop_rate_hz))
        if demo.browser and _has_display():
            await trio.to_thread.run_sync(webbrowser.open, page, abandon_on_cancel=True)


def own_token(config: BroadcasterConfig) -> Callable[[], str] | None:
    """What gives the demo's producer its tokens, where the broadcaster wants some. Raises CommandError."""
    if not config.has_credentials:
        return None
    path = config.token_secret
    if path is None:
        raise CommandError("the demo publishes by itself: it needs token_secret, beside token_keys or instead")
    claims = {name: said for name, said in (("iss", config.token_issuer), ("aud", config.token_audience)) if said}

    def token() -> str:
        key = secret(Path(path).read_bytes())
        return mint(key, subject="demo", scope="publish:*", expires_s=TOKEN_S, now=time.time(), **claims)

    return token


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _welcome(page: str, broadcaster: Broadcaster, dashboards: str) -> str:
    return f"""
  Streamgauge is live.

    Dashboard     {page}
    Publish       {broadcaster.url}
    HTTP          {broadcaster.http_url}/v1/publish   /metrics   /healthz
    Kept in       {dashboards}, {broadcaster.config.alerts}

  It draws this machine's metrics and a synthetic web shop. Ctrl-C stops it.
"""
