"""Credentials at the handshake, in messages and over HTTP, through the authenticator's seam; JWTs: test_tokens.py."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import httpx
import pytest
import trio

from broadcaster.server import Broadcaster
from ingest.messages import MessageError
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import VERSION, Refused, sample
from tests.e2e.wire_frames import handshake


@dataclass
class Grant:
    """What a token allows: `scope` as in the protocol."""

    scope: str
    expires: float | None = None
    subject: str | None = None
    revoked: bool = False

    @property
    def sight(self) -> str:
        return self.scope

    @property
    def subscribe(self) -> frozenset[str]:
        parts = [part.partition(":") for part in self.scope.split()]
        return frozenset(glob for name, _, glob in parts if name == "subscribe")

    def _allows(self, right: str, metric: str) -> bool:
        scopes = [part.partition(":") for part in self.scope.split()]
        return any(name == right and fnmatchcase(metric, glob) for name, _, glob in scopes)

    def may_publish(self, metric: str) -> bool:
        return self._allows("publish", metric)

    def may_subscribe(self, metric: str) -> bool:
        return self._allows("subscribe", metric)

    @property
    def admin(self) -> bool:
        return "admin" in self.scope.split()


@dataclass
class Tokens:
    """Knows these tokens and no others."""

    grants: dict[str, Grant] = field(default_factory=dict)

    def __call__(self, token: str | None) -> Grant:
        if token is None or token not in self.grants:
            raise MessageError("bad_token", "token: expected one this broadcaster knows")
        return self.grants[token]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(
        {
            "all": Grant("publish:* subscribe:* admin"),
            "host": Grant("publish:host.* subscribe:host.*"),
            "reader": Grant("subscribe:*"),
            "nothing": Grant(""),
        }
    )


@pytest.fixture
async def guarded(start: Start, tokens: Tokens) -> Broadcaster:
    return await start(authenticator=tokens)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def status(broadcaster: Broadcaster, **options: object) -> int:
    buffered, response = await handshake(broadcaster.url, **options)  # type: ignore[arg-type]
    await trio.aclose_forcefully(buffered.stream)
    return response.status


async def test_a_token_in_the_header(guarded: Broadcaster, dial: Dial) -> None:
    await (await dial(guarded, headers=bearer("all"))).ping()
    await (await dial(guarded, headers={"Authorization": "bearer all"})).ping()


async def test_a_token_as_a_second_subprotocol(guarded: Broadcaster, dial: Dial) -> None:
    for offered in ((VERSION, "bearer.all"), ("bearer.all", VERSION)):
        wire = await dial(guarded, subprotocols=offered)
        assert wire.response.headers["sec-websocket-protocol"] == VERSION
        await wire.ping()


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("wrong"), bearer(""), {"Authorization": "Basic YWxsOmFsbA=="}, {"Authorization": "all"}],
    ids=str,
)
async def test_no_or_bad_credentials(guarded: Broadcaster, headers: dict[str, str]) -> None:
    assert await status(guarded, headers=headers) == 401


async def test_a_bad_token_as_subprotocol(guarded: Broadcaster) -> None:
    assert await status(guarded, subprotocols=(VERSION, "bearer.wrong")) == 401
    assert await status(guarded, subprotocols=(VERSION, "bearer.")) == 401


async def test_a_token_in_the_url(guarded: Broadcaster) -> None:
    assert await status(guarded, path="/v1/stream?token=all") in (400, 401)


async def test_publish_what_the_token_allows(guarded: Broadcaster, dial: Dial) -> None:
    wire = await dial(guarded, headers=bearer("host"))
    ack = await wire.publish(1, [sample("host.cpu", 1), sample("shop.orders", 1), sample("host.memory", 1)])
    assert ack["accepted"] == 2
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [(1, "forbidden")]


async def test_a_reader_may_not_publish(guarded: Broadcaster, dial: Dial) -> None:
    wire = await dial(guarded, headers=bearer("reader"))
    ack = await wire.publish(1, [sample("m", 1)])
    assert [item["code"] for item in ack["rejected"]] == ["forbidden"]
    await wire.ping()


async def test_subscribe_to_what_the_token_allows(guarded: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(guarded, headers=bearer("all")), await dial(guarded, headers=bearer("host"))
    await producer.publish(1, [sample("host.cpu", 1), sample("shop.orders", 1)])
    await wire.send("subscribe", id=1, select=[{}], history=3600)
    answer = await wire.receive()
    if answer["type"] == "error":
        assert (answer["code"], answer["id"]) == ("forbidden", 1)
        return
    assert [item["metric"] for item in answer["series"]] == ["host.cpu"]
    await producer.publish(2, [sample("shop.orders", 2), sample("shop.new", 2), sample("host.cpu", 2)])
    await wire.until_samples(1)
    await wire.ping()
    assert wire.rules.points.keys() == {"host.cpu"}


async def test_expiry(start: Start, tokens: Tokens, dial: Dial) -> None:
    tokens.grants["short"] = Grant("subscribe:*", time.time() + 0.3)
    wire = await dial(await start(authenticator=tokens), headers=bearer("short"))
    closed = await wire.until_closed()
    bye = wire.received[-1]
    assert (bye["type"], bye["code"], bye["reconnect"], closed.code) == ("bye", 4501, False, 4501)


async def test_authenticate_before_expiry(start: Start, tokens: Tokens, dial: Dial) -> None:
    end = time.time() + 0.3
    tokens.grants["short"] = Grant("subscribe:*", end)
    wire = await dial(await start(authenticator=tokens), headers=bearer("short"))
    await wire.subscribe()
    await wire.send("authenticate", token="all")
    await wire.ping()
    await trio.sleep(end + 0.1 - time.time())
    assert (await wire.publish(1, [sample("m", 1)]))["accepted"] == 1, "the new token allows more, too"
    await wire.until_samples(1)


async def test_authenticate_with_a_bad_token(guarded: Broadcaster, dial: Dial) -> None:
    wire = await dial(guarded, headers=bearer("all"))
    assert (await wire.refused("authenticate", token="wrong"))["code"] == "bad_token"
    assert (await wire.publish(1, [sample("m", 1)]))["accepted"] == 1


async def test_authenticate_with_less(guarded: Broadcaster, dial: Dial) -> None:
    """A connection that subscribes to what it may no longer see is cut off, or gets no more of it."""
    producer, wire = await dial(guarded, headers=bearer("all")), await dial(guarded, headers=bearer("all"))
    await wire.subscribe()
    await wire.send("authenticate", token="nothing")
    await wire.send("ping", time=1)
    await producer.publish(1, [sample("m", 1)])
    message = await wire.receive()
    if message["type"] == "bye":
        assert (message["code"], (await wire.until_closed()).code) == (4503, 4503)
    else:
        await wire.ping()
        assert wire.rules.points == {}


async def test_authenticate_as_somebody_else(guarded: Broadcaster, tokens: Tokens, dial: Dial) -> None:
    tokens.grants |= {"ann": Grant("publish:*", subject="ann"), "bob": Grant("publish:* admin", subject="bob")}
    wire = await dial(guarded, headers=bearer("ann"))
    error = await wire.refused("authenticate", token="bob")
    assert (error["code"], "another subject" in error["message"]) == ("bad_token", True)
    assert (await wire.publish(1, [sample("m", 1)]))["accepted"] == 1, "it goes on with what it had"


async def test_wider_credentials_describe_what_they_add(guarded: Broadcaster, dial: Dial) -> None:
    producer, wire = await dial(guarded, headers=bearer("all")), await dial(guarded, headers=bearer("host"))
    await producer.publish(1, [sample("shop.orders", 1)])
    await wire.subscribe()
    await wire.send("authenticate", token="all")
    assert [each["metric"] for each in (await wire.expect("series"))["series"]] == ["shop.orders"]
    await producer.publish(2, [sample("shop.orders", 2)])
    await wire.until_samples(1)


async def test_forbidden_altogether(guarded: Broadcaster, dial: Dial) -> None:
    """Whoever asks again and again for what is forbidden is told so each time, and at last closed with 4503."""
    try:
        wire = await dial(guarded, headers=bearer("nothing"))
    except Refused as refused:
        assert refused.response.status == 403
        return
    for id in range(1000):
        await wire.send("subscribe", id=id, select=[{"metric": "m"}])
        message = await wire.receive()
        if message["type"] == "bye":
            break
        assert (message["type"], message["code"], message["id"]) == ("error", "forbidden", id)
    assert (message["code"], (await wire.until_closed()).code) == (4503, 4503)


REQUESTS: list[tuple[str, str, Callable[[str], int]]] = [
    ("POST", "/v1/publish", lambda token: 200),
    ("GET", "/v1/series", lambda token: 200),
    ("GET", "/v1/connections", lambda token: 200 if token == "all" else 403),
]


@pytest.mark.parametrize(("method", "path", "expected"), REQUESTS, ids=lambda item: str(item)[:16])
async def test_http(guarded: Broadcaster, method: str, path: str, expected: Callable[[str], int]) -> None:
    body = b'{"samples":[{"metric":"host.cpu","value":1}]}' if method == "POST" else None
    async with httpx.AsyncClient(trust_env=False) as client:

        async def request(headers: dict[str, str]) -> httpx.Response:
            return await client.request(method, guarded.http_url + path, content=body, headers=headers)

        for headers in ({}, bearer("wrong"), {"Authorization": "Basic YWxs"}):
            response = await request(headers)
            assert response.status_code == 401
            assert response.json()["code"] == "bad_token"
        for token in ("all", "host"):
            assert (await request(bearer(token))).status_code == expected(token), token


async def test_answers_over_http_are_for_nobody_else(guarded: Broadcaster) -> None:
    page = {"Origin": "http://localhost:8050"}
    async with httpx.AsyncClient(trust_env=False, base_url=guarded.http_url) as client:
        for path in ("/v1/series", "/metrics", "/healthz", "/nowhere"):
            for headers in ({}, bearer("all"), bearer("all") | page):
                response = await client.get(path, headers=headers)
                assert response.headers.get_list("cache-control") == ["no-store"]
                assert response.headers["x-content-type-options"] == "nosniff"
                assert response.headers.get("access-control-allow-origin") == (headers or {}).get("Origin")
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        preflight = await client.options("/v1/series", headers=page | asked)
        assert (preflight.status_code, "Authorization" in preflight.headers["access-control-allow-headers"]) == (
            204,
            True,
        )
        assert (
            await client.get("/v1/series", headers=bearer("all") | {"Origin": "https://evil.example"})
        ).status_code == 403


async def test_health_needs_no_token(guarded: Broadcaster) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for path in ("/healthz", "/readyz"):
            assert (await client.get(guarded.http_url + path)).status_code == 200
