"""`streamgauge dashboard`."""

import logging
from collections.abc import Callable, Mapping

import trio

from dashboard.config import DashboardConfig
from dashboard.server import serve
from ingest.logs.setup import set_form, set_level, set_up
from ingest.notify import notify
from ingest.printing import say
from ingest.reloading import change, reload_at_hangup
from ingest.settings import load, refuse_exposed
from ingest.signals import until_signalled
from ingest.watchdog import Watchdog

IN_PLACE = frozenset({"log_format", "log_level", "watchdog_s"})

log = logging.getLogger("streamgauge.dashboard")


def run(flags: Mapping[str, object], config_file: str | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CommandError for bad settings and for a port that is taken."""

    def read() -> DashboardConfig:
        return load("dashboard", DashboardConfig, flags, config_file)

    config = read()
    refuse_exposed("--bind", config.bind, insecure=config.insecure or config.signs_in)
    set_up(config.log_level, config.log_format)
    trio.run(_serve, config, read)
    say("Stopped.")


async def _serve(config: DashboardConfig, read: Callable[[], DashboardConfig]) -> None:
    async with until_signalled(serving=True), trio.open_nursery() as nursery:
        watchdog = Watchdog(config.watchdog_s)
        nursery.start_soon(watchdog.run)

        def reload(other: DashboardConfig) -> None:
            change(config, other, IN_PLACE)
            watchdog.stall_s = config.watchdog_s
            set_level(config.log_level)
            set_form(config.log_format)

        await nursery.start(reload_at_hangup, read, reload)
        page = await nursery.start(serve, config)
        say(f"dashboard at {page}, of the broadcaster at {config.broadcaster}")
        log.info("started", extra={"url": page, "broadcaster": config.broadcaster})
        notify("READY=1", f"STATUS=Dashboard at {page}")
        try:
            await trio.sleep_forever()
        finally:
            log.info("stopping")
            notify("STOPPING=1")
