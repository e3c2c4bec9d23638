"""The HTTP side against a core that is a few lines long; no sockets."""

import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
import trio
import trio.testing
from starlette.types import Receive

from broadcaster.config import BroadcasterConfig
from broadcaster.http import build_app
from broadcaster.http_core import Caller, Past
from broadcaster.limits import RateLimited
from broadcaster.selection import Selection, selects
from broadcaster.statistics import Figures
from ingest.messages import MessageError, decode_publish
from ingest.samples import Series, Validator

SERIES = [Series("host.load", (("window", "1m"),)), Series("shop.requests")]


@dataclass
class Grant:
    admin: bool = True
    subject: str | None = None
    subscribe: frozenset[str] = frozenset({"*"})
    sight: object = None
    revoked: bool = False
    expires: float | None = None

    def may_publish(self, metric: str) -> bool:
        return True

    def may_subscribe(self, metric: str) -> bool:
        return True


@dataclass
class Core:
    config: BroadcasterConfig = field(default_factory=lambda: BroadcasterConfig(message_bytes=1000))
    ready: bool = True
    draining: bool = False
    admin: bool = True
    problem: MessageError | None = None
    published: list[Mapping[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=lambda: SERIES)

    def authorise(self, token: str | None) -> Caller:
        self.tokens.append(token)
        if token == "bad":
            raise MessageError("bad_token", "token: expired")
        return Grant(self.admin)

    def publish(
        self, message: Mapping[str, Any], caller: Caller, address: str, now: float, size: int = 0
    ) -> Mapping[str, Any]:
        if self.problem:
            raise self.problem
        publish = decode_publish(message, Validator(), now, 3)
        self.published.append(message)
        return {"type": "ack", "id": publish.id, "accepted": publish.accepted, "rejected": publish.rejected}

    async def stored(self) -> None:
        """At once."""

    async def descriptors(self, selection: Selection, caller: Caller) -> Iterator[Mapping[str, Any]]:
        return ({"metric": series.metric} for series in self.series if selects(selection, series))

    connected = 2
    past: Past | None = None

    def refused_over_http(self, most: int) -> Iterable[Mapping[str, Any]]:
        return [{"subject": "ann", "address": "10.0.0.1", "refused": {"samples_rate": 3}}][:most]

    def connections(self, most: int) -> Iterable[Mapping[str, Any]]:
        return [{"id": "c1", "role": "producer"}, {"id": "c2", "role": "subscriber"}][:most]

    def refused(self, reason: str) -> None:
        self.reasons.append(reason)

    def failed(self, code: str) -> None:
        self.codes.append(code)

    def figures(self) -> Figures:
        return Figures(accepted_samples=42)

    async def alerts(self, caller: Caller) -> Mapping[str, Any]:
        return {"rules": [{"alert": "hot"}], "problems": caller.admin}

    alerting: "Alerting" = field(default_factory=lambda: Alerting())


@dataclass
class Alerting:
    done: list[tuple[object, ...]] = field(default_factory=list)
    problem: MessageError | None = None

    async def put(self, name: str, table: Mapping[str, Any], expected: str | None) -> Mapping[str, Any]:
        if self.problem:
            raise self.problem
        self.done.append((name, dict(table), expected))
        return {"alert": name, "revision": "new"}

    async def delete(self, name: str, expected: str) -> None:
        self.done.append((name, expected))


@pytest.fixture
def core() -> Core:
    return Core()


def asking(core: Core) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build_app(core), client=("10.0.0.9", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8766")


@pytest.fixture
async def client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(core) as client:
        yield client


SAMPLE = {"metric": "a", "value": 1}


async def test_publish_answers_with_the_ack(client: httpx.AsyncClient, core: Core) -> None:
    response = await client.post("/v1/publish", json={"id": 7, "samples": [SAMPLE, {"metric": "a", "value": "x"}]})
    assert response.status_code == 200
    ack = response.json()
    assert (ack["type"], ack["id"], ack["accepted"]) == ("ack", 7, 1)
    assert ack["rejected"][0]["code"] == "bad_value"
    assert len(core.published) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[]", 400, "bad_message"),
        (b'{"samples":1}', 400, "bad_message"),
        (b'{"samples":[1,2,3,4]}', 413, "too_many_samples"),
        (b" " * 1001, 413, "too_large"),
    ],
)
async def test_what_publish_refuses(client: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    response = await client.post("/v1/publish", content=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"]


async def test_a_large_body_is_refused_while_it_streams(core: Core) -> None:
    read = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 100
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/publish", "query_string": b"", "headers": []}
    await build_app(core)(scope, receive, send)
    assert sent[0]["status"] == 413
    assert b"too_large" in sent[1]["body"]
    assert read <= 1200


@pytest.mark.parametrize(("after_s", "told"), [(0.2, "1"), (1.0, "1"), (7.2, "8")])
async def test_who_is_limited_learns_when_to_come_again(
    client: httpx.AsyncClient, core: Core, after_s: float, told: str
) -> None:
    core.problem = RateLimited("samples: too many", None, after_s)
    response = await client.post("/v1/publish", json={"samples": [SAMPLE]})
    assert (response.status_code, response.headers["retry-after"]) == (429, told)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_may_be_compressed(client: httpx.AsyncClient, core: Core, encoding: str) -> None:
    plain = orjson.dumps({"id": 3, "samples": [SAMPLE]})
    body = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    response = await client.post("/v1/publish", content=body, headers={"Content-Encoding": encoding})
    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    assert core.published == [{"id": 3, "samples": [SAMPLE]}]


async def test_other_encodings_are_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/publish", content=b"x", headers={"Content-Encoding": "br"})
    assert (response.status_code, response.json()["code"]) == (415, "bad_encoding")
    assert response.headers["accept-encoding"] == "gzip, deflate"


async def posted(
    core: Core, receive: Receive, method: str = "POST", path: str = "/v1/publish", **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and body of the answer to a request whose body comes so."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": fields}
    await build_app(core)(scope, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


async def test_a_bomb_is_too_large(core: Core) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": gzip.compress(b" " * 10_000_000)[:900], "more_body": True}

    status, answer = await posted(core, receive, content_encoding="gzip")
    assert (status, answer["code"]) == (413, "too_large")


async def test_a_body_has_its_time(core: Core, autojump_clock: trio.testing.MockClock) -> None:
    async def receive() -> dict[str, Any]:
        await trio.sleep(1.0)
        return {"type": "http.request", "body": b" ", "more_body": True}

    status, answer = await posted(core, receive)
    assert trio.current_time() == core.config.body_s
    assert (status, answer) == (408, {"code": "too_slow", "message": "body: expected within 30 s"})
    assert (core.reasons, core.codes) == (["body_time"], ["too_slow"])


async def test_rates_are_limited(client: httpx.AsyncClient, core: Core) -> None:
    core.problem = MessageError("rate_limited", "samples: at most 1 a second")
    response = await client.post("/v1/publish", json={"samples": [SAMPLE]})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"


async def test_a_draining_broadcaster_takes_nothing(client: httpx.AsyncClient, core: Core) -> None:
    assert (await client.get("/readyz")).status_code == 200
    core.ready, core.draining = False, True
    assert (await client.post("/v1/publish", json={"samples": [SAMPLE]})).status_code == 503
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/healthz")).status_code == 200


async def test_a_body_that_ends_while_it_drains_is_taken_no_more(core: Core) -> None:
    async def receive() -> dict[str, Any]:
        core.ready, core.draining = False, True
        return {"type": "http.request", "body": orjson.dumps({"samples": [SAMPLE]}), "more_body": False}

    status, answer = await posted(core, receive)
    assert (status, answer["code"], core.published) == (503, "draining", [])


async def test_credentials_come_in_the_header(client: httpx.AsyncClient, core: Core) -> None:
    await client.get("/v1/series", headers={"authorization": "bearer abc"})
    await client.get("/v1/series")
    assert core.tokens == ["abc", None]


@pytest.mark.parametrize("header", ["Bearer bad", "Bearer ", "Basic abc", "abc"])
async def test_bad_credentials(client: httpx.AsyncClient, header: str) -> None:
    for path in ("/v1/series", "/v1/connections"):
        response = await client.get(path, headers={"authorization": header})
        assert (response.status_code, response.json()["code"]) == (401, "bad_token")
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ("", ["host.load", "shop.requests"]),
        ("?select=host.*", ["host.load"]),
        ("?select=host.*&select=shop.*", ["host.load", "shop.requests"]),
        ("?select=*{window=5m}", []),
        ("?select=*{window=*}", ["host.load"]),
    ],
)
async def test_known_series(client: httpx.AsyncClient, query: str, metrics: list[str]) -> None:
    response = await client.get(f"/v1/series{query}")
    assert [series["metric"] for series in response.json()["series"]] == metrics


async def test_a_bad_selection_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/series?select=a{b")
    assert (response.status_code, response.json()["code"]) == (400, "bad_message")


async def test_connections_need_the_scope_admin(client: httpx.AsyncClient, core: Core) -> None:
    assert (await client.get("/v1/connections")).status_code == 200
    core.admin = False
    assert (await client.get("/v1/connections")).status_code == 403


async def test_connections_come_with_the_bounds_and_as_many_as_asked(client: httpx.AsyncClient, core: Core) -> None:
    everybody = (await client.get("/v1/connections")).json()
    assert [each["id"] for each in everybody["connections"]] == ["c1", "c2"]
    assert everybody["limits"]["history_bytes"] == core.config.history_bytes
    one = (await client.get("/v1/connections?limit=1")).json()
    assert ([each["id"] for each in one["connections"]], one["total"]) == (["c1"], 2)
    for limit in ("0", "-1", "x", "", "1e3", "9" * 5000):
        response = await client.get("/v1/connections", params={"limit": limit})
        assert (response.status_code, response.json()["code"]) == (400, "bad_message")


async def test_metrics_are_exposed(client: httpx.AsyncClient) -> None:
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "streamgauge_accepted_samples_total 42.0" in response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, "not_found"), ("GET", "/v1/publish", 405, "method_not_allowed")],
)
async def test_errors_are_json(client: httpx.AsyncClient, method: str, path: str, status: int, code: str) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"]


