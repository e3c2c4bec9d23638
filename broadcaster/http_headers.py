"""What every answer over HTTP says to browsers and caches, whatever it is an answer to."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROTECTIVE: Final = (
    (b"cache-control", b"no-store"),  # it is of now, and may be for the eyes of one token only
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),  # none of them is a page
    (b"referrer-policy", b"no-referrer"),
)
STARTS: Final = ("http.response.start", "websocket.http.response.start")  # the latter refuses a WebSocket


class Protected:
    """An ASGI application whose every answer has the headers above."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_protected(message: Message) -> None:
            if message["type"] in STARTS:
                message = {**message, "headers": [*message["headers"], *PROTECTIVE]}
            await send(message)

        await self._app(scope, receive, send_protected)
