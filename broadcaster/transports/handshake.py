"""Who gets in: the answer to a WebSocket handshake, decided from its headers. Pure."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from broadcaster.auth import Authenticator, Grant
from broadcaster.http_headers import PROTECTIVE
from broadcaster.origins import Doorkeeper
from ingest.messages import MessageError

PATH = "/v1/stream"
SUBPROTOCOL = "streamgauge.v1"
BEARER = "bearer."
NO_HANDSHAKE = f"expected a WebSocket handshake (RFC 6455, version 13) for {PATH}".encode()
TOKEN_KEYS = frozenset({"token", "access_token", "bearer", "authorization", "jwt"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status instead of an upgrade."""

    status: int
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    reason: str | None = None  # what it is counted by


@dataclass(frozen=True, slots=True)
class Admission:
    """The upgrade: the subprotocol to select, if one was offered, and what the client may do."""

    subprotocol: str | None
    grant: Grant


def headers_of(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Its own, and those that every answer over HTTP has."""
    return [*refusal.headers, *PROTECTIVE]


def response(refusal: Refusal) -> bytes:
    """The refusal as HTTP, to be written where no request was read."""
    body = refusal.message.encode()
    head = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\nConnection: close\r\n".encode()
    fields = ((b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(body)), *headers_of(refusal))
    return head + b"".join(b"%b: %b\r\n" % each for each in fields) + b"\r\n" + body


def explained(answer: bytes) -> bytes:
    """What trio-websocket itself answers to a request that is no handshake, with a reason and our headers."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 4") or b"x-content-type-options" in head.lower():
        return answer
    status, *lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"content-length:", b"content-type:"))]
    body = body or NO_HANDSHAKE
    fields = ((b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), *PROTECTIVE)
    return b"\r\n".join([status, *kept, *(b"%b: %b" % each for each in fields)]) + end + body


def has_token(query: str) -> bool:
    """True if a URL's query carries credentials, which would end up in logs."""
    return any(pair.partition("=")[0].lower() in TOKEN_KEYS for pair in query.split("&"))


def host_of(head: bytes) -> str | None:
    """The `Host` of a request, from its first lines as received: trio-websocket keeps it to itself."""
    for line in head.replace(b"\r\n", b"\n").split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"host":
            return value.strip().decode("latin-1")
    return None


def admit(
    target: str,
    headers: dict[str, str],
    offered: tuple[str, ...],
    *,
    authenticator: Authenticator,
    doorkeeper: Doorkeeper,
) -> Admission | Refusal:
    """Decides a handshake. `headers` by lower-case name; `offered` are the subprotocols."""
    try:
        url = urlsplit(target)
    except ValueError:
        return Refusal(400, "no such URL")
    if url.path != PATH:
        return Refusal(404, f"{url.path}: no such endpoint; streams are at {PATH}")
    if has_token(url.query):
        return Refusal(400, "a token in a URL is refused: send Authorization: Bearer TOKEN")
    if problem := doorkeeper.problem(headers.get("origin"), headers.get("host")):
        return Refusal(403, problem, reason="origin")
    protocols = [name for name in offered if not name.startswith(BEARER)]
    if protocols and SUBPROTOCOL not in protocols:
        return Refusal(400, f"Sec-WebSocket-Protocol: expected {SUBPROTOCOL}")
    try:
        grant = authenticator(_token(headers.get("authorization"), offered))
    except MessageError as error:
        reason = getattr(error, "reason", error.code)
        return Refusal(401, error.message, ((b"WWW-Authenticate", b"Bearer"),), reason)
    return Admission(SUBPROTOCOL if protocols else None, grant)


def _token(authorization: str | None, offered: tuple[str, ...]) -> str | None:
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise MessageError("bad_token", "Authorization: expected Bearer TOKEN")
        return token.strip()
    tokens = [name.removeprefix(BEARER) for name in offered if name.startswith(BEARER)]
    return tokens[0] if tokens else None
