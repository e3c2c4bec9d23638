"""The HTTP port: publish, series, connections, health and exposition, as the protocol has them."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import trio

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import sample
from tests.e2e.wire_frames import open_socket


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


async def post(http: httpx.AsyncClient, to: Broadcaster, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await http.post(f"{to.http_url}/v1/publish", content=content, headers={"Content-Type": "application/json"})


def is_refusal(response: httpx.Response, code: str) -> bool:
    body = response.json()
    return bool(body["code"] == code and body["message"])


async def test_publish(broadcaster: Broadcaster, dial: Dial, http: httpx.AsyncClient) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    before = time.time()
    response = await post(http, broadcaster, {"id": 7, "samples": [sample("m", 1), sample("m", [2, None], [20, 30])]})
    assert response.status_code == 200
    ack = response.json()
    assert (ack["id"], ack["accepted"], ack["rejected"]) == (7, 3, [])
    await wire.until_samples(3)
    assert wire.rules.values("m") == [1, 2, None]
    assert before - 0.001 <= wire.rules.times("m")[0] <= time.time() + 0.001
    assert wire.rules.times("m")[1:] == [20, 30]


async def test_publish_without_id(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    response = await post(http, broadcaster, {"samples": [sample("m", 1)]})
    assert (response.status_code, response.json()["accepted"]) == (200, 1)


async def test_publish_takes_the_good_and_lists_the_bad(
    broadcaster: Broadcaster, dial: Dial, http: httpx.AsyncClient
) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    bad = [sample("", 1), sample("m", "x"), sample("m", 1, "y"), sample("m", 1, tags=[]), sample("m", [1], [1, 2])]
    response = await post(http, broadcaster, {"id": 1, "samples": [*bad, sample("m", 1)]})
    assert response.status_code == 200
    ack = response.json()
    assert ack["accepted"] == 1
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == list(
        enumerate(["bad_metric", "bad_value", "bad_time", "bad_tags", "length_mismatch"])
    )
    await wire.until_samples(1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"samples":[{"metric":"m","value":NaN}]}', "bad_json"),
        (b'\xff{"samples":[]}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"[]", "bad_message"),
        (b"null", "bad_message"),
        (b"{}", "bad_message"),
        (b'{"samples":{}}', "bad_message"),
        (b'{"samples":"m"}', "bad_message"),
        (b'{"id":"x","samples":[]}', "bad_message"),
        (b'{"id":1.5,"samples":[]}', "bad_message"),
    ],
    ids=lambda item: repr(item)[:40],
)
async def test_publish_of_what_is_no_message(
    broadcaster: Broadcaster, http: httpx.AsyncClient, body: bytes, code: str
) -> None:
    response = await post(http, broadcaster, body)
    assert response.status_code == 400
    assert is_refusal(response, code), response.text
    assert (await post(http, broadcaster, {"samples": [sample("m", 1)]})).status_code == 200


async def test_publish_of_too_many_bytes(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start(message_bytes=1000)
    body = json.dumps({"samples": [sample("m", 1)]}).encode()
    assert (await post(http, broadcaster, body + b" " * (1000 - len(body)))).status_code == 200
    response = await post(http, broadcaster, body + b" " * (1001 - len(body)))
    assert response.status_code == 413
    assert response.json()["code"] and "1000" in response.json()["message"]


async def test_publish_of_a_chunked_body_without_end(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    """No length is declared, so the server must count; it answers and reads no more."""
    broadcaster = await start(message_bytes=1000)
    witness = await dial(broadcaster)
    stream = await open_socket(broadcaster.http_url)
    head = "POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    await stream.send_all(head.encode())

    async def push() -> None:
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        try:
            while True:
                await stream.send_all(chunk)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(push)
        with trio.fail_after(5):
            answer = await stream.receive_some()
        assert answer.split()[1] == b"413"
        await witness.ping()
        nursery.cancel_scope.cancel()
    await trio.aclose_forcefully(stream)
    assert (await post(http, broadcaster, {"samples": [sample("m", 1)]})).status_code == 200


async def test_publish_of_100_declared_megabytes(broadcaster: Broadcaster) -> None:
    stream = await open_socket(broadcaster.http_url)
    await stream.send_all(b"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n{")
    with trio.fail_after(5):
        assert (await stream.receive_some()).split()[1] == b"413"
    await trio.aclose_forcefully(stream)


async def test_publish_of_too_many_samples(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start(samples_per_message=3)
    response = await post(http, broadcaster, {"samples": [sample("m", 1)] * 4})
    assert response.status_code in (400, 413)
    assert is_refusal(response, "too_many_samples")


async def test_publish_over_the_rate(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(samples_per_second=10)
    wire = await dial(broadcaster)
    await wire.subscribe()
    accepted = 0
    for _ in range(50):
        response = await post(http, broadcaster, {"samples": [sample("m", [1, 2, 3], [1, 2, 3])]})
        if response.status_code == 429:
            break
        accepted += response.json()["accepted"]
    assert response.status_code == 429
    assert is_refusal(response, "rate_limited")
    await wire.until_samples(accepted)
    await wire.ping()
    assert wire.rules.counts["live"] == accepted


async def test_publish_once_with_the_same_producer_and_id(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    """`body as publish without type`: whatever it says of a producer is ignored, so an id is only echoed."""
    for _ in range(2):
        response = await post(http, broadcaster, {"id": 1, "samples": [sample("m", 1)]})
        assert (response.status_code, response.json()["accepted"]) == (200, 1)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_publish_is_a_post(broadcaster: Broadcaster, http: httpx.AsyncClient, method: str) -> None:
    assert (await http.request(method, f"{broadcaster.http_url}/v1/publish")).status_code == 405


async def test_unknown_paths(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v1/nope", "/v2/publish", "/%00", "/../etc/passwd"):
        assert (await http.get(f"{broadcaster.http_url}{path}")).status_code in (400, 404), path


async def test_series(broadcaster: Broadcaster, dial: Dial, http: httpx.AsyncClient) -> None:
    wire = await dial(broadcaster)
    await wire.publish(1, [sample("host.cpu", 1, tags={"core": str(core)}, unit="%") for core in range(3)])
    await wire.publish(2, [sample("shop.orders", 1)])
    url = f"{broadcaster.http_url}/v1/series"
    everything = (await http.get(url)).json()["series"]
    assert len(everything) == 4
    assert {"metric", "tags", "unit", "kind", "help"} <= everything[0].keys()

    async def names(*select: str) -> list[Any]:
        response = await http.get(url, params={"select": list(select)})
        assert response.status_code == 200, response.text
        return sorted((item["metric"], item["tags"].get("core")) for item in response.json()["series"])

    assert await names("host.*{core=1}") == [("host.cpu", "1")]
    assert await names("host.*{core=1}", "shop.*") == [("host.cpu", "1"), ("shop.orders", None)]
    assert await names("nothing") == []


@pytest.mark.parametrize("select", ["m{", "m{k}", "m{k=v", "m" * 10_000])
async def test_series_of_a_bad_select(broadcaster: Broadcaster, http: httpx.AsyncClient, select: str) -> None:
    response = await http.get(f"{broadcaster.http_url}/v1/series", params={"select": select})
    assert response.status_code == 400
    assert is_refusal(response, "bad_message")


async def test_connections(broadcaster: Broadcaster, dial: Dial, http: httpx.AsyncClient) -> None:
    wire = await dial(broadcaster, hello={"client": "the test of connections"})
    await wire.ping()
    response = await http.get(f"{broadcaster.http_url}/v1/connections")
    assert response.status_code == 200
    (connection,) = response.json()["connections"]
    assert "the test of connections" in connection.values()
    assert wire.welcome["session"] in connection.values()


async def test_health_and_readiness(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await http.get(broadcaster.http_url + path)).status_code == 200, path


async def test_prometheus_exposition(broadcaster: Broadcaster, dial: Dial, http: httpx.AsyncClient) -> None:
    wire = await dial(broadcaster)
    await wire.subscribe()
    await wire.publish(1, [sample("m", 1), sample("m", "x")])
    await wire.until_samples(1)
    response = await http.get(f"{broadcaster.http_url}/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.text.splitlines() if line and not line.startswith("#")]
    assert len(lines) > 5
    for line in lines:
        float(line.rpartition(" ")[2])


async def test_half_a_request_held_open(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    streams = [await open_socket(broadcaster.http_url) for _ in range(10)]
    for stream in streams:
        await stream.send_all(b"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert (await post(http, broadcaster, {"samples": [sample("m", 1)]})).status_code == 200
    for stream in streams:
        await trio.aclose_forcefully(stream)
    assert (await http.get(f"{broadcaster.http_url}/healthz")).status_code == 200


async def test_a_page_from_elsewhere_may_not_publish(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    """A browser sends a simple POST without asking first; a disallowed Origin is refused as at the handshake."""
    response = await http.post(
        f"{broadcaster.http_url}/v1/publish",
        content=b'{"samples":[{"metric":"m","value":1}]}',
        headers={"Origin": "https://evil.example", "Content-Type": "text/plain"},
    )
    assert response.status_code == 403


async def test_a_token_in_the_url_is_refused(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    response = await http.get(f"{broadcaster.http_url}/v1/series", params={"token": "abc"})
    assert response.status_code in (400, 401)
