"""The broadcaster's own figures, from its /metrics."""

import re
from urllib.request import urlopen

from benchmarks.peers.registry import port_of_http

LINE = re.compile(r"^streamgauge_(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


def parse(text: str) -> dict[str, float]:
    """Values by name, without the prefix and the ending of counters; those with labels are added up."""
    found: dict[str, float] = {}
    for name, value in LINE.findall(text):
        name = name.removesuffix("_total")
        found[name] = found.get(name, 0.0) + float(value)
    return found


def scrape(port: int) -> dict[str, float]:
    """Of the broadcaster whose WebSocket is at this port."""
    with urlopen(f"http://127.0.0.1:{port_of_http(port)}/metrics", timeout=10) as response:
        return parse(response.read().decode())
