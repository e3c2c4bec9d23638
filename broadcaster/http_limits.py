"""How many requests may be under way, in all and from one address."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from broadcaster.addresses import Addresses
from broadcaster.config import BroadcasterConfig
from broadcaster.http import ALWAYS, refusal
from broadcaster.refusals import Refusals

AGAIN_S = 1


class Requests:
    """An ASGI application that refuses what is too much (503). `asked` is told of each request's client."""

    def __init__(
        self,
        app: ASGIApp,
        config: BroadcasterConfig,
        addresses: Addresses,
        refusals: Refusals,
        asked: Callable[[tuple[str, int]], None],
    ) -> None:
        self._app = app
        self._most = config.http_requests_max
        self._most_of_one = config.http_requests_per_address
        self._addresses = addresses
        self._refusals = refusals
        self._asked = asked
        self._by_key: dict[str | None, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is not None:
            self._asked((client[0], client[1]))
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        key = self._addresses.key(client[0]) if client is not None else None
        if self.under_way >= self._most:
            await self._refuse("http_requests", f"at most {self._most} at once", scope, receive, send)
        elif key is not None and 0 < self._most_of_one <= self._by_key.get(key, 0):
            problem = f"at most {self._most_of_one} at once from {key}"
            await self._refuse("http_requests_per_address", problem, scope, receive, send)
        else:
            await self._let_in(key, scope, receive, send)

    async def _refuse(self, reason: str, problem: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._refusals.count(reason)
        message = f"requests: {problem}: come again in {AGAIN_S} s"
        await refusal(503, "rate_limited", message, {"retry-after": str(AGAIN_S)})(scope, receive, send)

    @property
    def under_way(self) -> int:
        return sum(self._by_key.values())

    @property
    def fullest(self) -> int:
        """Requests under way of the address that has most."""
        return max((count for key, count in self._by_key.items() if key is not None), default=0)

    async def _let_in(self, key: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        self._by_key[key] = self._by_key.get(key, 0) + 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._by_key[key] -= 1
            if not self._by_key[key]:
                del self._by_key[key]
