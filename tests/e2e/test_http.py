"""The HTTP side behind its real server."""

import http.client
from collections.abc import AsyncIterator

import httpx
import pytest
import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.http import NO_STREAM
from broadcaster.http_server import serve_http
from ingest.errors import CommandError
from tests.broadcaster.test_http import Core


@pytest.fixture
async def url(nursery: trio.Nursery) -> AsyncIterator[str]:
    stop = trio.Event()
    core = Core(BroadcasterConfig.model_validate({"http_bind": "127.0.0.1:0", "message_bytes": 1000}))

    async def serve(task_status: trio.TaskStatus[str]) -> None:
        await serve_http(core, stop=stop, task_status=task_status)

    yield await nursery.start(serve)
    stop.set()


async def test_answers_do_not_tell_what_serves_them(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/v1/publish", json={"samples": [{"metric": "a", "value": 1}]})
    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    assert "server" not in response.headers


async def test_a_large_body_is_refused_before_it_is_sent(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all(b"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert b" 413 " in await stream.receive_some()


async def test_an_address_that_is_taken_is_one_line(url: str) -> None:
    bind = url.removeprefix("http://")
    core = Core(BroadcasterConfig.model_validate({"http_bind": bind}))
    with pytest.raises(CommandError, match=f"cannot listen on {bind}: Address already in use"):
        await serve_http(core)


def ask_and_go(url: str, times: int) -> set[int]:
    """On connections of their own, which end as soon as the answer is here."""
    host, _, port = url.removeprefix("http://").partition(":")
    statuses = set[int]()
    for _ in range(times):
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        statuses.add(answer.status)
    return statuses


async def test_a_websocket_at_the_http_port_is_told_where_to_go(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    asked = (
        b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    heard = b""
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all(asked)
        with trio.fail_after(10):
            while NO_STREAM not in heard:
                heard += await stream.receive_some()
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert b"\r\ncache-control: no-store\r\n" in heard


async def test_who_goes_right_after_an_answer_leaves_no_connection_behind(nursery: trio.Nursery) -> None:
    core = Core(BroadcasterConfig.model_validate({"http_bind": "127.0.0.1:0", "http_idle_s": 1_000.0}))

    async def serve(task_status: trio.TaskStatus[str]) -> None:
        await serve_http(core, connections_max=20, task_status=task_status)

    url, seen = await nursery.start(serve), set[int]()

    async def ask() -> None:
        seen.update(await trio.to_thread.run_sync(ask_and_go, url, 200))

    async with trio.open_nursery() as asking:
        for _ in range(4):
            asking.start_soon(ask)
    assert seen == {200}, "503: the connections that are over take all the places"
    nursery.cancel_scope.cancel()
