"""How many files this process may have open, and how they are shared out."""

import resource
import sys
from dataclasses import dataclass

from broadcaster.config import BroadcasterConfig

SPARE = 64  # for files, pipes, webhooks and those who are refused


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Connections that are open, handshakes under way and connections of the HTTP port: at once, at most."""

    connections: int
    handshakes: int
    http: int


def shared_out(config: BroadcasterConfig, most: int) -> Descriptors:
    """What is configured, as far as `most` files go. Of few, a quarter each is for handshakes and for HTTP."""
    left = max(most - SPARE, 4)
    handshakes = min(config.handshakes_max, left // 4)
    http = min(config.http_connections_max, left // 4)
    return Descriptors(min(config.connections_max, left - handshakes - http), handshakes, http)


def available() -> int:
    """How many files this process may have open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # some systems name a limit that they do not grant
            hard = soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard
