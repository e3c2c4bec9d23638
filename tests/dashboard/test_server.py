import socket
from typing import Any

import httpx
import pytest
import trio

from dashboard import server
from dashboard.config import DashboardConfig
from dashboard.server import Threaded, serve
from ingest.errors import CommandError


async def test_serves_until_cancelled(nursery: trio.Nursery) -> None:
    url = await nursery.start(serve, DashboardConfig.model_validate({"bind": "127.0.0.1:0"}))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/healthz")).text == "ok\n"
        page = await http.get("/assets/main.js")
        # Neither has a body, which Hypercorn's WSGI side does not expect.
        assert (await http.head("/")).status_code == 200
        assert (await http.get("/assets/main.js", headers={"If-None-Match": page.headers["ETag"]})).status_code == 304


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match=f"cannot listen on {address}: .*in use"):
            await serve(DashboardConfig.model_validate({"bind": address}))


SCOPE = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"", "headers": []}
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"


async def answered(url: str, request: bytes) -> bytes:
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2].strip("/")))
    async with stream:
        await stream.send_all(request)
        with trio.fail_after(10):
            return b"".join([data async for data in stream])


async def test_a_request_that_hypercorn_does_not_survive_costs_one_connection(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    url = await nursery.start(serve, DashboardConfig.model_validate({"bind": "127.0.0.1:0"}))
    await answered(url, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE + b"\r\n")
    assert "HTTP connection ended by an unexpected error" in caplog.text
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/healthz")).text == "ok\n"


async def test_a_body_has_its_time(autojump_clock: trio.abc.Clock) -> None:
    told = list[Any]()

    async def receive() -> Any:
        await trio.sleep(server.BODY_S / 10)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message: Any) -> None:
        told.append(message)

    began = trio.current_time()
    await Threaded(lambda environ, start_response: [])(SCOPE, receive, send)
    assert trio.current_time() - began == pytest.approx(server.BODY_S)
    assert [each.get("status") for each in told] == [408, None]


async def test_so_many_connections(nursery: trio.Nursery) -> None:
    config = DashboardConfig.model_validate({"bind": "127.0.0.1:0", "connections_max": 1})
    url = await nursery.start(serve, config)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert b"503 Service Unavailable" in await answered(url, b"GET /healthz HTTP/1.1\r\n\r\n")


async def test_so_many_connections_of_an_address(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "THIS_MACHINE", ())
    config = DashboardConfig.model_validate({"bind": "127.0.0.1:0", "connections_per_address": 1})
    url = await nursery.start(serve, config)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert b"at most 1 from 127.0.0.1" in await answered(url, b"GET /healthz HTTP/1.1\r\n\r\n")


async def test_who_takes_no_answer_keeps_no_thread(nursery: trio.Nursery) -> None:
    def hello(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"hello"]

    app = Threaded(hello)
    taken = bytearray()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(message: Any) -> None:
        taken.extend(message.get("body", b""))

    threads = trio.to_thread.current_default_thread_limiter()
    offered, come = trio.open_memory_channel[None](threads.total_tokens)

    async def take_nothing(message: Any) -> None:
        offered.send_nowait(None)
        await trio.sleep_forever()

    for _ in range(int(threads.total_tokens)):
        nursery.start_soon(app, SCOPE, receive, take_nothing)
    with trio.fail_after(30):
        for _ in range(int(threads.total_tokens)):
            await come.receive()
        await app(SCOPE, receive, take)
    assert taken == b"hello"


async def test_an_answer_goes_in_pieces_and_who_takes_none_of_them_is_given_up(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    """Hypercorn keeps whole what it is given, for each stream of HTTP/2."""
    body = bytes(range(256)) * 1_000

    def large(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [body, b"", body[: server.PIECE_BYTES]]

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    told = list[Any]()

    async def take(message: Any) -> None:
        told.append(message)

    await Threaded(large)(SCOPE, receive, take)
    pieces = [each["body"] for each in told[1:]]
    assert b"".join(pieces) == body + body[: server.PIECE_BYTES]
    assert max(map(len, pieces)) == server.PIECE_BYTES
    assert [each["more_body"] for each in told[1:]] == [True] * (len(pieces) - 1) + [False]
    told.clear()

    async def take_little(message: Any) -> None:
        told.append(message)
        if len(told) > 2:
            await trio.sleep_forever()

    began = trio.current_time()
    await Threaded(large)(SCOPE, receive, take_little)
    assert len(told) == 3
    assert trio.current_time() - began == pytest.approx(server.WRITE_S)
