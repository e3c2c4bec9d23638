"""A peer whose host vanishes: the broadcaster has to find out by itself, and to free everything that it had for it."""

import re
import socket
import time
import urllib.request
from contextlib import ExitStack

import trio

from benchmarks.drain import HANDSHAKE, SUBSCRIBE
from benchmarks.faults.network import missing
from benchmarks.faults.processes import Stage, until
from benchmarks.faults.scenario import Scenario
from benchmarks.load.frames import client_frame

PING_S = 2.0
CLOSED_WITHIN_S = 20.0
GHOSTS = 4  # half of them subscribers, half producers


def figure(stage: Stage, pattern: str) -> float:
    """Of /metrics; 0 if it is not there."""
    with urllib.request.urlopen(f"{stage.http_url}/metrics", timeout=5) as answer:
        found = re.search(rf"^{pattern} (\S+)", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def descriptors(stage: Stage) -> int:
    """Sockets that the broadcaster's process has open."""
    assert stage.broadcaster is not None
    from psutil import Process

    return int(Process(stage.broadcaster.pid).num_fds())


def _ghost(stage: Stage, *, producer: bool) -> socket.socket:
    sock = socket.create_connection((stage.host, stage.ports[0]), timeout=5)
    sock.sendall(HANDSHAKE.replace(b"Host: 127.0.0.1", b"Host: " + stage.host.encode()))
    publish = client_frame(b'{"type":"publish","id":1,"samples":[{"metric":"ghost","value":1}]}', 0x1)
    sock.sendall(publish if producer else SUBSCRIBE)
    heard = b""
    while (b'"ack"' if producer else b'"subscribed"') not in heard:
        heard += sock.recv(65_536)
    return sock


async def half_open(stage: Stage) -> None:
    assert stage.net is not None
    await stage.begin()
    before, closed = descriptors(stage), figure(stage, r'streamgauge_closes_total\{code="4001"\}')
    with ExitStack() as stack:
        ghosts = [stack.enter_context(_ghost(stage, producer=number % 2 == 0)) for number in range(GHOSTS)]
        await stage.moment()
        for ghost in ghosts:
            stage.net.vanish(ghost.getsockname()[1])
        vanished = time.monotonic()
        await until(lambda: descriptors(stage) <= before, "what half-open peers had is not freed", CLOSED_WITHIN_S)
        stage.facts["freed after s"] = round(time.monotonic() - vanished, 2)
        closes = figure(stage, r'streamgauge_closes_total\{code="4001"\}') - closed
        if closes != GHOSTS:
            stage.wrong.append(f"{closes:g} of {GHOSTS} half-open peers were closed with 4001")
        if (subscriptions := figure(stage, "streamgauge_subscriptions")) != 1:
            stage.wrong.append(f"{subscriptions:g} subscriptions are left")
        stage.healed()
        await trio.sleep(0.1)
        if stage.senders["p0"].now["connections"] != 1:
            stage.wrong.append("a living producer was disconnected, too")


SCENARIOS = [
    Scenario(
        "half-open",
        f"the hosts of {GHOSTS} peers vanish; the broadcaster has to close them (4001) and free all that they had",
        half_open,
        namespace=True,
        missing=missing,
        settings={"ping_interval_s": str(PING_S)},
    )
]
