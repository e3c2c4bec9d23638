"""`streamgauge dashboard`."""

import logging
from collections.abc import Mapping

import trio

from dashboard.config import DashboardConfig
from dashboard.server import serve
from ingest.logs.setup import set_up
from ingest.notify import notify
from ingest.settings import load, refuse_exposed
from ingest.signals import until_signalled
from ingest.watchdog import Watchdog

log = logging.getLogger("streamgauge.dashboard")


def run(flags: Mapping[str, object], config_file: str | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CommandError for bad settings and for a port that is taken."""
    config = load("dashboard", DashboardConfig, flags, config_file)
    refuse_exposed("--bind", config.bind, insecure=config.insecure)
    set_up(config.log_level, config.log_format)
    trio.run(_serve, config)
    print("Stopped.", flush=True)


async def _serve(config: DashboardConfig) -> None:
    async with until_signalled(serving=True), trio.open_nursery() as nursery:
        nursery.start_soon(Watchdog(config.watchdog_s).run)
        page = await nursery.start(serve, config)
        print(f"dashboard at {page}, of the broadcaster at {config.broadcaster}", flush=True)
        log.info("started", extra={"url": page, "broadcaster": config.broadcaster})
        notify("READY=1", f"STATUS=Dashboard at {page}")
        try:
            await trio.sleep_forever()
        finally:
            log.info("stopping")
            notify("STOPPING=1")
