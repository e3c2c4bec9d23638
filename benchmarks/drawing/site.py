from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.command import ANYWHERE, running, url_in


@dataclass(frozen=True, slots=True)
class Site:
    page: str
    stream: str
    pid: int  # of the broadcaster


@contextmanager
def running_site(**settings: str) -> Iterator[Site]:
    """A broadcaster without series of its own and a dashboard, as processes on free ports."""
    quiet = {
        "STREAMGAUGE_BROADCASTER_TELEMETRY_INTERVAL_S": "0",
        "STREAMGAUGE_BROADCASTER_SAMPLES_PER_SECOND": "0",
        **{name: value for name, value in settings.items() if name.startswith("STREAMGAUGE_BROADCASTER_")},
    }
    shown = {name: value for name, value in settings.items() if name.startswith("STREAMGAUGE_DASHBOARD_")}
    with running("serve", **ANYWHERE, **quiet) as broadcaster:
        stream = url_in(broadcaster, "ws")
        with running("dashboard", "--bind", "127.0.0.1:0", "--broadcaster", stream, **shown) as dashboard:
            yield Site(url_in(dashboard, "http") + "/", stream, broadcaster.pid)
