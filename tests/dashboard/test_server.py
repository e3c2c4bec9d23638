import socket
from typing import Any

import httpx
import pytest
import trio

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


async def test_who_takes_no_answer_keeps_no_thread(nursery: trio.Nursery) -> None:
    def hello(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"hello"]

    app = Threaded(hello)
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"", "headers": []}
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
        nursery.start_soon(app, scope, receive, take_nothing)
    with trio.fail_after(30):
        for _ in range(int(threads.total_tokens)):
            await come.receive()
        await app(scope, receive, take)
    assert taken == b"hello"
