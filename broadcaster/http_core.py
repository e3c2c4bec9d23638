"""What the HTTP side needs of a broadcaster."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from broadcaster.auth import Grant
from broadcaster.config import BroadcasterConfig
from broadcaster.selection import Selection
from broadcaster.statistics import Figures

Caller = Grant  # of whoever makes a request


def _nothing() -> None:
    """Nobody counts what is not taken yet."""


class Core(Protocol):
    """What the HTTP side needs of a broadcaster. Times are Unix seconds."""

    @property
    def config(self) -> BroadcasterConfig: ...

    @property
    def ready(self) -> bool:
        """Whether new clients are welcome."""

    @property
    def draining(self) -> bool: ...

    def authorise(self, token: str | None) -> Caller:
        """Raises MessageError (bad_token)."""

    def publish(
        self, message: Mapping[str, Any], caller: Caller, address: str, now: float, size: int = 0
    ) -> Mapping[str, Any]:
        """Applies a `publish` of so many bytes and returns the fields of its `ack`. Raises MessageError."""

    async def stored(self) -> None:
        """Returns when that may be acknowledged. Raises MessageError (rate_limited)."""

    async def descriptors(self, selection: Selection, caller: Caller) -> Iterator[Mapping[str, Any]]:
        """The known series that the selection selects, each as it is when it is asked for."""

    @property
    def connected(self) -> int:
        """How many are."""

    def connections(self, most: int) -> Iterable[Mapping[str, Any]]:
        """Who is connected, producers first."""

    def refused_over_http(self, most: int) -> Iterable[Mapping[str, Any]]:
        """Who publishes over HTTP more than it may, the newest first."""

    def figures(self) -> Figures: ...

    def refused(self, reason: str) -> None:
        """Counts a refusal."""

    def failed(self, code: str) -> None:
        """Counts an error that a client is answered with."""

    async def alerts(self, caller: Caller) -> Mapping[str, Any]:
        """The alerts that are set, those that are pending or firing, and the newest that are over."""

    @property
    def alerting(self) -> "Alerting": ...

    @property
    def past(self) -> "Past | None":
        """None: nothing is stored."""


class Alerting(Protocol):
    """Where alerts are put. Both raise MessageError."""

    async def put(self, name: str, table: Mapping[str, Any], expected: str | None) -> Mapping[str, Any]: ...

    async def delete(self, name: str, expected: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A large body; `taken` is to be called when it is sent, or nobody waits for it any more."""

    body: bytes
    taken: Callable[[], None] = _nothing


class Past(Protocol):
    """What is stored."""

    async def answer(
        self, selection: Selection, parameters: Mapping[str, str], caller: Caller, address: str, now: float
    ) -> Answer:
        """JSON. Raises MessageError."""
