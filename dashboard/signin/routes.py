"""Signing in, over HTTP: the routes, and what stands before all others.

Whoever is not signed in is sent to `/signin` from a page, and told 401 elsewhere. What changes something is done only
for the dashboard's own page: browsers say in `Origin` whose page asks, and do not send the cookie along from other
sites' (SameSite).
"""

import logging
from urllib.parse import quote

import orjson
from flask import Flask, Response, g, request
from werkzeug.urls import iri_to_uri

from dashboard.config import DashboardConfig
from dashboard.signin import page
from dashboard.signin.door import Asking, Door, NotSignedIn
from dashboard.signin.origin import CHANGING, is_own, safe_next
from dashboard.signin.roles import Person
from dashboard.signin.tokens import Minter

log = logging.getLogger("streamgauge.dashboard")

HEALTH = "/healthz"
SIGN_IN, SIGN_OUT, TOKEN = "/signin", "/signout", "/api/token"
FREE = frozenset({SIGN_IN, SIGN_OUT, *(f"/assets/{each}" for each in ("style.css", "signin.css", "signin.js"))}) | {
    "/assets/favicon.svg"
}
BOARDS = "/api/dashboards"
BODY_MAX = 16_384
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie"}


class Entrance:
    """Adds itself to a Flask application. `pages` are the paths from which a person is sent to sign in."""

    def __init__(self, server: Flask, config: DashboardConfig, pages: tuple[str, ...]) -> None:
        """Raises CommandError: the password file or the key of tokens cannot be used."""
        self._config = config
        self._pages = pages
        self._door = Door(config)
        self._minter = Minter(config)
        self._doorkeeper = config.doorkeeper()
        server.before_request(self._before)
        server.after_request(self._after)
        server.add_url_rule(SIGN_IN, "sign_in", self._sign_in, methods=["GET", "POST"])
        server.add_url_rule(SIGN_OUT, "sign_out", self._sign_out, methods=["POST"])
        server.add_url_rule(TOKEN, "token", self._token, methods=["POST"])

    def _asking(self) -> Asking:
        def header(name: str) -> str:
            return request.headers.get(name, "")

        return Asking(request.remote_addr or "", header, request.cookies.get(self._config.session_cookie))

    def _before(self) -> Response | None:
        if request.path == HEALTH:
            return None
        if problem := self._doorkeeper.problem(None, request.headers.get("Host")):
            return _json(403, {"code": "forbidden", "message": problem.replace("broadcaster", "dashboard")})
        if request.method in CHANGING and not self._is_own():
            return self._foreign()
        if request.path in FREE:
            return None
        found = self._door.person(self._asking())
        if found is None:
            return self._stranger()
        g.person, g.session = found
        g.may_edit = g.person.is_at_least("editor")
        if request.path.startswith(BOARDS) and request.method in CHANGING and not g.may_edit:
            return _json(403, {"code": "forbidden", "message": "saving dashboards needs the role editor"})
        return None

    def _is_own(self) -> bool:
        origin, public = request.headers.get("Origin"), self._config.public_url
        return is_own(origin, scheme=request.scheme, host=request.host, public_url=public)

    def _foreign(self) -> Response:
        message = "Origin: only the dashboard's own page may do that (behind a proxy, public_url says its address)"
        if request.path == SIGN_IN:
            return self._form(page.Form(problem=f"{message}."), 403)
        return _json(403, {"code": "forbidden", "message": message})

    def _stranger(self) -> Response:
        if request.path not in self._pages or request.method not in ("GET", "HEAD"):
            return _json(401, {"code": "not_signed_in", "message": "sign in first, at /signin"})
        next = quote(safe_next(request.full_path.rstrip("?")), safe="")
        if request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame", "embed", "object"):
            return _html(page.framed(self._config.title, next), 401)
        if not self._door.has_passwords:
            return _html(page.elsewhere(self._config.title), 401)
        return _to(f"{SIGN_IN}?next={next}")

    def _after(self, response: Response) -> Response:
        if request.path in self._pages:
            response.headers.update(PRIVATE)
        return response

    def _sign_in(self) -> Response:
        if request.method == "POST":
            return self._signing_in()
        next = safe_next(request.args.get("next"))
        if self._door.person(self._asking()) is not None:
            return _to(next)
        if not self._door.has_passwords:
            return _html(page.elsewhere(self._config.title), 401)
        return self._form(page.Form(next, why=request.args.get("why", "")))

    def _signing_in(self) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded" or (request.content_length or 0) > BODY_MAX:
            return self._form(page.Form(problem="That was not what this form sends."), 400)
        name, next = request.form.get("name", "").strip(), safe_next(request.form.get("next"))
        try:
            id = self._door.sign_in(self._asking(), name, request.form.get("password", ""))
        except NotSignedIn as error:
            answer = self._form(page.Form(next, problem=error.message, name=name[:64]), error.status)
            if error.retry_s is not None:
                answer.headers["Retry-After"] = str(error.retry_s)
            return answer
        answer = _to(next)
        self._set_cookie(answer, id, int(self._config.session_s))
        return answer

    def _sign_out(self) -> Response:
        self._door.sign_out(self._asking())
        answer = Response(status=204, headers=PRIVATE)
        self._set_cookie(answer, "", 0)
        return answer

    def _set_cookie(self, answer: Response, value: str, max_age: int) -> None:
        secure = self._config.is_secure
        name = self._config.session_cookie
        answer.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax")

    def _token(self) -> Response:
        """What the page needs to know of who looks at it, and what it shows to the broadcaster."""
        person: Person = g.person
        left_s = self._door.left_s(g.session)
        token, token_s = self._minter.mint(person, left_s) or (None, None)
        told = {
            "name": person.name,
            "role": person.role,
            "edit": person.is_at_least("editor"),
            "admin": person.is_at_least("admin") or not self._minter.mints,
            "sign_out": not person.by_proxy,
            "left_s": round(left_s),
            "token": token,
            "token_s": token_s,
        }
        return _json(200, told)

    def _form(self, form: page.Form, status: int = 200) -> Response:
        return _html(page.form(self._config.title, form), status)


def _to(path: str) -> Response:
    answer = Response(status=303, headers={"Location": iri_to_uri(path), **PRIVATE})
    answer.autocorrect_location_header = False
    return answer


def _html(text: str, status: int) -> Response:
    return _challenged(Response(text, status, mimetype="text/html", headers=PRIVATE))


def _json(status: int, content: object) -> Response:
    return _challenged(Response(orjson.dumps(content), status, mimetype="application/json", headers=PRIVATE))


def _challenged(response: Response) -> Response:
    """HTTP wants a 401 to name a scheme; browsers have no dialog for this one."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Session"
    return response
