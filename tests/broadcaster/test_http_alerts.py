"""`/v1/alerts` against alerts that are a few lines long; no sockets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from ingest.messages import MessageError
from tests.broadcaster.test_http import Core, asking

TABLE = {"metric": "cpu", "above": 90}


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
async def client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(core) as client:
        yield client


async def test_alerts_are_told_to_who_may_ask(client: httpx.AsyncClient, core: Core) -> None:
    core.admin = False
    assert (await client.get("/v1/alerts")).json() == {"rules": [{"alert": "hot"}], "problems": False}
    refused = await client.get("/v1/alerts", headers={"authorization": "Bearer bad"})
    assert refused.status_code == 401


async def test_alerts_are_put_and_deleted(client: httpx.AsyncClient, core: Core) -> None:
    made = await client.put("/v1/alerts/hot", json=TABLE, headers={"if-none-match": "*"})
    assert (made.status_code, made.json()) == (201, {"alert": "hot", "revision": "new"})
    changed = await client.put("/v1/alerts/hot", json=TABLE, headers={"if-match": '"abc"'})
    assert changed.status_code == 200
    gone = await client.delete("/v1/alerts/hot", headers={"if-match": '"abc"'})
    assert (gone.status_code, gone.content) == (204, b"")
    assert core.alerting.done == [("hot", TABLE, None), ("hot", TABLE, "abc"), ("hot", "abc")]


async def test_a_write_says_what_it_replaces_and_is_json(client: httpx.AsyncClient, core: Core) -> None:
    for headers in ({}, {"if-match": "abc"}, {"if-match": '"a", "b"'}):
        refused = await client.put("/v1/alerts/hot", json=TABLE, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (428, "no_revision")
    refused = await client.delete("/v1/alerts/hot", headers={"if-none-match": "*"})
    assert refused.status_code == 428
    plain = {"if-none-match": "*", "content-type": "text/plain"}
    refused = await client.put("/v1/alerts/hot", content=b"{}", headers=plain)
    assert (refused.status_code, refused.json()["code"]) == (415, "bad_type")
    refused = await client.put("/v1/alerts/hot", json=[TABLE], headers={"if-none-match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_message")
    refused = await client.put("/v1/alerts/hot", json={"message": "x" * 70_000}, headers={"if-none-match": "*"})
    assert refused.status_code == 413
    assert core.alerting.done == []


async def test_only_the_scope_admin_changes_alerts(client: httpx.AsyncClient, core: Core) -> None:
    core.admin = False
    refused = await client.put("/v1/alerts/hot", json=TABLE, headers={"if-none-match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.delete("/v1/alerts/hot", headers={"if-match": '"a"'})).status_code == 403
    assert core.alerting.done == []


@pytest.mark.parametrize(
    ("code", "status"), [("bad_alert", 422), ("changed", 412), ("read_only", 403), ("by_hand", 409)]
)
async def test_why_an_alert_is_refused(client: httpx.AsyncClient, core: Core, code: str, status: int) -> None:
    core.alerting.problem = MessageError(code, "for: expected a duration")
    refused = await client.put("/v1/alerts/hot", json=TABLE, headers={"if-none-match": "*"})
    assert (refused.status_code, refused.json()) == (status, {"code": code, "message": "for: expected a duration"})


async def test_pages_may_ask_whether_they_may_put_alerts(client: httpx.AsyncClient) -> None:
    asked = {"origin": "http://localhost:8050", "access-control-request-method": "PUT"}
    allowed = (await client.options("/v1/alerts/hot", headers=asked)).headers
    assert "PUT, DELETE" in allowed["access-control-allow-methods"]
    assert "If-Match, If-None-Match" in allowed["access-control-allow-headers"]
    foreign = await client.put("/v1/alerts/hot", json=TABLE, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
