"""`streamgauge serve`."""

import gc
import logging
from collections.abc import Callable, Mapping

import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.server import Broadcaster, serve
from ingest.logs.setup import set_up
from ingest.notify import notify
from ingest.printing import say
from ingest.reloading import reload_at_hangup
from ingest.settings import load, refuse_exposed
from ingest.signals import until_signalled

# Seldom: looking through all takes half a second where there are thousands of connections. They are freed without it
# (`Connection.forget`).
COLLECTION = 100_000, 50, 20
STATUS_S = 10.0

log = logging.getLogger("streamgauge.broadcaster")


def run(flags: Mapping[str, object], config_file: str | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CommandError for bad settings and for ports that are taken."""

    def read() -> BroadcasterConfig:
        return load("broadcaster", BroadcasterConfig, flags, config_file)

    config = read()
    for name, bind in (("--bind", config.bind), ("--http-bind", config.http_bind)):
        refuse_exposed(name, bind, insecure=config.insecure or config.has_credentials)
    set_up(config.log_level, config.log_format)
    gc.set_threshold(*COLLECTION)
    trio.run(_serve, config, read)
    say("Stopped.")


def warn_of_plain_tokens(config: BroadcasterConfig) -> None:
    exposed = not (config.bind.is_loopback and config.http_bind.is_loopback)
    if config.has_credentials and config.tls_certificate is None and exposed:
        log.warning("tokens come here without TLS: set tls_certificate, or bind to loopback behind a proxy that has it")


async def _serve(config: BroadcasterConfig, read: Callable[[], BroadcasterConfig]) -> None:
    async with until_signalled(serving=True), trio.open_nursery() as nursery:
        broadcaster: Broadcaster = await nursery.start(serve, config)
        await nursery.start(reload_at_hangup, read, broadcaster.reload)
        say(f"Broadcasting at {broadcaster.url}, HTTP at {broadcaster.http_url}. Ctrl-C stops it.")
        warn_of_plain_tokens(config)
        log.info("started", extra={"url": broadcaster.url, "http_url": broadcaster.http_url})
        notify("READY=1")
        while True:
            notify(f"STATUS={broadcaster.connected} connections at {broadcaster.url}")
            await trio.sleep(STATUS_S)
