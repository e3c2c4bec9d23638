"""Who comes in: by a password and from then on by a session, or because a trusted proxy says who they are.

No sockets, no web framework; any thread may call. Verifying a password takes a core and some 64 MiB for about 100 ms,
so only a few are verified at once, and only a few more wait for their turn.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dashboard.config import DashboardConfig
from dashboard.signin.attempts import MOMENT_S, Attempts, Refused
from dashboard.signin.origin import address_of, is_in, networks
from dashboard.signin.passwords import PASSWORD_MOST, Account
from dashboard.signin.people import People
from dashboard.signin.roles import NAME, Person, role_of
from dashboard.signin.sessions import Session, Sessions

log = logging.getLogger("streamgauge.dashboard")

VERIFYING = 2
WAITING = 8
FORWARDED_FOR = "X-Forwarded-For"
LOGGED = {"failures": "too many attempts", "full": "too many failures of all together"}


class NotSignedIn(Exception):
    """Why not. `status` is HTTP's; `retry_s`: not before so many seconds are over."""

    def __init__(self, status: int, message: str, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request tells of who makes it: `header` gives a header by name, or nothing."""

    peer: str
    header: Callable[[str], str]
    cookie: str | None


class Door:
    """Raises CommandError at the start if the password file cannot be used."""

    def __init__(self, config: DashboardConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._trusted = networks(config.trusted_proxies)
        self._people = People(config.password_file) if config.password_file else None
        self._sessions = Sessions(config.session_s, config.session_idle_s, config.sessions_max, clock)
        self._attempts = Attempts(config.signin_attempts, config.signin_attempts_s, clock)
        self._slots = threading.BoundedSemaphore(VERIFYING)
        self._places = threading.BoundedSemaphore(VERIFYING + WAITING)

    @property
    def has_passwords(self) -> bool:
        return self._people is not None

    def person(self, asking: Asking) -> tuple[Person, Session | None] | None:
        """Who asks; with their session, unless a proxy vouches for them. None: nobody known."""
        vouched = self._vouched(asking)
        if vouched is not None:
            return vouched, None
        if self._people is None or not asking.cookie:
            return None
        session = self._sessions.use(asking.cookie)
        account = self._people.get(session.name) if session is not None else None
        if session is None or account is None or account.hash != session.proof:
            return None
        return Person(account.name, account.role), session

    def _vouched(self, asking: Asking) -> Person | None:
        header = self._config.proxy_user_header
        name = asking.header(header).strip() if header else ""
        if not NAME.fullmatch(name) or not is_in(asking.peer, self._trusted):
            return None
        said = asking.header(self._config.proxy_role_header) if self._config.proxy_role_header else ""
        return Person(name, role_of(said.strip().lower()) or "viewer", by_proxy=True)

    def sign_in(self, asking: Asking, name: str, password: str) -> str:
        """The id of a new session; the one that was there before ends. Waits. Raises NotSignedIn."""
        if self._people is None:
            raise NotSignedIn(403, "This dashboard is signed in to through the proxy in front of it.")
        address = self._address(asking)
        if not NAME.fullmatch(name) or not 0 < len(password) <= PASSWORD_MOST:
            name, password = "", password[:PASSWORD_MOST] or " "  # nobody's, and it takes its time all the same
        account = self._judged(self._people, address, name, password)
        if account is None:
            log.warning("sign-in: wrong name or password", extra={"address": address, "user": self._known(name)})
            raise NotSignedIn(401, "That name and password do not belong together.")
        if asking.cookie:
            self._sessions.close(asking.cookie)
        log.info("signed in", extra={"address": address, "user": account.name, "role": account.role})
        return self._sessions.open(account.name, account.hash)

    def _judged(self, people: People, address: str, name: str, password: str) -> Account | None:
        """Raises NotSignedIn if it may not be tried now."""
        try:
            with self._attempts.begin(address, name) as attempt, self._turn():
                account = people.verify(name, password)
                attempt.right = account is not None
        except Refused as error:
            if error.why == "under_way":
                raise _busy() from None
            log.warning("sign-in: %s", LOGGED[error.why], extra={"address": address, "user": self._known(name)})
            later = f"Try again in {_in_words(error.wait_s)}."
            if error.why == "full":
                raise NotSignedIn(503, f"Too many sign-ins failed lately. {later}", error.wait_s) from None
            raise NotSignedIn(429, f"Too many attempts. {later}", error.wait_s) from None
        return account

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Of the few who are verified at once. Raises NotSignedIn if too many wait already."""
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            with self._slots:
                yield
        finally:
            self._places.release()

    def _address(self, asking: Asking) -> str:
        return address_of(asking.peer, asking.header(FORWARDED_FOR), self._trusted)

    def _known(self, name: str) -> str:
        """For the log: what is typed into the field of the name may be a password."""
        return name if self._people is not None and name and self._people.get(name) else "(unknown)"

    def sign_out(self, asking: Asking) -> None:
        found = self.person(asking)
        if asking.cookie:
            self._sessions.close(asking.cookie)
        if found is not None:
            log.info("signed out", extra={"address": self._address(asking), "user": found[0].name})

    def left_s(self, session: Session | None) -> float:
        """For how long at most the person stays signed in; without a session, as long as the proxy says so."""
        return self._config.session_s if session is None else self._sessions.left_s(session)


def _busy() -> NotSignedIn:
    return NotSignedIn(503, "Many are signing in at once. Try again in a moment.", MOMENT_S)


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
