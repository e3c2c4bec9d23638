"""Who is signed in, by a random id that only their browser knows. Pure. Any thread may call.

A session ends when it was not used for `idle_s`, when it is `session_s` old, when the person signs out, when the
account changes, or when so many others came after it that there is no room: the one that was idle for longest goes.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

ID_BYTES = 32
PER_NAME = 50


@dataclass(slots=True)
class Session:
    """`proof` is what the session was opened with: it is good only as long as that is still so."""

    name: str
    proof: str
    began: float
    used: float


class Sessions:
    """Times are seconds of `clock`, which never goes back."""

    def __init__(self, session_s: float, idle_s: float, most: int, clock: Callable[[], float]) -> None:
        self.session_s = session_s
        self.idle_s = idle_s
        self.most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}  # in the order of their last use

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, name: str, proof: str) -> str:
        """A new session's id."""
        id = secrets.token_urlsafe(ID_BYTES)
        now = self._clock()
        with self._lock:
            own = [key for key, each in self._sessions.items() if each.name == name]
            if len(own) >= PER_NAME:
                del self._sessions[own[0]]
            self._sessions[_key(id)] = Session(name, proof, now, now)
            while len(self._sessions) > self.most:
                del self._sessions[next(iter(self._sessions))]
        return id

    def use(self, id: str) -> Session | None:
        """None: there is no such session, or not any more."""
        key, now = _key(id), self._clock()
        with self._lock:
            session = self._sessions.pop(key, None)
            if session is None or self._is_over(session, now):
                return None
            session.used = now
            self._sessions[key] = session
        return session

    def left_s(self, session: Session) -> float:
        """For how long it may last, however it is used."""
        return max(0.0, session.began + self.session_s - self._clock())

    def close(self, id: str) -> None:
        with self._lock:
            self._sessions.pop(_key(id), None)

    def _is_over(self, session: Session, now: float) -> bool:
        return now - session.used >= self.idle_s or now - session.began >= self.session_s


def _key(id: str) -> bytes:
    """What is kept: who reads the memory of this process gets no ids, and how long comparing takes tells nothing."""
    return hashlib.sha256(id.encode()).digest()
