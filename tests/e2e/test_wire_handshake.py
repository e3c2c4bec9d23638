"""The opening handshake, its refusals, and the first message."""

import time

import httpx
import pytest
import trio

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import VERSION, eventually, sample
from tests.e2e.wire_frames import Closed, Response, encode_frame, handshake, handshake_request, open_socket


async def refusal(broadcaster: Broadcaster, **options: object) -> Response:
    buffered, response = await handshake(broadcaster.url, **options)  # type: ignore[arg-type]
    await trio.aclose_forcefully(buffered.stream)
    return response


async def test_welcome_is_first_and_complete(start: Start, dial: Dial) -> None:
    broadcaster = await start(message_bytes=5_000, samples_per_message=70, samples_per_second=800, series_max=90)
    wire = await dial(broadcaster)
    welcome = wire.welcome
    assert welcome["version"] == 1
    assert welcome["seq"] == 0
    assert abs(welcome["time"] - time.time()) < 5
    limits = {"message_bytes": 5_000, "samples_per_message": 70, "samples_per_second": 800, "series": 90}
    assert limits.items() <= welcome["limits"].items()


async def test_welcome_names_the_position_of_the_history(broadcaster: Broadcaster, dial: Dial) -> None:
    first = await dial(broadcaster)
    await first.publish(1, [sample("m", 1)])
    await first.subscribe(1)
    second = await dial(broadcaster)
    assert second.welcome["epoch"] == first.welcome["epoch"]
    assert second.welcome["seq"] == 1
    assert second.welcome["session"] != first.welcome["session"]


async def test_ping_interval_is_the_configured_one(start: Start, dial: Dial) -> None:
    wire = await dial(await start(ping_interval_s=7.5))
    assert wire.welcome["ping_interval"] == 7.5


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        ((), None),
        ((VERSION,), VERSION),
        (("other", VERSION), VERSION),
        ((VERSION, "streamgauge.v2"), VERSION),
    ],
)
async def test_subprotocol(
    broadcaster: Broadcaster, dial: Dial, offered: tuple[str, ...], selected: str | None
) -> None:
    wire = await dial(broadcaster, subprotocols=offered)
    assert wire.response.headers.get("sec-websocket-protocol") == selected
    await wire.ping()


async def test_only_other_subprotocols_are_refused(broadcaster: Broadcaster) -> None:
    assert (await refusal(broadcaster, subprotocols=("streamgauge.v2", "chat"))).status == 400


async def test_another_path_is_not_found(broadcaster: Broadcaster) -> None:
    for path in ("/", "/v1/streams", "/v2/stream", "/v1/stream/"):
        assert (await refusal(broadcaster, path=path)).status == 404, path


@pytest.mark.parametrize("query", ["token=abc", "access_token=abc", "x=1&token=abc"])
async def test_a_token_in_the_url_is_refused(broadcaster: Broadcaster, query: str) -> None:
    assert (await refusal(broadcaster, path=f"/v1/stream?{query}")).status in (400, 401)


async def test_a_disallowed_origin_is_forbidden(start: Start, dial: Dial) -> None:
    broadcaster = await start(allowed_origins=["https://metrics.example"])
    for origin in ("https://evil.example", "http://metrics.example", "https://metrics.example.evil.example", "null"):
        assert (await refusal(broadcaster, headers={"Origin": origin})).status == 403, origin
    await dial(broadcaster, headers={"Origin": "https://metrics.example"})


async def test_pages_from_this_machine_may_connect(broadcaster: Broadcaster, dial: Dial) -> None:
    for origin in ("http://127.0.0.1:8050", "http://localhost:8050"):
        await dial(broadcaster, headers={"Origin": origin})


async def test_a_name_that_somebody_points_at_loopback_is_forbidden(start: Start, dial: Dial) -> None:
    broadcaster = await start(allowed_hosts=["metrics.example"])
    for headers in ({"Host": "evil.example"}, {"Host": "evil.example:8765", "Origin": "http://evil.example:8765"}):
        assert (await refusal(broadcaster, headers=headers)).status == 403
    for host in ("localhost:1", "[::1]:8765", "Metrics.Example"):
        await dial(broadcaster, headers={"Host": host})


