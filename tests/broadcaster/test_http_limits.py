"""How many requests are under way, around an application that answers when told."""

from typing import Any

import httpx
import pytest
import trio
import trio.testing
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from broadcaster.addresses import Addresses
from broadcaster.config import BroadcasterConfig
from broadcaster.http_limits import Requests
from broadcaster.refusals import Refusals


class Slow:
    def __init__(self, **settings: Any) -> None:
        self.go = trio.Event()
        self.refusals = Refusals()
        self.asked: list[tuple[str, int]] = []
        config = BroadcasterConfig(**settings)
        addresses = Addresses(0, config.trusted_networks)
        self.app = Requests(self.answer, config, addresses, self.refusals, self.asked.append)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/broken":
            raise ZeroDivisionError
        if scope["path"] == "/slow":
            await self.go.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async def get(self, host: str, path: str = "/") -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(host, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)


async def slow_ones(slow: Slow, nursery: trio.Nursery, *hosts: str) -> None:
    for host in hosts:
        nursery.start_soon(slow.get, host, "/slow")
    await trio.testing.wait_all_tasks_blocked()


async def test_so_many_at_once_in_all(nursery: trio.Nursery) -> None:
    slow = Slow(http_requests_max=2)
    await slow_ones(slow, nursery, "10.0.0.1", "10.0.0.2")
    response = await slow.get("10.0.0.3")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"code": "rate_limited", "message": "requests: at most 2 at once: come again in 1 s"}
    assert slow.refusals.counts == {"http_requests": 1}
    slow.go.set()
    await trio.testing.wait_all_tasks_blocked()
    assert (await slow.get("10.0.0.3")).status_code == 200


async def test_so_many_at_once_from_one_address(nursery: trio.Nursery) -> None:
    slow = Slow(http_requests_per_address=1)
    await slow_ones(slow, nursery, "10.0.0.1", "127.0.0.1", "127.0.0.1")
    response = await slow.get("10.0.0.1")
    assert "at most 1 at once from 10.0.0.1" in response.json()["message"]
    assert [(await slow.get(host)).status_code for host in ("10.0.0.2", "127.0.0.1")] == [200, 200]
    assert slow.refusals.counts == {"http_requests_per_address": 1}
    slow.go.set()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_told_whatever_else_is_under_way(nursery: trio.Nursery, path: str) -> None:
    slow = Slow(http_requests_max=1)
    await slow_ones(slow, nursery, "10.0.0.1")
    assert (await slow.get("10.0.0.1", path)).status_code == 200
    slow.go.set()


async def test_one_that_fails_is_over() -> None:
    slow = Slow(http_requests_max=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await slow.get("10.0.0.1", "/broken")
    assert (await slow.get("10.0.0.1")).status_code == 200
    assert slow.asked == [("10.0.0.1", 5)] * 4
