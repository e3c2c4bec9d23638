"""The pages beside which Streamgauge's is measured, each as its own documentation says to stream."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.dialect import Dialect
from benchmarks.peers.install import DEBIAN, DRAWING, drawing_python, netdata
from benchmarks.peers.peer import Command, Peer

PAGES = Path(__file__).with_name("pages")
ROOT = Path(__file__).parent.parent.parent

SOURCE = "window.Bokeh?.documents?.[0]?.get_model_by_name(`panel${panel}`)?.data.time ?? [];"
DYGRAPH = (
    "(window.NETDATA?.chartState(document.getElementById(`panel${panel}`))?.tmp.dygraph_instance?.file_ ?? [])"
    ".map(([time]) => time / 1e3);"
)
NEWER = """
    let at = times.length;
    while (at > 0 && times[at - 1] > since) at--;
    return Array.from(times.slice(at));
}"""


@dataclass(frozen=True, slots=True)
class Other:
    """`fresh` is the page's answer to what it shows; see probe.js."""

    peer: Peer
    fresh: str
    path: str = ""
    takes_history: bool = True


def _other(name: str, title: str, packages: Mapping[str, str], times: str) -> Other:
    def command(port: int) -> Command:
        script = PAGES / f"{name}_page.py"
        return Command([str(drawing_python()), str(script), str(port)], {"PYTHONPATH": str(ROOT)})

    return Other(Peer(name, title, packages, Dialect(), command), _fresh(times))


def _fresh(times: str) -> str:
    return "(panel, since) => { const times = " + times + NEWER


def _netdata(port: int) -> Command:
    script = PAGES / "netdata_page.py"
    return Command([sys.executable, str(script), str(netdata()), str(port)], {"PYTHONPATH": str(ROOT)})


OTHERS = [
    _other(
        "dash",
        "Dash, `dcc.Interval` and `dcc.Graph`",
        {name: DRAWING[name] for name in ("dash", "plotly")},
        "document.querySelector(`#panel${panel} .js-plotly-plot`)?.data?.[0]?.x ?? [];",
    ),
    _other("bokeh", "Bokeh server", {"bokeh": DRAWING["bokeh"]}, SOURCE),
    _other("panel", "Panel", {name: DRAWING[name] for name in ("panel", "bokeh")}, SOURCE),
    Other(
        Peer("netdata", "Netdata (Debian's)", DEBIAN, Dialect(), _netdata),
        _fresh(DYGRAPH),
        "drawing.html",
        takes_history=False,
    ),
]
