"""Webhooks on their way: a bounded queue and one task a URL, so that a receiver that is down delays no other.

Order is kept a URL: what fired arrives before its end. A delivery that fails is tried again after a full-jitter delay
until it is too old; then it is given up, counted and logged. The task ends when its queue is empty.
"""

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from broadcaster.alerts.notices import host_of
from broadcaster.alerts.webhook import WebhookError, post
from ingest.backoff import Backoff

TIMEOUT_S: Final = 10.0
GIVE_UP_S: Final = 900.0
RETRY_AFTER_MAX_S: Final = 60.0
QUEUE_MAX: Final = 1_000  # a URL
QUIET_S: Final = 60.0

log = logging.getLogger("streamgauge.alerts")

Post = Callable[[str, bytes, float], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """`about` names it in the log; `made` is by the steady clock."""

    about: str
    body: bytes
    made: float


@dataclass(slots=True)
class Counts:
    """What became of deliveries since the start."""

    outcomes: dict[str, int] = field(default_factory=lambda: {"delivered": 0, "failed": 0, "dropped": 0})
    retries: int = 0


class _Route:
    """What waits for one URL, and what was said of it.

    The log gets a line when it begins to fail and when it is back, and one a minute of what is given up.
    """

    def __init__(self, url: str, backoff: Backoff) -> None:
        self.host = host_of(url)
        self.queue: deque[Delivery] = deque()
        self.backoff = backoff
        self.is_failing = False
        self._said_at = -math.inf
        self._unsaid = 0

    def failing(self, delivery: Delivery, error: WebhookError) -> None:
        if not self.is_failing:
            log.warning("webhook %s: %s: %s; trying again", self.host, delivery.about, error)
        self.is_failing = True

    def delivered(self, delivery: Delivery, tries: int) -> None:
        if self.is_failing:
            log.warning("webhook %s: %s: delivered at try %d", self.host, delivery.about, tries)
        self.is_failing = False
        self.backoff.failures = 0

    def lost(self, delivery: Delivery, why: str, now: float) -> None:
        if now < self._said_at + QUIET_S:
            self._unsaid += 1
            return
        more = f", and {self._unsaid} more before" if self._unsaid else ""
        log.warning("webhook %s: %s: given up: %s%s", self.host, delivery.about, why, more)
        self._said_at, self._unsaid = now, 0

    def end(self) -> None:
        if self._unsaid:
            log.warning("webhook %s: %d more given up", self.host, self._unsaid)


class Deliveries:
    """`put` never waits; `nursery` runs the tasks, and its end gives up what is left."""

    def __init__(self, nursery: trio.Nursery, send: Post = post, backoff: Callable[[], Backoff] = Backoff) -> None:
        self.counts = Counts()
        self._nursery = nursery
        self._send = send
        self._backoff = backoff
        self._routes: dict[str, _Route] = {}
        self._progress = trio.Event()

    @property
    def waiting(self) -> int:
        return sum(len(route.queue) for route in self._routes.values())

    def put(self, url: str, delivery: Delivery) -> None:
        """A full queue drops its oldest that is not under way."""
        route = self._routes.get(url)
        if route is None:
            route = self._routes[url] = _Route(url, self._backoff())
            self._nursery.start_soon(self._work, url, route)
        if len(route.queue) >= QUEUE_MAX:
            lost = route.queue[1]
            del route.queue[1]
            self._lost("dropped", route, lost, f"{QUEUE_MAX} wait already")
        route.queue.append(delivery)

    async def drained(self) -> None:
        """Returns when nothing waits, but for receivers that fail: those are not waited for."""
        while any(not route.is_failing for route in self._routes.values()):
            self._progress = trio.Event()
            await self._progress.wait()

    async def _work(self, url: str, route: _Route) -> None:
        while route.queue:
            await self._deliver(url, route, route.queue[0])
            route.queue.popleft()
        del self._routes[url]
        route.end()
        self._progress.set()

    async def _deliver(self, url: str, route: _Route, delivery: Delivery) -> None:
        tries = 0
        while True:
            tries += 1
            try:
                await self._send(url, delivery.body, TIMEOUT_S)
            except WebhookError as error:
                now = trio.current_time()
                delay = max(route.backoff.failed(now), min(error.after_s or 0.0, RETRY_AFTER_MAX_S))
                if error.lasting or now + delay > delivery.made + GIVE_UP_S:
                    self._lost("failed", route, delivery, f"{error} (try {tries})")
                    return
                route.failing(delivery, error)
                self._progress.set()
                self.counts.retries += 1
                await trio.sleep(delay)
                continue
            self.counts.outcomes["delivered"] += 1
            route.delivered(delivery, tries)
            return

    def _lost(self, outcome: str, route: _Route, delivery: Delivery, why: str) -> None:
        self.counts.outcomes[outcome] += 1
        route.lost(delivery, why, trio.current_time())
