"""Those who ask for too much, over real sockets: each is answered as docs/limits.md says, and others notice nothing."""

import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import trio

from benchmarks.handshakes import measure
from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Refused, Wire, connect, eventually, sample
from tests.e2e.wire_frames import TEXT, Buffered, Closed, encode_frame, handshake, open_socket, read_response

MANY = 50
OTHERS_S = 1.0  # within which whoever behaves is served, whatever others do


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


async def refused(http: httpx.AsyncClient, broadcaster: Broadcaster) -> dict[str, float]:
    """streamgauge_refused_total by reason, as /metrics has it."""
    text = (await http.get(f"{broadcaster.http_url}/metrics")).text
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith("streamgauge_refused_total{")]
    return {name.split('"')[1]: float(value) for name, _, value in rows}


async def connections(http: httpx.AsyncClient, broadcaster: Broadcaster) -> list[dict[str, Any]]:
    return list((await http.get(f"{broadcaster.http_url}/v1/connections")).json()["connections"])


async def heard(stream: trio.SocketStream) -> bytes:
    with trio.fail_after(10), suppress(trio.BrokenResourceError):
        return b"".join([data async for data in stream])
    return b""


@asynccontextmanager
async def sockets(url: str, count: int, **options: Any) -> AsyncIterator[list[trio.SocketStream]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await open_socket(url, **options)) for _ in range(count)]


async def drip(stream: trio.SocketStream, text: bytes) -> None:
    """A byte at a time, until the other side has enough."""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        for at in range(len(text)):
            await stream.send_all(text[at : at + 1])
            await trio.sleep(0.05)


HEAD = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 1_000


@pytest.mark.parametrize("port", ["stream", "http"])
async def test_slowloris(start: Start, dial: Dial, http: httpx.AsyncClient, port: str) -> None:
    broadcaster = await start(handshake_s=0.5)
    url = broadcaster.url if port == "stream" else broadcaster.http_url
    async with sockets(url, MANY) as slow, trio.open_nursery() as nursery:
        for each in slow:
            nursery.start_soon(drip, each, HEAD)
        with trio.fail_after(OTHERS_S):
            wire = await dial(broadcaster)
            await wire.ping()
            assert (await http.get(f"{broadcaster.http_url}/healthz")).status_code == 200
        answers = [await heard(each) for each in slow]
        nursery.cancel_scope.cancel()
    told = [answer for answer in answers if answer]
    assert all(answer.startswith(b"HTTP/1.1 408 ") and b"no request within 0.5 s" in answer for answer in told)
    assert len(told) > MANY / 2, "a byte that came too late may destroy the answer on its way"
    assert (await refused(http, broadcaster))["handshake_time"] == MANY


