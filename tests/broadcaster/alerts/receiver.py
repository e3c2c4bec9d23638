"""A receiver of webhooks: an HTTP server of a few lines, over real sockets, that answers what it is told to."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h11
import orjson
import trio


@dataclass
class Receiver:
    """`answers` are used up from the front; then it answers 204. None: it never answers."""

    url: str = ""
    answers: list[int | bytes | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[h11.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    _came: trio.Event = field(default_factory=trio.Event)

    async def wait_for(self, count: int) -> list[Any]:
        """The bodies, as soon as there are so many."""
        with trio.fail_after(20):
            while len(self.bodies) < count:
                self._came = trio.Event()
                await self._came.wait()
        return self.bodies

    async def serve(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        body = b""
        async with stream:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    connection.receive_data(bytes(await stream.receive_some(65_536)))
                elif isinstance(event, h11.Request):
                    self.requests.append(event)
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    return
            self.bodies.append(orjson.loads(body))
            self._came.set()
            answer = self.answers.pop(0) if self.answers else 204
            if answer is None:
                await trio.sleep_forever()
            elif isinstance(answer, bytes):
                await stream.send_all(answer)
            else:
                headers = [*self.headers.items(), ("content-length", "0")]
                response = h11.Response(status_code=answer, headers=headers)
                sent = (connection.send(response) or b"") + (connection.send(h11.EndOfMessage()) or b"")
                await stream.send_all(sent)


@asynccontextmanager
async def receiving(*answers: int | bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers=list(answers))

    async def serve(stream: trio.abc.Stream) -> None:
        await receiver.serve(stream if tls is None else trio.SSLStream(stream, tls, server_side=True))

    async with trio.open_nursery() as nursery:
        open_port = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        listeners = await nursery.start(open_port)
        port = listeners[0].socket.getsockname()[1]
        receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/hook?a=b"
        yield receiver
        nursery.cancel_scope.cancel()