async def test_pages_from_elsewhere_are_refused(client: httpx.AsyncClient, core: Core) -> None:
    headers = {"origin": "https://evil.example"}
    for response in (
        await client.get("/v1/series", headers=headers),
        await client.post("/v1/publish", headers=headers, json={"samples": [SAMPLE]}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in response.headers
    assert not core.published
    assert (core.reasons, core.codes) == (["origin"] * 2, ["forbidden"] * 2)


async def test_names_that_somebody_points_at_loopback_are_refused(client: httpx.AsyncClient, core: Core) -> None:
    headers = {"host": "evil.example:8766", "origin": "http://evil.example:8766"}
    for response in (
        await client.get("/v1/series", headers=headers),
        await client.post("/v1/publish", headers=headers, json={"samples": [SAMPLE]}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert "Host: evil.example:8766" in response.json()["message"]
    assert not core.published


async def test_health_is_told_by_whatever_name_it_is_asked(client: httpx.AsyncClient) -> None:
    """A liveness probe asks by address, and a refusal would have the broadcaster restarted for ever."""
    for path in ("/healthz", "/readyz"):
        assert (await client.get(path, headers={"host": "10.0.0.5:8766"})).status_code == 200
        headers = {"host": "evil.example:8766", "origin": "http://evil.example:8766"}
        assert (await client.get(path, headers=headers)).status_code == 403
    assert (await client.get("/metrics", headers={"host": "10.0.0.5:8766"})).status_code == 403


async def test_allowed_pages_may_read(client: httpx.AsyncClient) -> None:
    origin = "http://localhost:8050"
    response = await client.get("/v1/series", headers={"origin": origin})
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    response = await client.options("/v1/publish", headers=preflight)
    assert response.status_code == 204
    assert "Authorization" in response.headers["access-control-allow-headers"]
