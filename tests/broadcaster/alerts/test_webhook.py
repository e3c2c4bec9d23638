"""POSTs to a real server."""

import socket
import ssl

import pytest
import trio
import trustme

from broadcaster.alerts.webhook import Target, WebhookError, post
from tests.broadcaster.alerts.receiver import receiving

BODY = b'{"alert":"hot"}'
HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"


async def test_a_post_as_it_arrives() -> None:
    async with receiving() as receiver:
        assert await post(receiver.url, BODY, 5.0) == 204
    assert receiver.bodies == [{"alert": "hot"}]
    request = receiver.requests[0]
    assert (request.method, request.target) == (b"POST", b"/hook?a=b")
    headers = dict(request.headers)
    assert headers[b"host"].decode() in receiver.url
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"user-agent"] == b"streamgauge"


@pytest.mark.parametrize(
    ("answer", "problem", "lasting"),
    [
        (500, "answered 500", False),
        (503, "answered 503", False),
        (429, "answered 429", False),
        (404, "answered 404", True),
        (302, "answered 302", True),
        (b"SMTP ready\r\n\r\n", "no HTTP", False),
        (b"", "closed without an answer", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "closed without an answer", False),
        (HINT * 10, "closed without an answer", False),
        (HINT * 11, "at most 10 answers of 1xx, got more", False),
    ],
)
async def test_answers_that_are_no_success(answer: int | bytes, problem: str, lasting: bool) -> None:
    async with receiving(answer) as receiver:
        with pytest.raises(WebhookError, match=problem) as failed:
            await post(receiver.url, BODY, 5.0)
    assert failed.value.lasting == lasting


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async with receiving(HINT * 10 + b"HTTP/1.1 204 No Content\r\n\r\n") as receiver:
        assert await post(receiver.url, BODY, 5.0) == 204


async def test_the_receiver_may_say_when_to_come_again() -> None:
    async with receiving(503, 503) as receiver:
        receiver.headers = {"retry-after": "7"}
        with pytest.raises(WebhookError) as failed:
            await post(receiver.url, BODY, 5.0)
        assert failed.value.after_s == 7.0
        receiver.headers = {"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}
        with pytest.raises(WebhookError) as failed:
            await post(receiver.url, BODY, 5.0)
        assert failed.value.after_s is None


async def test_no_answer_is_given_up_in_time() -> None:
    async with receiving(None) as receiver:
        with pytest.raises(WebhookError, match=r"no answer within 0\.1 s"):
            await post(receiver.url, BODY, 0.1)


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(WebhookError, match="Connection refused"):
        await post(f"http://127.0.0.1:{port}/", BODY, 5.0)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["hooks..example.com", ".example", "a" * 64 + ".b"])
async def test_a_host_that_cannot_be_looked_up(scheme: str, host: str) -> None:
    with pytest.raises(WebhookError, match="not a URL to post to") as failed:
        await post(f"{scheme}://{host}/", BODY, 5.0)
    assert failed.value.lasting


async def test_over_tls_the_certificate_has_to_be_trusted() -> None:
    authority = trustme.CA()
    served, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusting)
    async with receiving(tls=served) as receiver:
        assert await post(receiver.url, BODY, 5.0, trusting) == 204
        assert receiver.bodies == [{"alert": "hot"}]


async def test_a_certificate_nobody_vouches_for() -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(served)

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            with pytest.raises(trio.BrokenResourceError):
                await trio.SSLStream(stream, served, server_side=True).do_handshake()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(WebhookError, match="certificate verify failed"):
            await post(f"https://127.0.0.1:{port}/", BODY, 5.0)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("http://a", "a", 80, "/"),
        ("https://a/b?c=d", "a", 443, "/b?c=d"),
        ("http://[::1]:8080/x", "::1", 8080, "/x"),
    ],
)
def test_where_a_url_leads(url: str, host: str, port: int, target: str) -> None:
    found = Target.of(url)
    assert (found.host, found.port, found.target, found.secure) == (host, port, target, url.startswith("https"))
