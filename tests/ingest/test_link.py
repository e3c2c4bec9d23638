"""Opening a connection to somebody who is no broadcaster, or no longer there, over real sockets."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha1

import pytest
import trio
from trio_websocket import ConnectionRejected, HandshakeError

from ingest.credentials import Credentials
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


async def ping_amid_the_close(stream: trio.SocketStream) -> None:
    """As a broadcaster does whose pings were held up by the network."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive_some()
    (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", request)
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    subprotocol = b"Sec-WebSocket-Protocol: streamgauge.v1\r\n"
    await stream.send_all(head + subprotocol + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    assert (await stream.receive_some())[0] == 0x88
    await stream.send_all(b"\x89\x00")
    await stream.receive_some()


async def test_a_ping_amid_the_close_is_an_end_like_others(serve: Serve) -> None:
    url = await serve(ping_amid_the_close)
    with trio.fail_after(2), pytest.raises(HandshakeError, match="pinged amid the close"):
        async with websocket_dial(url, Credentials(None), 1000)():
            pass


async def opening(url: str, token: str | None = None) -> None:
    async with websocket_dial(url, Credentials(token), 1000)():
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


@pytest.mark.parametrize("url", ["ws://a..b/", "wss://.example:1/", f"ws://{'a' * 64}.b"])
def test_a_url_whose_host_cannot_be_looked_up(url: str) -> None:
    with pytest.raises(ValueError, match=f'expected a host with 1 to 63 characters between its dots, got "{url}"'):
        stream_url(url)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_host_that_cannot_be_encoded_is_nobody_there(scheme: str) -> None:
    host = "ä" * 63
    with pytest.raises(HandshakeError, match=f"{host}: no name of a host"):
        await opening(stream_url(f"{scheme}://{host}"))
