import pytest

from broadcaster.auth import EVERYTHING, Grant
from broadcaster.http_headers import PROTECTIVE
from broadcaster.origins import Doorkeeper
from broadcaster.transports.handshake import (
    NO_HANDSHAKE,
    Admission,
    Refusal,
    admit,
    explained,
    has_token,
    host_of,
    response,
)
from ingest.messages import MessageError

PATH = "/v1/stream"


def decide(
    target: str = PATH,
    offered: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
    doorkeeper: Doorkeeper | None = None,
) -> tuple[Admission | Refusal, list[str | None]]:
    """The decision, and the tokens that were asked about."""
    tokens: list[str | None] = []

    def authenticator(token: str | None) -> Grant:
        tokens.append(token)
        if token == "bad":
            raise MessageError("bad_token", "expired")
        return EVERYTHING

    keeper = doorkeeper or Doorkeeper()
    return admit(target, headers or {}, offered, authenticator=authenticator, doorkeeper=keeper), tokens


@pytest.mark.parametrize(
    ("offered", "selected"),
    [((), None), (("streamgauge.v1",), "streamgauge.v1"), (("x", "streamgauge.v1"), "streamgauge.v1")],
)
def test_the_subprotocol_is_selected_where_it_is_offered(offered: tuple[str, ...], selected: str | None) -> None:
    assert decide(offered=offered)[0] == Admission(selected, EVERYTHING)


@pytest.mark.parametrize(
    ("offered", "headers", "token", "selected"),
    [
        ((), {"authorization": "Bearer abc"}, "abc", None),
        ((), {"authorization": "bearer  abc "}, "abc", None),
        (("streamgauge.v1", "bearer.abc"), {}, "abc", "streamgauge.v1"),
        (("bearer.abc",), {}, "abc", None),
        (("bearer.other",), {"authorization": "Bearer abc"}, "abc", None),
        ((), {}, None, None),
    ],
)
def test_a_token_is_found(
    offered: tuple[str, ...], headers: dict[str, str], token: str | None, selected: str | None
) -> None:
    assert decide(PATH, offered, headers) == (Admission(selected, EVERYTHING), [token])


@pytest.mark.parametrize(
    ("target", "offered", "headers", "status"),
    [
        *(("/", (), {}, 404), ("/v1/stream/", (), {}, 404), (PATH, ("streamgauge.v2",), {}, 400)),
        *((PATH + "?token=abc", (), {}, 400), (PATH + "?a=b&Access_Token=abc", (), {}, 400)),
        (PATH, (), {"origin": "https://elsewhere.example", "host": "localhost"}, 403),
        *((PATH, (), {"authorization": "Basic abc"}, 401), (PATH, (), {"authorization": "Bearer "}, 401)),
        *((PATH, (), {"authorization": "Bearer bad"}, 401), (PATH, ("bearer.bad",), {}, 401)),
    ],
)
def test_refusals(target: str, offered: tuple[str, ...], headers: dict[str, str], status: int) -> None:
    refusal, _ = decide(target, offered, headers)
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert (dict(refusal.headers) == {b"WWW-Authenticate": b"Bearer"}) == (status == 401)


def test_who_is_refused_for_another_reason_is_not_asked_for_credentials() -> None:
    headers = {"host": "evil.example", "authorization": "Bearer bad"}
    assert decide(PATH, (), headers, Doorkeeper(local=True))[1] == []


def test_a_query_without_credentials_is_allowed() -> None:
    assert isinstance(decide(PATH + "?client=x&tokens=5")[0], Admission)
    assert [has_token(query) for query in ("", "token", "jwt=x", "a=token")] == [False, True, True, False]


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHOST:  a.example:80 \r\n\r\n", "a.example:80"),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", None),
        (b"Host: a\r\n\r\n", None),
        (b"", None),
    ],
)
def test_the_host_is_found_in_the_head(head: bytes, host: str | None) -> None:
    assert host_of(head) == host


def test_a_host_is_found_whatever_ends_the_lines() -> None:
    assert host_of(b"GET / HTTP/1.1\nA: b\nHost: elsewhere.example\n\n") == "elsewhere.example"


def test_a_refusal_without_a_request_is_for_nobody_else() -> None:
    head, _, body = response(Refusal(503, "no place", ((b"Retry-After", b"1"),))).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[:2] == [b"HTTP/1.1 503 Service Unavailable", b"Connection: close"] and body == b"no place"
    assert {b"Content-Length: 8", b"Retry-After: 1", *(b"%b: %b" % each for each in PROTECTIVE)} <= set(lines)


def test_what_trio_websocket_refuses_has_a_reason_and_our_headers() -> None:
    plain = b"HTTP/1.1 426 \r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    head, _, body = explained(plain).partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    assert (status, body) == (b"HTTP/1.1 426 ", NO_HANDSHAKE)
    assert {b"Sec-WebSocket-Version: 13", b"Connection: close", b"content-length: %d" % len(body)} <= set(lines)
    assert {b"%b: %b" % each for each in PROTECTIVE} <= set(lines) and b"Content-Length: 0" not in lines


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 101 \r\nUpgrade: websocket\r\n\r\n", response(Refusal(401, "no")), b"no"]
)
def test_other_answers_stay_as_they_are(answer: bytes) -> None:
    assert explained(answer) == answer


def test_a_target_that_is_no_url_is_refused() -> None:
    refusal = decide("//[")[0]
    assert isinstance(refusal, Refusal) and refusal.status == 400
