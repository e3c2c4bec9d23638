import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

import orjson
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadcaster.decompression import ACCEPTED, inflater
from broadcaster.http_core import Answer, Caller, Core
from broadcaster.http_series import series_answer
from broadcaster.limits import RateLimited
from broadcaster.metrics import exposition
from broadcaster.selection import Selection, parse_select
from broadcaster.transports.handshake import has_token
from ingest.messages import MessageError, decode

STATUS = {
    "bad_token": 401,
    "forbidden": 403,
    "too_large": 413,
    "too_many_samples": 413,
    "read_only": 403,
    "not_found": 404,
    "taken": 409,
    "by_hand": 409,
    "too_many": 409,
    "changed": 412,
    "bad_type": 415,
    "bad_encoding": 415,
    "too_slow": 408,
    "bad_alert": 422,
    "no_revision": 428,
    "cannot_write": 500,
    "no_history": 404,
    "busy": 429,
    "too_long": 503,
    "cannot_read": 503,
    "rate_limited": 429,
    "too_many_series": 429,
}
ALWAYS = frozenset({"/healthz", "/readyz"})  # are answered, whatever else is refused
NO_STREAM = b"this is the HTTP port: WebSockets are at the other one (bind, by default 8765)"
CORS_AGE_S = 600
ALERT_BYTES = 65_536
PIECE_BYTES = 65_536
CONNECTIONS_MOST = 100_000  # described in one answer; whoever asks again and again names a smaller limit
LIMITS = ("connections_max", "series_max", "history_bytes", "mailbox_batches", "mailbox_bytes", "message_bytes")


class JSON(Response):
    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return orjson.dumps(content)


