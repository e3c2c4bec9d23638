"""Opening a connection to somebody who is no broadcaster, or no longer there, over real sockets."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
from trio_websocket import ConnectionRejected, HandshakeError

from ingest.link import stream_url, websocket_dial, why

Handler = Callable[[trio.SocketStream], Awaitable[None]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve(nursery: trio.Nursery) -> AsyncIterator[Serve]:
    async def serve_one(handler: Handler) -> str:
        async def handle(stream: trio.SocketStream) -> None:
            async with stream:
                await handler(stream)

        async def run(task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
            await trio.serve_tcp(handle, 0, host="127.0.0.1", task_status=task_status)

        (listener,) = await nursery.start(run)
        return stream_url(f"ws://127.0.0.1:{listener.socket.getsockname()[1]}")

    yield serve_one


async def hang_up(stream: trio.SocketStream) -> None:
    """As a container's port does while nothing listens inside."""


async def hang_up_after_the_request(stream: trio.SocketStream) -> None:
    await stream.receive_some()


async def hang_up_amid_the_answer(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web")


async def talk_of_something_else(stream: trio.SocketStream) -> None:
    await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n")
    await stream.receive_some()


async def opening(url: str, token: str | None = None) -> None:
    async with websocket_dial(url, token, 1000)():
        raise AssertionError


@pytest.mark.parametrize(
    "handler", [hang_up, hang_up_after_the_request, hang_up_amid_the_answer, talk_of_something_else]
)
async def test_whoever_hangs_up_in_the_handshake_is_not_waited_for(serve: Serve, handler: Handler) -> None:
    url = await serve(handler)
    with trio.fail_after(2), pytest.raises(HandshakeError) as raised:
        await opening(url)
    assert why(raised.value) == "the connection was closed in the handshake: is this a broadcaster?"


async def test_a_rejection_is_told_even_if_the_connection_ends_with_it(serve: Serve) -> None:
    async def reject(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")

    url = await serve(reject)
    for _ in range(20):
        with trio.fail_after(2), pytest.raises(ConnectionRejected) as raised:
            await opening(url)
        assert (raised.value.status_code, raised.value.body) == (401, b"no")
