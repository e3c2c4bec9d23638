"""uWebSockets by way of socketify: its topics, published to natively."""

import sys
from typing import Any

from socketify import App, OpCode

TOPIC = "load"
BACKPRESSURE_BYTES = 256 * 1024 * 1024

app = App()


def opened(socket: Any) -> None:
    socket.subscribe(TOPIC)
    socket.send("ready", OpCode.TEXT)


def publish(socket: Any, message: Any, opcode: Any) -> None:
    app.publish(TOPIC, message, OpCode.TEXT)


COMMON = {"compression": 0, "idle_timeout": 960, "max_backpressure": BACKPRESSURE_BYTES}
app.ws("/publish", {**COMMON, "message": publish})
app.ws("/", {**COMMON, "open": opened})
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"}, lambda config: None)
app.run()