class InPieces(Response):
    """A large body, which would otherwise be copied, and encrypted, as a whole before anybody else is served."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, media_type="application/json")
        self._taken = answer.taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for at in range(0, len(self.body), PIECE_BYTES):
                await send({"type": "http.response.body", "body": self.body[at : at + PIECE_BYTES], "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            self._taken()


def refusal(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSON:
    return JSON({"code": code, "message": message}, status, headers=headers)


def build_app(core: Core) -> Starlette:
    """The HTTP side of a broadcaster: an ASGI application over what the core knows, without state of its own."""
    routes = [
        Route("/v1/publish", _answering(_publish, core), methods=["POST"]),
        Route("/v1/series", _answering(_series, core)),
        Route("/v1/history", _answering(_history, core)),
        Route("/v1/connections", _answering(_connections, core)),
        Route("/v1/alerts", _answering(_alerts, core)),
        Route("/v1/alerts/{name}", _answering(_put_alert, core), methods=["PUT"]),
        Route("/v1/alerts/{name}", _answering(_delete_alert, core), methods=["DELETE"]),
        Route("/healthz", _answering(_healthz, core)),
        Route("/readyz", _answering(_readyz, core)),
        Route("/metrics", _answering(_metrics, core)),
    ]
    middleware = [Middleware(Origins, core=core)]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: _http_error})
    app.router.redirect_slashes = False  # to where the asker's own Host header says
    return app


Handler = Callable[[Request, Core], Awaitable[Response]]


def _answering(handler: Handler, core: Core) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request, core)
        except MessageError as error:
            status = STATUS.get(error.code, 400)
            core.failed(error.code)
            return refusal(status, error.code, error.message, _fields(status, error))

    return answer


def _fields(status: int, error: MessageError) -> Mapping[str, str] | None:
    """The headers that go with a refusal."""
    if status == 429:
        return {"retry-after": str(math.ceil(error.after_s) if isinstance(error, RateLimited) else 1)}
    if status == 401:
        return {"www-authenticate": "Bearer"}
    return {"accept-encoding": ACCEPTED} if error.code == "bad_encoding" else None


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    what = {404: f"{request.url.path}: no such endpoint", 405: f"{request.method}: not here"}
    code, message = codes.get(error.status_code, "http"), what.get(error.status_code, error.detail)
    return refusal(error.status_code, code, message, error.headers)


def _caller(request: Request, core: Core) -> Caller:
    """Raises MessageError (bad_token)."""
    if has_token(request.url.query):
        raise MessageError("bad_token", "a token in a URL is refused: send Authorization: Bearer TOKEN")
    header = request.headers.get("authorization")
    if header is None:
        return core.authorise(None)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MessageError("bad_token", "Authorization: expected Bearer TOKEN")
    return core.authorise(token.strip())


async def _body(request: Request, most: int) -> bytes:
    """The body, opened if it is compressed.

    Raises MessageError: too_large as soon as it is more than `most` bytes, without reading the rest; bad_encoding.
    """
    chunks, size = [], 0
    opening = inflater(request.headers.get("content-encoding", ""), most)
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise MessageError("too_large", f"body: at most {most} bytes, got {declared}")
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            size += len(chunk)
            if size > most:
                raise MessageError("too_large", f"body: at most {most} bytes, got more")
            chunks.append(chunk if opening is None else opening.feed(chunk))
    if opening is not None:
        opening.end()
    return b"".join(chunks)


async def _body_in_time(request: Request, most: int, core: Core) -> bytes:
    """As `_body`. Raises MessageError (too_slow), too."""
    with trio.move_on_after(core.config.body_s):
        return await _body(request, most)
    core.refused("body_time")
    raise MessageError("too_slow", f"body: expected within {core.config.body_s:g} s")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _shutting_down() -> Response:
    return refusal(503, "draining", "the broadcaster is shutting down", {"retry-after": "1"})


async def _publish(request: Request, core: Core) -> Response:
    caller = _caller(request, core)
    if core.draining:
        return _shutting_down()
    try:
        body = await _body_in_time(request, core.config.message_bytes, core)
    except ClientDisconnect:
        return Response(status_code=400)  # to nobody
    if core.draining:  # since the body began: nobody is left to see it
        return _shutting_down()
    now = time.time()
    if caller.revoked or (caller.expires is not None and caller.expires <= now):
        caller = _caller(request, core)  # says so: a body may take longer than its token is good
    ack = core.publish(decode(body), caller, _address(request), now, len(body))
    await core.stored()
    rejected = ack["rejected"]
    if rejected and not ack["accepted"] and all(each.code == "forbidden" for each in rejected):
        raise MessageError("forbidden", rejected[0].message)
    return JSON(ack)


def _selection(request: Request) -> Selection:
    """Raises MessageError (bad_message)."""
    return frozenset(map(parse_select, request.query_params.getlist("select") or ["*"]))


async def _series(request: Request, core: Core) -> Response:
    caller = _caller(request, core)
    return series_answer(await core.descriptors(_selection(request), caller))


async def _history(request: Request, core: Core) -> Response:
    caller = _caller(request, core)
    if core.past is None:
        raise MessageError("no_history", "history: nothing is stored here; that needs the setting data_dir")
    answer = core.past.answer(_selection(request), request.query_params, caller, _address(request), time.time())
    return InPieces(await answer)


async def _connections(request: Request, core: Core) -> Response:
    if not _caller(request, core).admin:
        raise MessageError("forbidden", "connections: needs the scope admin")
    asked = request.query_params.get("limit", str(CONNECTIONS_MOST))
    if len(asked) > 9 or not asked.isdecimal() or not 0 < int(asked) <= CONNECTIONS_MOST:
        raise MessageError("bad_message", f"limit: expected a number from 1 to {CONNECTIONS_MOST}, got {asked[:40]}")
    limits = {name: getattr(core.config, name) for name in LIMITS}
    told = {"connections": list(core.connections(int(asked))), "http_refused": list(core.refused_over_http(int(asked)))}
    return JSON({**told, "total": core.connected, "limits": limits})


async def _alerts(request: Request, core: Core) -> Response:
    return JSON(await core.alerts(_caller(request, core)))


async def _put_alert(request: Request, core: Core) -> Response:
    _admin(request, core)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise MessageError("bad_type", "Content-Type: expected application/json")
    expected = _revision(request, creating=True)
    table = decode(await _body_in_time(request, ALERT_BYTES, core))
    _admin(request, core)  # a body may take longer than its token is good
    answer = await core.alerting.put(request.path_params["name"], table, expected)
    return JSON(answer, 201 if expected is None else 200)


async def _delete_alert(request: Request, core: Core) -> Response:
    _admin(request, core)
    expected = _revision(request, creating=False)
    assert expected is not None
    await core.alerting.delete(request.path_params["name"], expected)
    return Response(status_code=204)


def _admin(request: Request, core: Core) -> None:
    if not _caller(request, core).admin:
        raise MessageError("forbidden", "alerts: changing them needs the scope admin")


def _revision(request: Request, *, creating: bool) -> str | None:
    """The one in If-Match; None for `If-None-Match: *`, which creates. Raises MessageError (no_revision)."""
    if creating and request.headers.get("if-none-match", "").strip() == "*":
        return None
    if not (match := re.fullmatch(r'"([^"]+)"', request.headers.get("if-match", "").strip())):
        creates = ", or If-None-Match: * to create" if creating else ""
        raise MessageError("no_revision", f'expected the header If-Match: "REVISION"{creates}')
    return match[1]


async def _healthz(request: Request, core: Core) -> Response:
    return JSON({"status": "ok"})


async def _readyz(request: Request, core: Core) -> Response:
    return JSON({"status": "ready"}) if core.ready else JSON({"status": "draining"}, 503)


async def _metrics(request: Request, core: Core) -> Response:
    _caller(request, core)
    text, content_type = exposition(core.figures(), request.headers.get("accept", ""))
    return PlainTextResponse(text, headers={"content-type": content_type})


async def _no_stream(send: Send) -> None:
    """ASGI's own refusal would be a bare 403, which looks as if it were about credentials."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(NO_STREAM)).encode())]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": NO_STREAM})


class Origins:
    """Refuses pages that may not talk to the broadcaster (403), and tells browsers which may (CORS)."""

    def __init__(self, app: ASGIApp, core: Core) -> None:
        self._app = app
        self._core = core

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _no_stream(send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        origin, host = request.headers.get("origin"), request.headers.get("host")
        if origin is None and request.url.path in ALWAYS:
            host = None  # probes ask by address, and learn nothing that a page should not
        doorkeeper = self._core.config.doorkeeper(self._core.config.http_bind)
        if problem := doorkeeper.problem(origin, host):
            self._core.refused("origin")
            self._core.failed("forbidden")
            await refusal(403, "forbidden", problem)(scope, receive, send)
        elif origin is None:
            await self._app(scope, receive, send)
        else:
            await self._shared(origin, request, receive, send)

    async def _shared(self, origin: str, request: Request, receive: Receive, send: Send) -> None:
        shared = {"access-control-allow-origin": origin, "vary": "Origin"}
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            allow = {
                "access-control-allow-methods": "GET, POST, PUT, DELETE",
                "access-control-allow-headers": "Authorization, Content-Type, If-Match, If-None-Match",
                "access-control-max-age": str(CORS_AGE_S),
            }
            await Response(status_code=204, headers=shared | allow)(request.scope, receive, send)
            return
        raw = [(name.encode(), value.encode()) for name, value in shared.items()]

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *raw]}
            await send(message)

        await self._app(request.scope, receive, send_shared)
