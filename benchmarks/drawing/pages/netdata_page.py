"""Netdata with a page of its own making, and StatsD as its documentation says to bring metrics of one's own.

This process becomes Netdata's, with all that it would collect by itself switched off; a child feeds it while it lives.
"""

import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.drawing.held import PANELS
from benchmarks.drawing.load import feeding

CONFIGURATION = """
[global]
  run as user = {user}
[directories]
  config = {run}
  stock config = {root}/usr/lib/netdata/conf.d
  log = {run}
  web = {root}/usr/share/netdata/web
  cache = {run}
  lib = {run}
  home = {run}
  plugins = "{root}/usr/lib/netdata/plugins.d"
[db]
  mode = ram
  retention = 900
[web]
  bind to = 127.0.0.1:{port}
[plugins]
  {off}
[health]
  enabled = no
[ml]
  enabled = no
[statsd]
  bind to = udp:127.0.0.1:{port}
"""
OFF = (
    "proc diskspace cgroups tc idlejitter apps python.d charts.d go.d timex slabinfo perf ebpf nfacct"
    " netdata\\ monitoring checks loops ioping fping xenstat freeipmi cups"
)
APP = "[app]\n name = draw\n metrics = draw.*\n private charts = no\n"
CHART = "[panel{panel}]\n name = panel{panel}\n family = draw\n context = draw.panel{panel}\n type = line\n"
LINE = " dimension = draw.panel{panel}.line{line} line{line} last 1 1000\n"
PAGE = """<!DOCTYPE html>
<title>Netdata</title><meta charset="utf-8">
<script>var netdataNoBootstrap = true;</script>
<script src="/dashboard.js"></script>
<script>document.write('{charts}')</script>
"""
PLACE = (
    '<div id="panel{panel}" data-netdata="draw.panel{panel}" data-chart-library="dygraph"'
    ' data-width="33%" data-height="240px" data-after="-60" data-points="600"></div>'
)


def write(root: Path, port: int) -> Path:
    """Configuration, charts and page; returns the configuration's file."""
    run = root / "run"
    (run / "statsd.d").mkdir(parents=True, exist_ok=True)
    charts = [
        CHART.format(panel=panel) + "".join(LINE.format(panel=panel, line=line) for line in range(PANELS.lines))
        for panel in range(PANELS.panels)
    ]
    (run / "statsd.d" / "draw.conf").write_text(APP + "\n".join(charts))
    places = "".join(PLACE.format(panel=panel) for panel in range(PANELS.panels))
    (root / "usr/share/netdata/web/drawing.html").write_text(PAGE.format(charts=places))
    off = "\n  ".join(f"{name} = no" for name in OFF.replace("\\ ", "\0").split(" "))
    file = run / "netdata.conf"
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "netdata")
    file.write_text(CONFIGURATION.format(root=root, run=run, port=port, user=user, off=off.replace("\0", " ")))
    return file


def feed(port: int, server: int) -> None:
    """One gauge a line, each sample when it comes: Netdata keeps the last of each second."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def send(panel: int, times: Sequence[float], columns: Sequence[Sequence[float]]) -> None:
            if len(times) == 1:  # it takes no history
                gauges = [f"draw.panel{panel}.line{line}:{values[0]}|g" for line, values in enumerate(columns)]
                sock.sendto("\n".join(gauges).encode(), ("127.0.0.1", port))

        with feeding(PANELS, send):
            while os.getppid() == server:
                time.sleep(0.1)


def main(root: Path, port: int) -> None:
    file, server = write(root, port), os.getpid()
    if os.fork() == 0:
        feed(port, server)
        return
    netdata = str(root / "usr/sbin/netdata")
    os.execv(netdata, [netdata, "-D", "-c", str(file)])


main(Path(sys.argv[1]), int(sys.argv[2]))
