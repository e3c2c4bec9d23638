"""picows: a loop of `send` over all transports, on uvloop."""

import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

subscribers: dict[WSTransport, None] = {}


class Subscriber(WSListener):  # type: ignore[misc]  # picows has no types
    def on_ws_connected(self, transport: WSTransport) -> None:
        subscribers[transport] = None
        transport.send(WSMsgType.TEXT, b"ready")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        subscribers.pop(transport, None)


class Publisher(WSListener):  # type: ignore[misc]  # picows has no types
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            for subscriber in subscribers:
                subscriber.send(WSMsgType.TEXT, payload)


def route(request: WSUpgradeRequest) -> WSListener:
    return Publisher() if request.path == b"/publish" else Subscriber()


async def main(port: int) -> None:
    server = await ws_create_server(route, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
