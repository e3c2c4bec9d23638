"""`/api/dashboards`: saved dashboards for the page. A revision in `ETag` and `If-Match` keeps two editors apart.

Only the page itself may write: a body must be JSON and a write must have a header that other sites' pages cannot send
without being asked first, which they are not allowed to; a Host that is not this server's (DNS rebinding) is refused.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
from flask import Flask, Response, g, request

from broadcaster.origins import Doorkeeper
from dashboard.boards import SIZE_MAX, BoardError, as_json, from_json
from dashboard.shelf import Saved, Shelf, ShelfError

PATH = "/api/dashboards"
BODY_MAX = 4 * SIZE_MAX  # JSON is longer than TOML, and says defaults too
STATUS = {
    "not_found": 404,
    "forbidden": 403,
    "read_only": 403,
    "changed": 412,
    "no_revision": 428,
    "too_large": 413,
    "too_many": 409,
    "bad_type": 415,
    "bad_board": 422,
    "cannot_write": 500,
}


def register(server: Flask, shelf: Shelf, doorkeeper: Doorkeeper) -> None:
    """Adds the routes to the dashboard's Flask application."""

    def answering(handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(**named: str) -> Response:
            try:
                if problem := doorkeeper.problem(request.headers.get("Origin"), request.headers.get("Host")):
                    raise ShelfError("forbidden", problem.replace("broadcaster", "dashboard"))
                return handler(shelf, **named)
            except ShelfError as error:
                refusal = {"code": error.code, "message": error.message, "line": error.line or None}
                return _json(refusal, STATUS.get(error.code, 400))

        return answer

    one = f"{PATH}/<name>"
    server.add_url_rule(PATH, "list_boards", answering(_list))
    server.add_url_rule(one, "get_board", answering(_get))
    server.add_url_rule(one, "put_board", answering(_put), methods=["PUT"])
    server.add_url_rule(one, "delete_board", answering(_delete), methods=["DELETE"])


def _json(content: object, status: int = 200, revision: str | None = None) -> Response:
    response = Response(orjson.dumps(content), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if revision is not None:
        response.set_etag(revision)
    return response


def _list(shelf: Shelf) -> Response:
    listed, problems = shelf.everything()
    boards = [asdict(each) for each in listed]
    wrong = [{"file": each.file, "line": each.line or None, "message": each.message} for each in problems]
    writable = shelf.directory is not None and g.get("may_edit", True)  # False: signed in, but as a viewer
    return _json({"dashboards": boards, "problems": wrong, "writable": writable})


def _get(shelf: Shelf, name: str) -> Response:
    return _saved(shelf.get(name))


def _saved(saved: Saved, status: int = 200) -> Response:
    content = {"name": saved.name, "revision": saved.revision, "dashboard": as_json(saved.board)}
    return _json(content, status, saved.revision)


def _put(shelf: Shelf, name: str) -> Response:
    expected = _expected(creating=True)
    try:
        board = from_json(_body())
    except BoardError as error:
        raise ShelfError("bad_board", error.message) from None
    return _saved(shelf.put(name, board, expected), 201 if expected is None else 200)


def _delete(shelf: Shelf, name: str) -> Response:
    expected = _expected(creating=False)
    assert expected is not None
    shelf.delete(name, expected)
    return Response(status=204)


def _expected(*, creating: bool) -> str | None:
    """The revision in If-Match; None for `If-None-Match: *`, which creates."""
    if creating and request.headers.get("If-None-Match", "").strip() == "*":
        return None
    tags = [*request.if_match.as_set()] if request.if_match else []
    if len(tags) != 1:
        wanted = 'If-Match: "REVISION", or If-None-Match: * to create' if creating else 'If-Match: "REVISION"'
        raise ShelfError("no_revision", f"expected the header {wanted}")
    return tags[0]


def _body() -> Any:
    if request.mimetype != "application/json":
        raise ShelfError("bad_type", "Content-Type: expected application/json")
    if (request.content_length or 0) > BODY_MAX:
        raise ShelfError("too_large", f"body: at most {BODY_MAX} bytes, got {request.content_length}")
    body = request.stream.read(BODY_MAX + 1)
    if len(body) > BODY_MAX:
        raise ShelfError("too_large", f"body: at most {BODY_MAX} bytes, got more")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ShelfError("bad_json", f"body: {error}") from None
