import socket

import httpx
import pytest
import trio

from dashboard.config import DashboardConfig
from dashboard.server import serve
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