async def test_a_body_that_takes_too_long(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start(body_s=0.4)
    async with sockets(broadcaster.http_url, 1) as (stream,), trio.open_nursery() as nursery:
        await stream.send_all(b"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n")
        nursery.start_soon(drip, stream, b" " * 900)
        with trio.fail_after(5):
            response = await read_response(Buffered(stream))
        nursery.cancel_scope.cancel()
    assert (response.status, response.json()["code"]) == (408, "too_slow")
    assert "body: expected within 0.4 s" in response.json()["message"]
    assert (await refused(http, broadcaster)) == {"body_time": 1}


async def test_a_thousand_handshakes_at_once(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start()
    welcomed = 0

    async def one() -> None:
        nonlocal welcomed
        wire = await connect(broadcaster.url)
        welcomed += 1
        await wire.aclose()

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for _ in range(1_000):
                nursery.start_soon(one)
    assert welcomed == 1_000
    assert await refused(http, broadcaster) == {}


async def test_more_handshakes_than_allowed_push_out_the_oldest(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start(handshakes_max=20)
    async with sockets(broadcaster.url, MANY) as half:
        for each in half:
            with suppress(trio.BrokenResourceError):
                await each.send_all(b"GET /v1/stream HTTP/1.1\r\n")
        answer = await heard(half[0])
        assert answer.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in answer
        async with await wire_of(broadcaster) as wire:
            await wire.ping()
        assert (await refused(http, broadcaster))["handshakes"] >= MANY - 20


async def test_a_selection_that_takes_long_to_look_up(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    """A hundred globs over long values, none of which matches: a third of a second among these series."""
    broadcaster = await start()
    producer, subscriber, other = [await dial(broadcaster) for _ in range(3)]
    series = [sample("m", 1.0, tags={"n": f"{number:04d}" + "a" * 100}) for number in range(1_500)]
    await producer.publish(1, series)
    select = [{"tags": {"n": f"*a*a*a*{number}*b"}} for number in range(100)]
    pongs = 0

    async def ask() -> None:
        nonlocal pongs
        while True:
            await other.ping()
            pongs += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        assert (await subscriber.subscribe(1, select=select))["series"] == []
        params = {"select": [f"m{{n={each['tags']['n']}}}" for each in select]}
        assert (await http.get(f"{broadcaster.http_url}/v1/series", params=params)).json() == {"series": []}
        nursery.cancel_scope.cancel()
    assert pongs > 20, "everybody else is served meanwhile"


@asynccontextmanager
async def _closing(wire: Wire) -> AsyncIterator[Wire]:
    try:
        yield wire
    finally:
        await wire.aclose()


async def wire_of(broadcaster: Broadcaster, **options: Any) -> Any:
    return _closing(await connect(broadcaster.url, **options))


async def test_a_head_that_is_too_large(broadcaster: Broadcaster) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Much: " + b"x" * 40_000
    async with sockets(broadcaster.http_url, 1) as (stream,):
        await stream.send_all(head)
        assert (await heard(stream)).startswith(b"HTTP/1.1 431 ")
    async with sockets(broadcaster.url, 1) as (stream,):
        await stream.send_all(head)
        assert b"101" not in await heard(stream)


async def test_what_is_too_large_to_read(broadcaster: Broadcaster, dial: Dial) -> None:
    most = broadcaster.config.message_bytes
    wire = await dial(broadcaster)
    with suppress(trio.BrokenResourceError):
        await wire.stream.send_all(encode_frame(TEXT, b" " * (most + 1)))
    assert (await wire.until_closed()).code == 1009
    async with sockets(broadcaster.http_url, 1) as (stream,):
        await stream.send_all(b"POST /v1/publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(trio.BrokenResourceError):
            for _ in range(most // 1_000 + 1):
                await stream.send_all(b"3e8\r\n" + b" " * 1_000 + b"\r\n")
        response = await read_response(Buffered(stream))
    assert (response.status, response.json()["code"]) == (413, "too_large")


async def test_a_compression_bomb(broadcaster: Broadcaster, http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    with trio.fail_after(5):
        response = await http.post(
            f"{broadcaster.http_url}/v1/publish", content=bomb, headers={"Content-Encoding": "gzip"}
        )
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    good = gzip.compress(json.dumps({"samples": [sample("a", 1)] * 1_000}).encode())
    response = await http.post(f"{broadcaster.http_url}/v1/publish", content=good, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["accepted"]) == (200, 1_000)


async def test_there_is_no_compression_of_messages(broadcaster: Broadcaster) -> None:
    offered = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    buffered, response = await handshake(broadcaster.url, headers=offered)
    assert response.status == 101
    assert "sec-websocket-extensions" not in response.headers
    await buffered.stream.send_all(encode_frame(TEXT, b"\xabV\x02\x00", rsv=4))
    with trio.fail_after(5):
        assert b"\x03\xea" in await buffered.rest(), "1002: a bit of an extension that is not spoken"
    await trio.aclose_forcefully(buffered.stream)


async def test_a_flood_of_tags(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    floods = [
        {f"t{n}": "x" for n in range(17)},
        {"t": "x" * 257},
        {"t" * 65: "x"},
        {f"t{n}": "x" for n in range(9_000)},
    ]
    ack = await wire.publish(1, [sample("a", 1, tags=tags) for tags in floods])
    assert [(item["index"], item["code"]) for item in ack["rejected"]] == [(n, "bad_tags") for n in range(len(floods))]


async def test_a_flood_of_series(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(series_per_minute=50, series_per_minute_max=70)
    flooding, other = await dial(broadcaster), await dial(broadcaster)
    ack = await flooding.publish(1, [sample("a", 1, tags={"n": str(n)}) for n in range(500)])
    assert (ack["accepted"], len(ack["rejected"])) == (50, 450)
    assert {item["code"] for item in ack["rejected"]} == {"too_many_series"}
    assert "at most 50 new series a minute from one connection: again in " in ack["rejected"][0]["message"]
    ack = await other.publish(1, [sample("b", 1, tags={"n": str(n)}) for n in range(30)])
    assert ack["accepted"] == 20
    assert "70 new series a minute from all" in ack["rejected"][0]["message"]
    assert (await refused(http, broadcaster)) == {"series_rate": 450, "all_series_rate": 10}
    counts = [each["refused"] for each in await connections(http, broadcaster)]
    assert sorted(map(sorted, counts)) == [["all_series_rate"], ["series_rate"]]


async def test_connections_of_one_address(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(trusted_networks=(), connections_per_address=5)
    wires = [await dial(broadcaster) for _ in range(5)]
    with pytest.raises(Refused) as caught:
        await dial(broadcaster)
    response = caught.value.response
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert response.body == b"too many connections: at most 5 from 127.0.0.1"
    assert (await http.get(f"{broadcaster.http_url}/healthz")).status_code == 503, "both ports count together"
    sock = trio.socket.socket()
    await sock.bind(("127.0.0.2", 0))
    await sock.connect(("127.0.0.1", int(broadcaster.http_url.rpartition(":")[2])))
    async with trio.SocketStream(sock) as elsewhere:
        await elsewhere.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await read_response(Buffered(elsewhere))).status == 200
    await wires[0].close()
    await eventually(lambda: served(http, broadcaster))


async def served(http: httpx.AsyncClient, broadcaster: Broadcaster) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get(f"{broadcaster.http_url}/healthz")).status_code == 200
    return False


async def test_a_flood_of_messages(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(messages_per_second=200, rate_limited_s=1.0)
    flooding, watching, publishing = [await dial(broadcaster) for _ in range(3)]
    await watching.subscribe(1, "calm")
    block = encode_frame(TEXT, json.dumps({"type": "publish", "samples": [sample("flood", 1)]}).encode()) * 500

    async def flood() -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                await flooding.stream.send_all(block)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood)
        for number in range(10):
            with trio.fail_after(OTHERS_S):
                await publishing.publish(number, [sample("calm", number)])
                await watching.until_samples(number + 1)
        with trio.fail_after(10):
            closed = await flooding.until_closed()
        nursery.cancel_scope.cancel()
    assert closed.code == 4029
    errors = [message for message in flooding.received if message["type"] == "error"]
    assert errors and {error["code"] for error in errors} == {"rate_limited"}
    assert errors[0]["message"].startswith("messages: at most 200 a second from one connection: come again in ")
    assert flooding.received[-1]["type"] == "bye" and flooding.received[-1]["reconnect"] is True
    counted = await refused(http, broadcaster)
    assert set(counted) == {"messages_rate"} and counted["messages_rate"] >= len(errors)


async def test_an_address_over_its_rate_by_http(start: Start, http: httpx.AsyncClient) -> None:
    broadcaster = await start(samples_per_second=10)
    body = {"samples": [sample("a", [1.0] * 45, [1.0] * 45)]}
    assert (await http.post(f"{broadcaster.http_url}/v1/publish", json=body)).status_code == 200
    response = await http.post(f"{broadcaster.http_url}/v1/publish", json=body)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response.headers["retry-after"] == "4"
    assert "samples: at most 10 a second from one connection, got 45 more: come again in 3." in response.text
    told = (await http.get(f"{broadcaster.http_url}/v1/connections")).json()
    assert told["http_refused"] == [{"subject": None, "address": "127.0.0.1", "refused": {"samples_rate": 1}}]


async def test_who_does_nothing(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(idle_s=0.4, ping_interval_s=2.0)
    idle, subscribed = await dial(broadcaster), await dial(broadcaster)
    await subscribed.subscribe(1, "a")
    closed = await idle.until_closed()
    assert (closed.code, idle.received[-1]["code"]) == (4002, 4002)
    await subscribed.ping()
    assert await refused(http, broadcaster) == {"idle": 1}


async def test_who_takes_nothing_but_goes_on_sending(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(write_s=0.5, ping_interval_s=1.0)
    deaf, publishing = await dial(broadcaster, receive_buffer=4_096), await dial(broadcaster)
    await deaf.send("subscribe", id=1, select=[{"metric": "*"}])

    async def talk() -> None:
        with suppress(trio.BrokenResourceError):
            while True:
                await deaf.send_frame(0xA, b"alive")
                await trio.sleep(0.05)

    async def publish() -> None:
        id, column = 0, [1.5] * 5_000
        while True:
            await publishing.publish(id := id + 1, [sample("a", column, column)])

    async def closed() -> bool:
        return await refused(http, broadcaster) == {"write_time": 1}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        nursery.start_soon(publish)
        await eventually(closed)
        nursery.cancel_scope.cancel()
    await eventually(lambda: gone(http, broadcaster))
    with pytest.raises(Closed):
        while True:
            await deaf.receive()


async def gone(http: httpx.AsyncClient, broadcaster: Broadcaster) -> bool:
    return len(await connections(http, broadcaster)) == 1


async def test_an_answer_that_nobody_takes(start: Start, dial: Dial, http: httpx.AsyncClient) -> None:
    broadcaster = await start(write_s=0.3)
    wire = await dial(broadcaster)
    tags = {f"tag{n}": "x" * 250 for n in range(15)}
    for part in range(8):
        await wire.publish(part, [sample("a", 1, tags={**tags, "n": f"{part} {n}"}) for n in range(200)])
    async with sockets(broadcaster.http_url, 3, receive_buffer=4_096) as deaf:
        for each in deaf:
            await each.send_all(b"GET /v1/series HTTP/1.1\r\nHost: localhost\r\n\r\n")

        async def closed() -> bool:
            return await refused(http, broadcaster) == {"write_time": 3}

        await eventually(closed)


def test_a_crowd_that_comes_at_once_is_let_in_among_those_who_never_end() -> None:
    outcome = measure(300, half=100, limit_s=20.0)
    assert (outcome.welcomed, outcome.answers["101"]) == (300, 300)
    assert outcome.worst_pong_s < OTHERS_S


def test_the_second_loopback_address_can_be_used() -> None:
    """On which test_connections_of_one_address relies."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.2", 0))