async def test_any_name_will_do_beyond_loopback(start: Start, dial: Dial) -> None:
    broadcaster = await start(bind="0.0.0.0:0", insecure=True)
    port = broadcaster.url.removesuffix("/v1/stream").rpartition(":")[2]
    url = f"ws://127.0.0.1:{port}/v1/stream"
    await dial(url, headers={"Host": "broadcaster:8765"})
    await dial(url, headers={"Host": "rack7:8765", "Origin": "http://rack7:8050"})


async def test_too_many_connections(start: Start, dial: Dial) -> None:
    broadcaster = await start(connections_max=2)
    first, second = await dial(broadcaster), await dial(broadcaster)
    response = await refusal(broadcaster)
    assert response.status == 503
    assert int(response.headers["retry-after"]) >= 1
    await first.ping()
    await second.close()

    async def place_is_free() -> bool:
        return (await refusal(broadcaster)).status == 101

    await eventually(place_is_free)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Version": None},
        {"Upgrade": None},
        {"Connection": "close"},
        {"Host": None},
    ],
    ids=str,
)
async def test_what_is_no_websocket_handshake(
    broadcaster: Broadcaster, dial: Dial, headers: dict[str, str | None]
) -> None:
    witness = await dial(broadcaster)
    response = await refusal(broadcaster, headers=headers)
    assert 400 <= response.status < 500, response
    await witness.ping()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"GET /v1/stream HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"POST /v1/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n" + b"X-Filler: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        encode_frame(0x1, b"{}"),
    ],
    ids=["tls", "http-9", "blank-lines", "post", "large-header", "large-path", "frame"],
)
async def test_bytes_that_are_no_handshake(start: Start, dial: Dial, data: bytes) -> None:
    broadcaster = await start(handshake_s=0.5)
    witness = await dial(broadcaster)
    stream = await open_socket(broadcaster.url)
    await drain(stream, data)
    await witness.ping()


async def drain(stream: trio.SocketStream, data: bytes) -> bytes:
    """Sends, then reads to the end of the stream, which must come soon and be no switch of protocols."""
    answer = b""
    with trio.fail_after(5):
        try:
            await stream.send_all(data)
            async for chunk in stream:
                answer += chunk
        except trio.BrokenResourceError:
            pass  # refused with a reset: unread input does that
        finally:
            await trio.aclose_forcefully(stream)
    assert not answer.startswith(b"HTTP/1.1 101")
    return answer


async def test_half_a_handshake_held_open_is_cut_off(start: Start, dial: Dial) -> None:
    broadcaster = await start(handshake_s=0.3)
    witness = await dial(broadcaster)
    request, _ = handshake_request("x")
    streams = [await open_socket(broadcaster.url) for _ in range(3)]
    await streams[1].send_all(request[:40])
    await streams[2].send_all(request[:-2])
    await witness.ping()
    for stream in streams:
        await drain(stream, b"")
    await witness.ping()
    await dial(broadcaster)


async def test_held_handshakes_do_not_keep_others_out(start: Start, dial: Dial) -> None:
    broadcaster = await start(handshakes_max=4, handshake_s=0.3)
    witness = await dial(broadcaster)
    streams = [await open_socket(broadcaster.url) for _ in range(4)]
    await witness.ping()
    await eventually(lambda: accepted(broadcaster))  # when the first of the held ones are cut off
    for stream in streams:
        await trio.aclose_forcefully(stream)


async def accepted(broadcaster: Broadcaster) -> bool:
    try:
        return (await refusal(broadcaster)).status == 101
    except (Closed, trio.BrokenResourceError):
        return False


async def test_a_handshake_byte_by_byte(broadcaster: Broadcaster) -> None:
    stream = await open_socket(broadcaster.url)
    request, accept = handshake_request("127.0.0.1")
    for at in range(len(request)):
        await stream.send_all(request[at : at + 1])
    with trio.fail_after(5):
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await stream.receive_some()
    assert accept.encode() in answer
    await trio.aclose_forcefully(stream)


async def test_a_message_right_behind_the_handshake(broadcaster: Broadcaster) -> None:
    stream = await open_socket(broadcaster.url)
    request, _ = handshake_request("127.0.0.1")
    await stream.send_all(request + encode_frame(0x1, b'{"type":"ping","time":7}'))
    with trio.fail_after(5):
        answer = b""
        while b'"pong"' not in answer:
            answer += await stream.receive_some()
    await trio.aclose_forcefully(stream)


async def test_the_stream_port_answers_plain_http_in_words(broadcaster: Broadcaster) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(broadcaster.url.replace("ws://", "http://"))
    assert response.status_code in (400, 426)
